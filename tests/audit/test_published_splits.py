"""Splits as the world publishes them: lists, seeds, folds, other machines' paths."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lcc.audit.split_source import read_splits
from lcc.audit.user_split import UserSplit
from lcc.errors import ConfigError, DataError, NotFoundError
from tests.builders.splits import a_csv, some_files

CLASSES = ("lung_aca", "lung_n")
PATHS = [f"{label}/{label}{number}.jpeg" for label in CLASSES for number in range(4)]
SPLITS = ("train", "train", "val", "test")  # of the four tiles of each class
EXPECTED = {path: SPLITS[number % 4] for number, path in enumerate(PATHS)}


def tiles(folder: Path, prefix: str = "tiles") -> Path:
    return some_files(folder / prefix, {p: p.encode() for p in PATHS})


def read(*paths: Path, images: Path | None = None) -> UserSplit:
    (found,) = read_splits(paths, images)
    return found


def splits_of(found: UserSplit) -> dict[str, str]:
    return {image.path: image.split for image in found.images}


def labels_of(found: UserSplit) -> dict[str, tuple[str, ...]]:
    return {image.path: image.labels for image in found.images}


def three_files(folder: Path, split_of=EXPECTED.__getitem__) -> list[Path]:
    return [
        a_csv(
            folder / f"{split}.csv",
            [
                (path.split("/")[1], path.split("/")[0], f"g{number}")
                for number, path in enumerate(PATHS)
                if split_of(path) == split
            ],
            header=("filename", "label", "group_id"),
        )
        for split in ("train", "val", "test")
    ]


def test_three_files_name_bare_files_that_lie_in_class_folders(tmp_path: Path):
    found = read(*three_files(tmp_path), images=tiles(tmp_path))

    assert splits_of(found) == EXPECTED
    assert labels_of(found) == {path: (path.split("/")[0],) for path in PATHS}
    assert found.images[0].groups == (("group_id", "g0"),)
    assert found.name == "train.csv, val.csv, test.csv"
    assert found.notes[-1] == (
        "8 paths are those of another folder; files are found by their ends: "
        "lung_aca0.jpeg is lung_aca/lung_aca0.jpeg."
    )


def test_a_folder_of_such_files_is_read_like_these(tmp_path: Path):
    three_files(tmp_path / "lists")
    (tmp_path / "lists" / "README.txt").write_text("Made with seed 3.\n")

    found = read(tmp_path / "lists", images=tiles(tmp_path))

    assert splits_of(found) == EXPECTED
    assert "README.txt: left out, no list of images." in found.notes


def test_lists_may_lie_among_the_images(tmp_path: Path):
    three_files(tiles(tmp_path))

    assert splits_of(read(tmp_path / "tiles")) == EXPECTED


def test_each_of_several_seeds_is_judged(tmp_path: Path):
    three_files(tmp_path / "lists" / "seed1")
    three_files(
        tmp_path / "lists" / "seed2",
        lambda path: (
            EXPECTED[path]
            .replace("val", "x")
            .replace("test", "val")
            .replace("x", "test")
        ),
    )

    one, two = read_splits([tmp_path / "lists"], tiles(tmp_path))

    assert (one.name, two.name) == ("lists, seed 1", "lists, seed 2")
    assert splits_of(one) == EXPECTED
    assert splits_of(two)["lung_aca/lung_aca3.jpeg"] == "val"


def test_seeds_may_share_their_test_file(tmp_path: Path):
    for seed in (1, 2):
        three_files(tmp_path / "lists" / f"seed{seed}")
        (tmp_path / "lists" / f"seed{seed}" / "test.csv").rename(
            tmp_path / "lists" / "test.csv"
        )

    found = read_splits([tmp_path / "lists"], tiles(tmp_path))

    assert [splits_of(one) for one in found] == [EXPECTED, EXPECTED]


def test_a_seed_keeps_its_own_test_file(tmp_path: Path):
    for seed in ("1", "2"):
        three_files(tmp_path / "lists" / f"seed{seed}")
    (tmp_path / "lists" / "seed1" / "test.csv").unlink()
    a_csv(tmp_path / "lists" / "test.csv", [(PATHS[0],)], header=("path",))

    one, two = read_splits([tmp_path / "lists"], tiles(tmp_path))

    tested = {image.path for image in one.images if image.split == "test"}
    assert tested == {PATHS[0]}
    assert [(i.path, i.split) for i in two.images] == list(EXPECTED.items())


def test_a_broken_list_that_is_named_for_a_split_is_refused(tmp_path: Path):
    three_files(tmp_path / "lists")
    (tmp_path / "lists" / "val.csv").write_text("no,columns\n1,2\n")

    with pytest.raises(DataError, match=r"val.csv: must have a column path"):
        read(tmp_path / "lists", images=tiles(tmp_path))


def test_lists_of_one_class_each_are_one_split(tmp_path: Path):
    files = []
    for label in CLASSES:
        for split in ("train", "val", "test"):
            own = [p for p in PATHS if p.startswith(label) and EXPECTED[p] == split]
            files.append(tmp_path / f"{label}_{split}.txt")
            files[-1].write_text("\n".join(own))

    found = read(*files, images=tiles(tmp_path))

    assert splits_of(found) == EXPECTED


WINDOWS = "E:\\LC25000\\Test Set\\"


@pytest.mark.parametrize(
    ("root", "form"),
    [
        pytest.param(WINDOWS, lambda p: p.replace("/", "\\"), id="drive"),
        pytest.param("/home/someone/data/", str, id="foreign root"),
        pytest.param("file:///mnt/x/", str, id="address"),
        pytest.param("../data/", str, id="neighbouring folder"),
        pytest.param("./", str.upper, id="upper case"),
    ],
)
def test_paths_of_another_machine_are_found_by_their_ends(tmp_path: Path, root, form):
    rows = [(root + form(path), split) for path, split in EXPECTED.items()]

    found = read(a_csv(tmp_path / "s.csv", rows), images=tiles(tmp_path))

    assert splits_of(found) == EXPECTED
    assert f"{rows[0][0]} is lung_aca/lung_aca0.jpeg." in found.notes[1]


def test_the_longest_end_counts(tmp_path: Path):
    some_files(tmp_path, {"x/cat/1.png": b"1", "x/dog/1.png": b"2", "dog/1.png": b"3"})
    rows = [("/a/cat/1.png", "train"), ("/a/x/dog/1.png", "test")]

    found = read(a_csv(tmp_path / "s.csv", rows))

    assert splits_of(found) == {"x/cat/1.png": "train", "x/dog/1.png": "test"}


def test_a_path_that_fits_several_files_names_both(tmp_path: Path):
    some_files(tmp_path, {"x/1.png": b"1", "y/1.png": b"2", "y/2.png": b"2"})
    file = a_csv(tmp_path / "s.csv", [("C:\\1.png", "train"), ("2.png", "test")])

    with pytest.raises(DataError) as caught:
        read(file)

    assert str(caught.value) == (
        f"{file}: every path must end as one file does, got 1 that fit several: "
        f"C:\\1.png (line 2): {tmp_path}/x/1.png and {tmp_path}/y/1.png. Pass --images "
        "with a folder that holds one of them, or write longer paths."
    )


def test_of_equal_names_the_label_chooses_the_folder(tmp_path: Path):
    some_files(tmp_path, {"cat/1.png": b"1", "dog/1.png": b"2"})
    rows = [("1.png", "train", "cat"), ("1.png", "test", "dog")]

    found = read(a_csv(tmp_path / "s.csv", rows, header=("file", "split", "class")))

    assert splits_of(found) == {"cat/1.png": "train", "dog/1.png": "test"}


def test_a_file_of_another_folder_is_no_stand_in(tmp_path: Path):
    some_files(tmp_path, {"cat/1.png": b"1", "dog/2.png": b"2"})
    file = a_csv(tmp_path / "s.csv", [("dog/1.png", "train"), ("dog/2.png", "test")])

    with pytest.raises(NotFoundError, match=r"got 1 of 2 that are not: dog/1\.png"):
        read(file)


def test_a_bare_name_is_not_found_in_the_folder_of_another_class(tmp_path: Path):
    some_files(tmp_path, {"cat/2.png": b"1", "dog/1.png": b"2"})
    rows = [("1.png", "train", "cat"), ("2.png", "test", "cat")]
    file = a_csv(tmp_path / "s.csv", rows, header=("file", "split", "class"))

    with pytest.raises(NotFoundError, match=r"got 1 of 2 that are not: 1\.png"):
        read(file)


def test_of_equal_names_the_split_chooses_the_folder_too(tmp_path: Path):
    some_files(tmp_path, {"x/train/1.png": b"1", "x/test/1.png": b"2"})
    rows = [("1.png", "train"), ("1.png", "test")]

    found = read(a_csv(tmp_path / "s.csv", rows))

    assert splits_of(found) == {"x/train/1.png": "train", "x/test/1.png": "test"}


def test_two_paths_do_not_end_as_one_file(tmp_path: Path):
    some_files(tmp_path, {"1.png": b"1", "2.png": b"2"})
    rows = [("a/1.png", "train"), ("b/1.png", "test"), ("2.png", "test")]

    with pytest.raises(
        DataError, match=r"no two paths may end as one file does, got 1"
    ):
        read(a_csv(tmp_path / "s.csv", rows))


def test_backslashes_are_shown_as_they_are(tmp_path: Path):
    rows = [("E:\\x\\a.png", "train"), ("E:\\x\\b.png", "test")]

    with pytest.raises(NotFoundError, match=r"got 2 of 2 that are not: E:\\x\\a\.png "):
        read(a_csv(tmp_path / "s.csv", rows))


def test_absolute_paths_of_this_machine_need_no_folder(tmp_path: Path):
    folder = tiles(tmp_path)
    rows = [(str(folder / path), split) for path, split in EXPECTED.items()]

    found = read(a_csv(tmp_path / "lists" / "s.csv", rows))

    assert splits_of(found) == {f"tiles/{p}": split for p, split in EXPECTED.items()}


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Train and Validation Set", "Test Set"),
        ("training_set", "test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("Training", "Testing"),
        ("train2017", "val2017"),
        ("data/TrainingData", "data/TestData"),
        ("LC25000-train", "LC25000-holdout"),
        ("train/images", "test/images"),
        ("images/train", "images/test"),
        ("fold1", "fold2"),
    ],
)
def test_folders_are_splits_whose_names_contain_a_role(
    tmp_path: Path, train: str, test: str
):
    files = {f"{train}/cat/a.png": b"1", f"{test}/dog/b.PNG": b"2", "x/y.png": b"3"}
    some_files(tmp_path, files)

    found = read(tmp_path)

    by_path = {f"{train}/cat/a.png": ("cat",), f"{test}/dog/b.PNG": ("dog",)}
    assert labels_of(found) == by_path
    assert found.notes == ("x/: left out, no split's name; 1 files.",)


def test_classes_may_lie_above_their_splits(tmp_path: Path):
    some_files(
        tmp_path,
        {f"LC/{c}/{s}/{c}{s}.png": b"1" for c in CLASSES for s in ("train", "test")},
    )

    found = read(tmp_path)

    assert {(i.split, i.labels) for i in found.images} == {
        (split, (label,)) for split in ("train", "test") for label in CLASSES
    }


def test_folds_of_folders_that_hold_splits_are_judged_one_by_one(tmp_path: Path):
    names = [f"fold{n}/{s}/cat/{n}{s}.png" for n in (0, 1) for s in ("train", "test")]
    some_files(tmp_path / "cv", dict.fromkeys(names, b"1"))

    found = read_splits([tmp_path / "cv"], None)

    assert [one.name for one in found] == ["cv, fold0", "cv, fold1"]
    assert [len(one.images) for one in found] == [2, 2]


def test_litter_and_masks_are_no_images(tmp_path: Path):
    some_files(
        tmp_path,
        {
            "train/images/a.png": b"1",
            "test/images/b.png": b"2",
            "train/masks/a.png": b"3",
            "__MACOSX/train/images/._a.png": b"4",
            "train/.hidden/a.png": b"5",
            "train/images/@eaDir/a.png/SYNOPHOTO_THUMB_M.jpg": b"6",
        },
    )

    found = read(tmp_path)

    assert sorted(splits_of(found)) == ["test/images/b.png", "train/images/a.png"]
    assert "1 files left out: masks or labels of the images." in found.notes


def by_split(values: dict[str, object]) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {"train": [], "val": [], "test": []}
    for path, value in values.items():
        found[EXPECTED[path]].append(value)
    return found


JSON = {
    "splits": by_split({p: p for p in PATHS}),
    "splits of names": by_split({p: p.split("/")[1] for p in PATHS}),
    "splits of classes": {
        "train": {"lung_aca": PATHS[:2], "lung_n": PATHS[4:6]},
        "val": {"lung_aca": PATHS[2:3], "lung_n": PATHS[6:7]},
        "test": {"lung_aca": PATHS[3:4], "lung_n": PATHS[7:]},
    },
    "classes of splits": {
        "lung_aca": {"train": PATHS[:2], "val": PATHS[2:3], "test": PATHS[3:4]},
        "lung_n": {"train": PATHS[4:6], "val": PATHS[6:7], "test": PATHS[7:]},
    },
    "rows": [{"image": p, "subset": s} for p, s in EXPECTED.items()],
    "rows by split": by_split({p: {"file_name": p, "label": "x"} for p in PATHS}),
    "columns": {"path": PATHS, "split": list(EXPECTED.values())},
    "images": EXPECTED,
    "images of objects": {p: {"split": s, "label": "x"} for p, s in EXPECTED.items()},
    "one draw": [by_split({p: p for p in PATHS})],
    "pairs": by_split({p: [p, 0] for p in PATHS}),
    "with classes": {"classes": ["a", "n"], **by_split({p: p for p in PATHS})},
}  # fmt: skip


@pytest.mark.parametrize("form", JSON)
def test_json_is_read_in_the_shapes_that_people_give_it(tmp_path: Path, form: str):
    file = tmp_path / "splits.json"
    file.write_text(json.dumps(JSON[form]))

    assert splits_of(read(file, images=tiles(tmp_path))) == EXPECTED


def test_json_with_several_draws_gives_them_all(tmp_path: Path):
    file = tmp_path / "splits_final.json"
    file.write_text(json.dumps([{"train": PATHS[:4], "val": PATHS[4:]}] * 3))

    found = read_splits([file], tiles(tmp_path))

    assert [one.name for one in found] == [f"splits_final.json, {n}" for n in range(3)]


def test_json_lines_and_parquet_are_tables(tmp_path: Path):
    rows = [{"path": p, "split": s, "patient": 7} for p, s in EXPECTED.items()]
    lines, table = tmp_path / "s.jsonl", tmp_path / "s.parquet"
    lines.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    parquet.write_table(pa.Table.from_pylist(rows), table)
    folder = tiles(tmp_path)

    for file in (lines, table):
        found = read(file, images=folder)

        assert splits_of(found) == EXPECTED
        assert found.images[0].groups == (("patient", "7"),)


@pytest.mark.parametrize("form", ["indices", "masks", "paths"])
def test_arrays_go_with_a_list_of_paths(tmp_path: Path, form: str):
    paths = a_csv(
        tmp_path / "paths.csv", [(p, p[:8]) for p in PATHS], header=("path", "class")
    )
    is_in = {
        s: np.array([EXPECTED[p] == s for p in PATHS]) for s in ("train", "val", "test")
    }
    makers = {
        "indices": np.flatnonzero,
        "masks": lambda mask: mask,
        "paths": lambda mask: np.array(PATHS)[mask],
    }
    arrays = {f"{split}_idx": makers[form](mask) for split, mask in is_in.items()}
    np.savez(tmp_path / "split.npz", y=np.arange(8), x=np.zeros((8, 2)), **arrays)

    found = read(tmp_path / "split.npz", paths, images=tiles(tmp_path))

    assert splits_of(found) == EXPECTED
    assert labels_of(found)[PATHS[0]] == ("lung_aca",)


def test_arrays_alone_ask_for_the_list_that_they_count_in(tmp_path: Path):
    file = tmp_path / "split.npz"
    np.savez(file, train=[0, 1], test=[2])

    with pytest.raises(DataError) as caught:
        read(file)

    assert str(caught.value) == (
        f"{file}: numbers count in one list of paths, got none. Name that list too: a "
        "CSV with the column path, or a text with a path a line."
    )


def test_numbers_beyond_their_list_are_refused(tmp_path: Path):
    np.savez(tmp_path / "split.npz", train=[0, 1], test=[2, 8])
    paths = a_csv(tmp_path / "paths.csv", [(p,) for p in PATHS], header=("path",))

    with pytest.raises(
        DataError, match=r"must number the 8 images of .* from 0, got 8"
    ):
        read(tmp_path / "split.npz", paths, images=tiles(tmp_path))


@pytest.mark.parametrize(
    "line",
    ["{path}", "{path} 3", "{path}\t{label}", "./{path}, {label}", "{name}"],
)
def test_texts_name_a_path_a_line(tmp_path: Path, line: str):
    for split in ("train", "val", "test"):
        lines = [
            line.format(path=p, label=p[:8], name=Path(p).stem)
            for p in PATHS
            if EXPECTED[p] == split
        ]
        (tmp_path / f"{split}.txt").write_text("\n".join([*lines, "", ""]))

    found = read(
        *(tmp_path / f"{split}.txt" for split in ("train", "val", "test")),
        images=tiles(tmp_path),
    )

    assert splits_of(found) == EXPECTED


def test_names_with_spaces_stay_whole(tmp_path: Path):
    some_files(tmp_path, {"a tile 1.png": b"1", "a tile 2.png": b"2"})
    (tmp_path / "train.txt").write_text("a tile 1.png\n")
    (tmp_path / "test.txt").write_text("a tile 2.png\n")

    found = read(tmp_path)

    assert splits_of(found) == {"a tile 1.png": "train", "a tile 2.png": "test"}


def test_a_csv_without_header_says_it_by_its_cells(tmp_path: Path):
    (tmp_path / "s.csv").write_text(
        "".join(f"{p[:8]},{p},{s}\n" for p, s in EXPECTED.items())
    )

    found = read(tmp_path / "s.csv", images=tiles(tmp_path))

    assert splits_of(found) == EXPECTED
    assert labels_of(found)[PATHS[0]] == ("lung_aca",)


ENCODINGS = {
    "excel": "sep=;\r\n{}".format,
    "utf-16": lambda text: text.encode("utf-16"),
    "mark": lambda text: text.encode("utf-8-sig"),
}


@pytest.mark.parametrize("form", ENCODINGS)
def test_what_excel_saves_is_read(tmp_path: Path, form: str):
    text = "path;split\r\n" + "".join(f"{p};{s}\r\n" for p, s in EXPECTED.items())
    content = ENCODINGS[form](text)
    (tmp_path / "s.csv").write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )

    assert splits_of(read(tmp_path / "s.csv", images=tiles(tmp_path))) == EXPECTED


def test_names_may_differ_in_the_form_of_accents_and_case(tmp_path: Path):
    on_disk = unicodedata.normalize("NFD", "café/é1.JPEG")
    some_files(tmp_path, {on_disk: b"1", "b.png": b"2"})
    rows = [(unicodedata.normalize("NFC", "Café/é1.jpeg"), "train"), ("b.png", "test")]

    found = read(a_csv(tmp_path / "s.csv", rows))

    assert splits_of(found) == {"b.png": "test", on_disk: "train"}
    assert found.notes[1].startswith("1 paths differ from their files in case, accents")


def test_names_without_ending_are_found(tmp_path: Path):
    rows = [(Path(p).stem, s) for p, s in EXPECTED.items()]
    file = a_csv(tmp_path / "s.csv", rows, header=("image_id", "split"))

    assert splits_of(read(file, images=tiles(tmp_path))) == EXPECTED


def test_classes_that_differ_by_case_are_warned_of(tmp_path: Path):
    some_files(tmp_path, {"train/Lung_N/a.png": b"1", "test/lung_n/b.png": b"2"})

    assert read(tmp_path).notes == (
        "Lung_N and lung_n: class names that differ by case alone; judged as several.",
    )


def test_a_column_of_folds_names_folds(tmp_path: Path):
    rows = [(p, f"{n % 4}.0") for n, p in enumerate(PATHS)]
    file = a_csv(tmp_path / "s.csv", rows, header=("path", "fold"))

    found = read(file, images=tiles(tmp_path))

    assert sorted(set(splits_of(found).values())) == [f"fold {n}" for n in range(4)]


def test_folds_beside_a_split_are_a_draw_of_their_own(tmp_path: Path):
    rows = [
        (p, s, "" if s == "test" else n % 4)
        for n, (p, s) in enumerate(EXPECTED.items())
    ]
    file = a_csv(tmp_path / "s.csv", rows, header=("path", "split", "fold"))

    one, two = read_splits([file], tiles(tmp_path))

    assert (one.name, two.name) == ("s.csv, split", "s.csv, fold")
    assert splits_of(one) == EXPECTED
    assert set(splits_of(two).values()) == {"fold 0", "fold 1", "fold 2"}


def test_columns_of_several_seeds_are_draws(tmp_path: Path):
    rows = [(p, s, s) for p, s in EXPECTED.items()]
    file = a_csv(tmp_path / "s.csv", rows, header=("path", "split_0", "split_1"))

    found = read_splits([file], tiles(tmp_path))

    assert [splits_of(one) for one in found] == [EXPECTED, EXPECTED]


def test_columns_of_yes_and_no_are_splits(tmp_path: Path):
    rows = [(p, s == "train", s == "val", s == "test") for p, s in EXPECTED.items()]
    file = a_csv(tmp_path / "s.csv", rows, header=("", "train", "val", "test"))

    assert splits_of(read(file, images=tiles(tmp_path))) == EXPECTED


def test_a_column_of_paths_for_each_split_is_read(tmp_path: Path):
    columns = by_split({p: p for p in PATHS})
    rows = [
        (
            number,
            *(
                str(column[number]) if number < len(column) else ""
                for column in columns.values()
            ),
        )
        for number in range(4)
    ]
    file = a_csv(tmp_path / "splits_0.csv", rows, header=("", *columns))

    assert splits_of(read(file, images=tiles(tmp_path))) == EXPECTED


def test_labels_come_from_a_list_without_splits(tmp_path: Path):
    some_files(tmp_path, {"a.png": b"1", "b.png": b"2"})
    (tmp_path / "train.txt").write_text("a.png\n")
    (tmp_path / "test.txt").write_text("b.png\n")
    a_csv(
        tmp_path / "meta.csv",
        [("a.png", "cat", "P1"), ("b.png", "dog", "P2")],
        header=("file", "class", "patient"),
    )

    found = read(tmp_path)

    assert [(i.labels, i.groups) for i in found.images] == [
        (("cat",), (("patient", "P1"),)),
        (("dog",), (("patient", "P2"),)),
    ]


def test_a_workbook_is_refused_with_the_way_out(tmp_path: Path):
    (tmp_path / "s.xlsx").write_bytes(b"PK")

    with pytest.raises(
        DataError, match=r"got \.xlsx, a workbook\. Save its sheet as CSV"
    ):
        read(tmp_path / "s.xlsx")


def test_a_list_that_says_no_split_is_told_how(tmp_path: Path):
    file = a_csv(tmp_path / "s.csv", [("a.png",), ("a.png",)], header=("path",))
    some_files(tmp_path, {"a.png": b"1"})

    with pytest.raises(DataError, match="must say the split of each path, got none"):
        read(file)


def test_folders_beside_other_names_are_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="split: must be files, or one folder, got 2"):
        read(tmp_path, tmp_path)


def test_columns_without_a_usual_name_are_told_by_their_cells(tmp_path: Path):
    rows = [(n, Path(p).name, p[:8], s) for n, (p, s) in enumerate(EXPECTED.items())]
    file = a_csv(tmp_path / "s.csv", rows, header=("", "Image Index", "class", "mode"))

    found = read(file, images=tiles(tmp_path))

    assert splits_of(found) == EXPECTED
    assert found.notes[0] == (
        "Columns read: path (Image Index), split (mode), label (class)."
    )


def test_a_file_of_a_split_may_have_folds_or_sources(tmp_path: Path):
    for split in ("train", "test"):
        own = [p for p in PATHS if (EXPECTED[p] == "test") == (split == "test")]
        rows = [(p, n % 3, f"set {n % 2}") for n, p in enumerate(own)]
        header = ("path", "fold", "dataset")
        a_csv(tmp_path / f"{split}.csv", rows, header=header)

    one, two = read_splits([tmp_path], tiles(tmp_path, "../tiles"))

    assert set(splits_of(one).values()) == {"train", "test"}
    assert set(splits_of(two).values()) == {"fold 0", "fold 1", "fold 2"}


def test_arrays_and_their_list_may_lie_in_one_folder(tmp_path: Path):
    a_csv(tiles(tmp_path) / "all.csv", [(p,) for p in PATHS], header=("path",))
    np.savez(tmp_path / "tiles" / "split.npz", train=np.arange(6), test=[6, 7])

    found = read(tmp_path / "tiles")

    assert list(splits_of(found).values()).count("test") == 2


def test_arrays_of_pixels_are_no_list(tmp_path: Path):
    file = tmp_path / "medmnist.npz"
    np.savez(file, train_images=np.zeros((2, 4, 4)), train_labels=np.zeros((2, 1)))

    with pytest.raises(DataError, match="must name images by path or number, got none"):
        read(file)


def test_lists_beside_folders_of_splits_are_told(tmp_path: Path):
    some_files(tmp_path, {"train/a.png": b"1", "test/b.png": b"2", "train.csv": b"x"})

    assert read(tmp_path).notes == (
        "train.csv: not read, as folders are named after splits.",
    )


def test_lists_may_lie_in_a_folder_beside_the_images(tmp_path: Path):
    three_files(tiles(tmp_path) / "splits")

    assert splits_of(read(tmp_path / "tiles")) == EXPECTED


def test_an_index_of_numbers_is_no_column_of_draws(tmp_path: Path):
    rows = [(n, p, s) for n, (p, s) in enumerate(EXPECTED.items())]
    file = a_csv(tmp_path / "s.csv", rows, header=("0", "file", "split"))

    assert splits_of(read(file, images=tiles(tmp_path))) == EXPECTED


def test_names_of_slides_stand_for_all_tiles_in_their_folders(tmp_path: Path):
    names = [f"tiles/{slide}/{n}.png" for slide in ("S1", "S2") for n in (0, 1)]
    some_files(tmp_path, dict.fromkeys(names, b"1"))
    rows = [("S1", "tumour", "train"), ("S2.svs", "normal", "test")]
    file = a_csv(tmp_path / "s.csv", rows, header=("slide_id", "label", "split"))

    found = read(file)

    assert [image.split for image in found.images] == ["train", "train", "test", "test"]
    assert found.images[0].groups == ()
    assert found.notes[1] == (
        "2 names are those of folders, and stand for all images in them: S1 is "
        "tiles/S1/0.png and 1 more."
    )


def test_a_list_of_several_splits_together_is_left_out(tmp_path: Path):
    some_files(tmp_path, {"a.png": b"1", "b.png": b"2", "c.png": b"3"})
    lists = {
        "train": "a.png",
        "val": "b.png",
        "trainval": "a.png\nb.png",
        "test": "c.png",
    }
    for name, text in lists.items():
        (tmp_path / f"{name}.txt").write_text(text)

    found = read(tmp_path)

    assert splits_of(found) == {"a.png": "train", "b.png": "val", "c.png": "test"}
    assert "trainval: left out, it is train and val together." in found.notes


def test_a_list_of_more_than_other_splits_together_is_judged(tmp_path: Path):
    some_files(tmp_path, {f"{name}.png": b"1" for name in "abcd"})
    lists = {"train": "a", "val": "b", "trainval": "bad", "test": "c"}
    for name, images in lists.items():
        text = "".join(f"{image}.png\n" for image in images)
        (tmp_path / f"{name}.txt").write_text(text)

    assert "trainval" in {image.split for image in read(tmp_path).images}


def test_faults_of_several_lists_say_in_which_they_are(tmp_path: Path):
    files = three_files(tmp_path)

    with pytest.raises(NotFoundError, match=r"lung_aca0.jpeg \(train.csv, line 2\)"):
        read(*files)


def test_an_empty_list_is_no_split(tmp_path: Path):
    file = tmp_path / "splits.json"
    file.write_text(json.dumps({"train": [], "test": PATHS}))

    with pytest.raises(DataError, match="must have at least two splits, got test"):
        read(file, images=tiles(tmp_path))


def test_a_role_within_a_file_counts_before_one_of_its_name(tmp_path: Path):
    for seed in (1, 2):
        (tmp_path / f"test_splits_{seed}.json").write_text(
            json.dumps({"train": PATHS[:6], "test": PATHS[6:]})
        )

    found = read_splits(sorted(tmp_path.glob("*.json")), tiles(tmp_path))

    assert [len({image.split for image in one.images}) for one in found] == [2, 2]
