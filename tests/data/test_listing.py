"""Which files of a source are images of which class."""

import os
from pathlib import Path

import pytest

from lcc.config.data import DataSettings
from lcc.data.listing import list_source, read_listing, write_listing
from lcc.errors import ConfigError, DataError
from lcc.storage.local import LocalStore


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


def test_hidden_and_side_files_are_not_images(tmp_path: Path):
    write(tmp_path, "a/1.png", "b/1.png", "families.csv", "a/notes.txt", "top.png")
    write(tmp_path, "a/.DS_Store", ".cache/x/1.png", "__MACOSX/a/1.png", "a/Thumbs.db")

    found = listed(tmp_path)

    assert sorted(found) == ["a/1.png", "b/1.png"]


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
        f"data.name: tiles must stay with its source {first.source}, got "
        f"{second.source}. Pass --name with another name."
    )


def test_a_missing_folder_is_said_so(tmp_path: Path):
    with pytest.raises(DataError) as caught:
        listed(tmp_path / "away")

    assert str(caught.value) == (
        f"data.source: must be a folder, got {tmp_path / 'away'}, which is none. "
        "Check the path."
    )


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
    assert second.endswith("Folders: lung_aca, lung_n.")


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
