"""Splits as CSVs and as folders, good and bad ones."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from lcc.audit.split_source import read_splits
from lcc.audit.user_split import UserSplit
from lcc.errors import DataError, NotFoundError
from tests.builders.splits import a_csv, some_files

TWO = {"a.png": b"1", "b.png": b"2"}


def shown(split: UserSplit) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(image.path, image.split, image.labels) for image in split.images]


def read_split_csv(file: Path, folder: Path) -> UserSplit:
    (found,) = read_splits([file], folder)
    return found


def read_split_folder(folder: Path) -> UserSplit:
    (found,) = read_splits([folder], None)
    return found


def test_a_csv_gives_paths_splits_and_labels(tmp_path: Path):
    some_files(tmp_path, TWO)
    rows = [("b.png", "test", "dog"), ("./a.png", "train", "")]

    found = read_split_csv(
        a_csv(tmp_path / "s.csv", rows, header=("file", "Set", "class")), tmp_path
    )

    assert shown(found) == [("a.png", "train", ()), ("b.png", "test", ("dog",))]
    assert found.notes == ("Columns read: path (file), split (Set), label (class).",)


def test_absolute_and_backslashed_paths_are_understood(tmp_path: Path):
    some_files(tmp_path, {"x/a.png": b"1", "x/b.png": b"2"})
    rows = [("x\\a.png", "train"), (str(tmp_path / "x" / "b.png"), "test")]

    found = read_split_csv(a_csv(tmp_path / "s.csv", rows), tmp_path)

    assert [image.path for image in found.images] == ["x/a.png", "x/b.png"]


def test_a_path_twice_in_one_split_counts_once_and_is_noted(tmp_path: Path):
    some_files(tmp_path, TWO)
    rows = [("a.png", "train"), ("a.png", "train"), ("b.png", "test")]

    found = read_split_csv(a_csv(tmp_path / "s.csv", rows), tmp_path)

    assert len(found.images) == 2
    assert found.notes[1] == (
        "1 rows repeat a path in its split, and count once: a.png."
    )


def test_a_path_in_two_splits_is_an_image_of_both(tmp_path: Path):
    some_files(tmp_path, TWO)
    rows = [("a.png", "train"), ("a.png", "test")]

    found = read_split_csv(a_csv(tmp_path / "s.csv", rows), tmp_path)

    assert shown(found) == [("a.png", "test", ()), ("a.png", "train", ())]


def test_spellings_of_one_split_are_shown_and_kept_apart(tmp_path: Path):
    some_files(tmp_path, TWO)
    rows = [("a.png", "val"), ("b.png", "Validation")]

    found = read_split_csv(a_csv(tmp_path / "s.csv", rows), tmp_path)

    assert found.notes[1] == (
        "Validation and val: look like two names of one split; judged as several."
    )


def test_all_faults_of_a_csv_come_at_once(tmp_path: Path):
    some_files(tmp_path / "in", {"a.png": b"1"})
    some_files(tmp_path, {"c.png": b"3"})
    rows = [
        ("a.png", ""),
        ("", "train"),
        ("../c.png", "train"),
        ("gone.png", "train"),
        (str(tmp_path / "c.png"), "train"),
        ("x" * 300, "train"),
    ]
    file = a_csv(tmp_path / "s.csv", rows)

    with pytest.raises(DataError) as caught:
        read_split_csv(file, tmp_path / "in")

    folder = tmp_path / "in"
    assert str(caught.value).splitlines() == [
        f"{file}: must have a path in each line, got none in line 3. Fill the column.",
        f"{file}: must give every path a split, got none for a.png (line 2). Fill the "
        "column.",
        f"{file}: must have at least two splits, got train. Add rows, or name the "
        "lists of the other splits too.",
        f"{file}: every path must lie below {folder}, got 2 of 6 outside: ../c.png "
        f"(line 4), {tmp_path}/c.png (line 6). Pass --images with a folder above them "
        "all.",
        f"{file}: every path must be a file below {folder}, got 2 of 6 that are not: "
        f"gone.png (line 5), {'x' * 300} (line 7). Pass --images FOLDER, or mend them.",
    ]


def test_windows_1252_is_read_with_a_note(tmp_path: Path):
    file = tmp_path / "s.csv"
    file.write_bytes("path,split\ncafé.png,train\nb.png,test\n".encode("cp1252"))
    some_files(tmp_path, {"café.png": b"1", "b.png": b"2"})

    found = read_split_csv(file, tmp_path)

    assert [image.path for image in found.images] == ["b.png", "café.png"]
    assert found.notes[0] == (
        "Read as Windows-1252, not UTF-8: line 2. Other letters than those of western "
        "Europe would be wrong."
    )


def test_files_whose_names_are_no_text_may_be_named_by_their_bytes(tmp_path: Path):
    file = tmp_path / "s.csv"
    file.write_bytes(b"path,split\ncaf\xe9.png,train\nb.png,test\n")
    some_files(tmp_path, {"caf\udce9.png": b"1", "b.png": b"2"})

    found = read_split_csv(file, tmp_path)

    assert [image.path for image in found.images] == ["b.png", "caf\\xe9.png"]


def test_files_that_are_gone_are_not_found(tmp_path: Path):
    file = a_csv(tmp_path / "s.csv")

    with pytest.raises(NotFoundError, match=r"got 2 of 2 that are not: a\.png"):
        read_split_csv(file, tmp_path)


def test_a_header_alone_is_no_split(tmp_path: Path):
    file = a_csv(tmp_path / "s.csv", [])

    with pytest.raises(DataError, match="must name images by path or number, got none"):
        read_split_csv(file, tmp_path)


def test_keras_folders_give_splits_and_classes(tmp_path: Path):
    some_files(
        tmp_path,
        {
            "train/cat/a.png": b"1",
            "Test/dog/deep/b.png": b"2",
            "Test/.DS_Store": b"",
            "Test/labels.csv": b"",
            "docs/logo.png": b"3",
            "cover.png": b"4",
        },
    )

    found = read_split_folder(tmp_path)

    assert shown(found) == [
        ("Test/dog/deep/b.png", "Test", ("dog",)),
        ("train/cat/a.png", "train", ("cat",)),
    ]
    assert found.notes == ("docs/: left out, no split's name; 1 files.",)


def test_an_imagefolder_has_labels_in_its_metadata(tmp_path: Path):
    some_files(tmp_path, {"train/a.png": b"1", "train/b.png": b"2", "test/a.png": b"3"})
    a_csv(
        tmp_path / "train" / "metadata.csv",
        [("a.png", "cat"), ("b.png", "dog")],
        header=("file_name", "label"),
    )

    found = read_split_folder(tmp_path)

    assert shown(found) == [
        ("test/a.png", "test", ()),
        ("train/a.png", "train", ("cat",)),
        ("train/b.png", "train", ("dog",)),
    ]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_metadata_may_be_json_lines_or_parquet(tmp_path: Path, suffix: str):
    some_files(tmp_path, {"train/a.png": b"1", "train/b.png": b"2", "test/a.png": b"3"})
    rows = [{"file_name": "a.png", "label": 3}, {"file_name": "b.png", "label": None}]
    file = tmp_path / "train" / f"metadata.{suffix}"
    if suffix == "jsonl":
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    else:
        parquet.write_table(pa.Table.from_pylist(rows), file)

    found = read_split_folder(tmp_path)

    assert shown(found) == [
        ("test/a.png", "test", ()),
        ("train/a.png", "train", ("3",)),
        ("train/b.png", "train", ()),
    ]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("metadata.jsonl", "line 1: must be JSON, got"),
        ("metadata.parquet", "must be Parquet, got"),
    ],
)
def test_broken_metadata_is_refused(tmp_path: Path, name: str, form: str):
    some_files(tmp_path, {"train/a.png": b"1", "test/a.png": b"3"})
    (tmp_path / "test" / name).write_bytes(b"{oh no")

    with pytest.raises(DataError, match=form):
        read_split_folder(tmp_path)


def test_two_files_of_metadata_are_refused(tmp_path: Path):
    some_files(tmp_path, {"train/a.png": b"1", "test/a.png": b"3"})
    for name in ("metadata.csv", "metadata.jsonl"):
        (tmp_path / "train" / name).write_text("")

    with pytest.raises(DataError, match=r"got metadata.csv and metadata.jsonl. Keep"):
        read_split_folder(tmp_path)


def test_metadata_of_files_that_are_gone_is_refused(tmp_path: Path):
    some_files(tmp_path, {"train/a.png": b"1", "test/a.png": b"3"})
    a_csv(tmp_path / "train" / "metadata.csv", [("b.png",)], header=("file_name",))

    with pytest.raises(DataError) as caught:
        read_split_folder(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path}: every file that its metadata name must be there, got 1 that are "
        "not: train/b.png. Bring them, or remove their rows."
    )


@pytest.mark.parametrize(
    ("files", "found"),
    [
        pytest.param({}, "none", id="empty"),
        pytest.param({"train/notes.txt": b""}, "none", id="no images"),
        pytest.param({"cat/a.png": b"", "dog/b.png": b""}, "cat/, dog/", id="classes"),
        pytest.param({"train/a.png": b"", "x/b.png": b""}, "train/, x/", id="one"),
    ],
)
def test_a_folder_without_splits_is_refused(
    tmp_path: Path, files: dict[str, bytes], found: str
):
    some_files(tmp_path, files)

    with pytest.raises(DataError) as caught:
        read_split_folder(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path}: must hold images in at least two folders named train, val, test "
        f"or fold1 …, or lists such as train.csv, got {found}. Name the folder above "
        "them, or a CSV with path and split."
    )
