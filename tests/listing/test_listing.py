"""Which files of a source are images of which class."""

import os
from pathlib import Path

import pytest

from lcc.config.data import DataSettings
from lcc.errors import ConfigError, DataError
from lcc.listing.listing import list_source, read_listing, write_listing
from lcc.storage.local import LocalStore
from lcc.storage.uri import shown_uri


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def listed(folder: Path, **data) -> dict[str, str]:
    table = list_source(LocalStore(folder), DataSettings(**data)).table
    return dict(zip(table["path"].to_pylist(), table["label"].to_pylist(), strict=True))


def test_the_class_is_the_folder_an_image_lies_in(tmp_path: Path):
    write(tmp_path, "lung_aca/1.jpeg", "lung_n/1.jpeg", "lung_n/2.png")

    found = listed(tmp_path)

    assert found == {
        "lung_aca/1.jpeg": "lung_aca",
        "lung_n/1.jpeg": "lung_n",
        "lung_n/2.png": "lung_n",
    }


def test_class_folders_lie_at_any_depth(tmp_path: Path):
    top = "lung_colon_image_set"
    lung, colon = f"{top}/lung_image_sets", f"{top}/colon_image_sets"
    write(tmp_path, f"{lung}/lung_aca/1.jpeg", f"{lung}/lung_n/1.jpeg")
    write(tmp_path, f"{colon}/colon_n/1.jpeg")

    found = listed(tmp_path)

    assert set(found.values()) == {"lung_aca", "lung_n", "colon_n"}


def test_classes_choose_folders_and_name_them(tmp_path: Path):
    write(tmp_path, "a/lung_aca/1.jpeg", "a/lung_n/1.jpeg", "b/colon_n/1.jpeg")

    found = listed(tmp_path, classes={"lung_aca": "cancer", "a/lung_n": "benign"})

    assert found == {"a/lung_aca/1.jpeg": "cancer", "a/lung_n/1.jpeg": "benign"}


def test_two_folders_may_make_one_class(tmp_path: Path):
    write(tmp_path, "aca/1.jpeg", "scc/1.jpeg", "n/1.jpeg")

    found = listed(tmp_path, classes={"aca": "cancer", "scc": "cancer", "n": "benign"})

    assert found == {
        "aca/1.jpeg": "cancer",
        "scc/1.jpeg": "cancer",
        "n/1.jpeg": "benign",
    }


def test_a_class_may_be_an_upper_folder(tmp_path: Path):
    write(tmp_path, "benign/SOB/adenosis/1.png", "malignant/SOB/lobular/1.png")

    found = listed(tmp_path, classes={"benign": "b", "lobular": "l", "malignant": "m"})

    assert found == {
        "benign/SOB/adenosis/1.png": "b",
        "malignant/SOB/lobular/1.png": "l",  # what lies deeper counts first
    }


def test_a_level_is_counted_from_either_end_and_without_splits(tmp_path: Path):
    write(tmp_path, "train/x/a/1.png", "train/y/b/1.png", "test/x/c/1.png")

    assert listed(tmp_path, class_level=1) == listed(tmp_path, class_level=-2)
    assert set(listed(tmp_path, class_level=1).values()) == {"x", "y"}
    assert set(listed(tmp_path, class_level=2).values()) == {"a", "b", "c"}


def test_classes_choose_among_the_folders_of_a_level(tmp_path: Path):
    write(tmp_path, "a/n/1.png", "a/t/1.png", "n/t/1.png", "n/x/1.png")

    found = listed(tmp_path, class_level=2, classes={"n": "normal", "t": "tumour"})

    assert found == {
        "a/n/1.png": "normal",
        "a/t/1.png": "tumour",
        "n/t/1.png": "tumour",
    }


def test_a_pattern_tells_classes_of_flat_folders(tmp_path: Path):
    write(tmp_path, "train/lung_aca_1.png", "test/lung_n_12.png", "test/odd.png")

    listing = list_source(
        LocalStore(tmp_path), DataSettings(class_pattern="{class}_{number}.png")
    )

    assert listing.table["label"].to_pylist() == ["lung_n", "lung_aca"]
    assert listing.left_out == (("test/odd.png", "other_path"),)


def test_labels_come_from_a_table(tmp_path: Path):
    write(tmp_path, "train/f38a.tif", "train/c18f.tif", "test/755d.tif")
    labels = {"f38a": "0", "c18f": "1", "unknown": "1"}

    listing = list_source(LocalStore(tmp_path), DataSettings(), labels=labels)

    assert listing.table["path"].to_pylist() == ["train/c18f.tif", "train/f38a.tif"]
    assert listing.table["label"].to_pylist() == ["1", "0"]
    assert listing.left_out == (("test/755d.tif", "no_label"),)
    assert listing.notes[1] == "1 of 3 rows of data.labels_csv name no image: unknown"


def test_hidden_and_side_files_are_not_images(tmp_path: Path):
    write(tmp_path, "a/1.png", "b/1.png", "families.csv", "a/notes.txt", "top.png")
    write(tmp_path, "a/.DS_Store", ".cache/x/1.png", "__MACOSX/a/1.png", "a/Thumbs.db")
    write(tmp_path, "a/README", "b/LICENSE")

    found = listed(tmp_path)

    assert sorted(found) == ["a/1.png", "b/1.png"]


@pytest.mark.parametrize(
    "name",
    [
        "a/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg",
        "#recycle/a/2.png",
        "a/.ipynb_checkpoints/1-checkpoint.png",
        "__MACOSX/a/._1.png",
        "a/._1.png",
        "a/Thumbs.db",
        "a/desktop.ini",
        "a/.DS_Store",
        "$RECYCLE.BIN/a/1.png",
        "a/2.png.part",
    ],
)
def test_litter_is_no_class_and_no_image_and_counted(tmp_path: Path, name: str):
    write(tmp_path, "a/1.png", "b/1.png", name)

    listing = list_source(LocalStore(tmp_path), DataSettings())

    assert listing.table["label"].to_pylist() == ["a", "b"]
    assert listing.left_out == ((name, "litter"),)


def test_masks_beside_images_are_left_out(tmp_path: Path):
    write(tmp_path, "a/images/1.png", "a/masks/1.png", "b/images/1.png", "b/gt/1.png")

    listing = list_source(LocalStore(tmp_path), DataSettings())

    assert listing.table["label"].to_pylist() == ["a", "b"]
    assert listing.left_out == (("a/masks/1.png", "mask"), ("b/gt/1.png", "mask"))


def test_classes_that_are_called_mask_are_classes(tmp_path: Path):
    write(tmp_path, "with mask/1.png", "without mask/1.png")

    assert set(listed(tmp_path).values()) == {"with mask", "without mask"}


def test_a_slide_whose_index_looks_like_a_picture_is_left_out(tmp_path: Path):
    write(tmp_path, "a/1.png", "b/1.png", "b/slide.mrxs", "b/slide/Data0000.dat")

    listing = list_source(LocalStore(tmp_path), DataSettings())

    assert listing.left_out == (
        ("b/slide.mrxs", "whole_slide"),
        ("b/slide/Data0000.dat", "side_file"),
    )


def test_links_that_lead_nowhere_are_listed(tmp_path: Path):
    write(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "a" / "2.png").symlink_to("../.annex/2")

    found = listed(tmp_path, max_unreadable_fraction=0.5)

    assert found == {"a/1.png": "a", "a/2.png": "a", "b/1.png": "b"}


def test_many_links_that_lead_nowhere_are_refused_at_once(tmp_path: Path):
    write(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "a" / "2.png").symlink_to("../.annex/2")

    with pytest.raises(DataError) as caught:
        listed(tmp_path)

    assert str(caught.value) == (
        "data.max_unreadable_fraction: at most 0.01 of 3 files may be unreadable, got "
        "1 links to files that are not there: a/2.png. Fetch what they mean (dvc pull, "
        "git annex get .), or raise the limit."
    )


def test_a_folder_that_is_a_link_to_nowhere_is_counted(tmp_path: Path):
    write(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "c").symlink_to("/mnt/nas/away")

    listing = list_source(LocalStore(tmp_path), DataSettings())

    assert listing.left_out == (("c", "broken_folder_link"),)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        pytest.param("my tiles.zip", "unzip -q '{0}/my tiles.zip' -d '{0}/my tiles'",
                     id="zip"),
        pytest.param("t.tar.gz", "mkdir -p {0}/t && tar -xf {0}/t.tar.gz -C {0}/t",
                     id="tar"),
    ],
)  # fmt: skip
def test_an_archive_is_refused_with_what_unpacks_it(tmp_path: Path, name, command):
    write(tmp_path, name)

    with pytest.raises(DataError) as caught:
        listed(tmp_path / name)

    assert str(caught.value) == (
        f"data.source: must be a folder, got the archive {tmp_path / name}. Unpack it "
        f"and name that folder: {command.format(tmp_path)}"
    )


def test_a_folder_that_holds_an_archive_alone_says_what_unpacks_it(tmp_path: Path):
    write(tmp_path, "set/tiles.zip", "set/README.md")

    with pytest.raises(
        DataError,
        match=r"\(1 archive, 1 side_file\)\. Unpack it and name that folder: ",
    ):
        listed(tmp_path)


def test_a_folder_that_holds_arrays_alone_says_what_to_do(tmp_path: Path):
    write(tmp_path, "camelyonpatch_level_2_split_test_x.h5", "train.npz")

    with pytest.raises(DataError, match=r"\(2 array_file\)\. Write the pictures of"):
        listed(tmp_path)


def test_classes_that_differ_by_case_alone_are_noted(tmp_path: Path):
    write(tmp_path, "Tumor/1.png", "tumor/1.png")

    listing = list_source(LocalStore(tmp_path), DataSettings())

    assert listing.notes[-1].startswith("Tumor and tumor: two classes whose names")


def test_odd_names_are_listed(tmp_path: Path):
    names = ["a b/x, y.png", "a b/line\nbreak.png", "c/back\\slash.png", "c/ä.png"]
    write(tmp_path, *names)
    (tmp_path / os.fsdecode(b"c/\xff.png")).write_bytes(b"x")

    found = listed(tmp_path)

    assert sorted(found) == [
        "a b/line\nbreak.png",
        "a b/x, y.png",
        "c/\\xff.png",
        "c/back\\x5cslash.png",
        "c/ä.png",
    ]


def test_results_inside_the_source_are_not_input(tmp_path: Path):
    write(tmp_path, "a/1.png", "b/1.png", "lcc-study/work/c/1.tiles")

    listing = list_source(LocalStore(tmp_path), DataSettings(), skip="lcc-study/")

    assert listing.table["path"].to_pylist() == ["a/1.png", "b/1.png"]


def test_a_listing_differs_when_a_file_was_touched(tmp_path: Path):
    write(tmp_path, "a/1.png", "b/1.png")
    before = list_source(LocalStore(tmp_path), DataSettings()).digest

    os.utime(tmp_path / "a/1.png", ns=(1, 1))

    assert list_source(LocalStore(tmp_path), DataSettings()).digest != before


def test_a_listing_is_kept_and_read(tmp_path: Path):
    listing = list_source(
        LocalStore(write(tmp_path / "s", "a/1", "b/1")), DataSettings()
    )
    root = LocalStore(tmp_path / "root")

    digest = write_listing(root, listing, name="tiles")

    assert read_listing(root, name="tiles", digest=digest) == listing


def test_a_name_stays_with_its_source(tmp_path: Path):
    root = LocalStore(tmp_path / "root")
    first, second = (
        list_source(LocalStore(write(tmp_path / n, "a/1", "b/1")), DataSettings())
        for n in ("first", "second")
    )
    write_listing(root, first, name="tiles")

    with pytest.raises(DataError) as caught:
        write_listing(root, second, name="tiles")

    assert str(caught.value) == (
        f"data.name: tiles must stay with its source {shown_uri(first.source)}, "
        f"got {shown_uri(second.source)}. Pass --name with another name."
    )


def test_a_missing_folder_is_said_so(tmp_path: Path):
    with pytest.raises(DataError) as caught:
        listed(tmp_path / "away")

    assert str(caught.value) == (
        f"data.source: must be a folder, got {tmp_path / 'away'}, which is none. "
        "Check the path."
    )


def test_a_table_among_images_without_classes_is_pointed_at(tmp_path: Path):
    write(tmp_path, "images/1.png", "images/2.png", "annotations.csv")

    with pytest.raises(DataError) as caught:
        listed(tmp_path)

    assert str(caught.value).splitlines()[-1] == (
        f"  --set data.labels_csv={tmp_path}/annotations.csv"
    )


def test_labels_that_fit_nothing_point_at_no_other_table(tmp_path: Path):
    write(tmp_path, "1.png", "annotations.csv")

    with pytest.raises(DataError) as caught:
        list_source(LocalStore(tmp_path), DataSettings(), labels={"2.png": "x"})

    assert "annotations.csv" not in str(caught.value)


def test_classes_in_names_of_files_are_pointed_at(tmp_path: Path):
    write(tmp_path / "c", *(f"train/{c} ({n}).png" for c in ("x", "y") for n in (1, 2)))

    with pytest.raises(DataError) as caught:
        listed(tmp_path / "c")

    assert str(caught.value).splitlines()[-2:] == [
        "By the names of files they would be:",
        "  --set 'data.class_pattern={class} ({number}).png'   2 classes: x, y",
    ]


def test_a_folder_without_class_folders_is_said_so(tmp_path: Path):
    write(tmp_path, "1.png", "2.png")

    with pytest.raises(DataError, match=r"must hold one folder of images per class"):
        listed(tmp_path)


def test_one_class_is_not_enough(tmp_path: Path):
    write(tmp_path, "lung_aca/1.png", "lung_aca/2.png")

    with pytest.raises(DataError, match=r"at least 2 classes, got 1 \(lung_aca\)"):
        listed(tmp_path)


def test_unknown_classes_get_a_near_word_each(tmp_path: Path):
    write(tmp_path, "lung_aca/1.png", "lung_n/1.png")

    with pytest.raises(DataError) as caught:
        listed(tmp_path, classes={"lung_acca": "a", "lung_n": "n", "zzz": "z"})

    first, second = str(caught.value).splitlines()
    assert first.endswith("which holds no images. Did you mean lung_aca?")
    assert second.endswith("There are lung_aca, lung_n.")


def test_a_symlink_loop_is_said_so(tmp_path: Path):
    write(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)

    with pytest.raises(DataError, match="must not lead back"):
        listed(tmp_path)


def test_a_linked_folder_is_a_folder(tmp_path: Path):
    write(tmp_path / "store", "x/1.png")
    write(tmp_path / "source", "b/1.png")
    (tmp_path / "source" / "a").symlink_to(tmp_path / "store" / "x")

    assert listed(tmp_path / "source") == {"a/1.png": "a", "b/1.png": "b"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything: run as a user")
def test_a_folder_that_may_not_be_read_is_said_so(tmp_path: Path):
    write(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "a").chmod(0)

    with pytest.raises(ConfigError, match="must be readable"):
        listed(tmp_path)
