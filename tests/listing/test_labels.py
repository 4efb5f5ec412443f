"""Which label of a user's CSV belongs to which image."""

from pathlib import Path

import pytest

from lcc.config.settings import Settings
from lcc.errors import DataError
from lcc.listing.labels import (
    label_by_pattern,
    match_labels,
    read_labels,
    suggest_pattern,
)

KEYS = ("train/a b/1.jpeg", "train/c/2.jpeg", "test/1.png")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        pytest.param("train/c/2.jpeg", "train/c/2.jpeg", id="path"),
        pytest.param("2.jpeg", "train/c/2.jpeg", id="name"),
        pytest.param("2", "train/c/2.jpeg", id="name without ending"),
        pytest.param("test/1", "test/1.png", id="path without ending"),
        pytest.param("E:\\LC25000\\train\\a b\\1.jpeg", "train/a b/1.jpeg",
                     id="of another machine"),
        pytest.param("/mnt/x/test/1.png", "test/1.png", id="below another root"),
    ],
)  # fmt: skip
def test_a_path_finds_its_image(path: str, key: str):
    assert match_labels({path: "x"}, KEYS).labels == {key: "x"}


def test_folders_are_cut_only_where_no_path_fits():
    found = match_labels({"train/c/2.jpeg": "x", "away/1.png": "y"}, KEYS)

    assert found.labels == {"train/c/2.jpeg": "x"}
    assert found.unused == ["away/1.png"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        pytest.param({"1": "x"}, "1 fits test/1.png, train/a b/1.jpeg",
                     id="two images"),
        pytest.param({"2": "x", "2.jpeg": "y"},
                     "train/c/2.jpeg gets two labels, one from 2.jpeg",
                     id="two labels"),
        pytest.param({"3.jpeg": "x"}, "1 paths that are none (3.jpeg)", id="nothing"),
    ],
)  # fmt: skip
def test_what_fits_badly_is_refused(labels: dict[str, str], message: str):
    with pytest.raises(DataError) as caught:
        match_labels(labels, KEYS)

    assert message in str(caught.value)


def labels_of(tmp_path: Path, text: str) -> dict[str, str] | None:
    file = tmp_path / "labels.csv"
    file.write_text(text)
    settings = Settings.model_validate({"data": {"labels_csv": str(file)}})
    found = read_labels(settings, tmp_path)
    return found and found.by_path


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("path,label\na.png,NV\nb.png,MEL\n", id="plain"),
        pytest.param("Image Name;Class\na.png;NV\nb.png;MEL\n", id="other names"),
        pytest.param("image,MEL,NV\na.png,0.0,1.0\nb.png,1.0,0.0\n", id="one-hot"),
    ],
)
def test_labels_are_read(tmp_path: Path, text: str):
    assert labels_of(tmp_path, text) == {"a.png": "NV", "b.png": "MEL"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("path,label\na.png,NV\na.png,MEL\nb.png,\n",
                     "must give each path one label, got 2 that have not: a.png has NV "
                     "and MEL, b.png has none. Mend these rows.", id="rows"),
        pytest.param("image,MEL,NV\na.png,1,1\n", "must have a column label",
                     id="two marks"),
        pytest.param("image,age,NV\na.png,50,1\n", "must have a column label",
                     id="no marks"),
    ],
)  # fmt: skip
def test_labels_that_are_none_are_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises(DataError) as caught:
        labels_of(tmp_path, text)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "path", "label"),
    [
        pytest.param("*/{class}/*", "p1/tumour/1.png", "tumour", id="folder"),
        pytest.param("*/{class}/*", "p1/x/tumour/1.png", None, id="too deep"),
        pytest.param("**/{class}/*", "tumour/1.png", "tumour", id="any depth"),
        pytest.param("{class}_{x}_{y}.png", "lung_aca_3_4.png", "lung_aca", id="names"),
        pytest.param("{class}/(a+).png", "t/(a+).png", "t", id="signs as they are"),
    ],
)
def test_a_pattern_tells_the_class(pattern: str, path: str, label: str | None):
    assert label_by_pattern(pattern)(path) == label


def test_names_that_say_no_class_suggest_no_pattern():
    assert suggest_pattern(["1.png", "2.png"]) is None
    assert suggest_pattern(["a_1.png", "b_2.jpg"]) is None


def test_labels_that_are_not_utf_8_are_read_with_a_note(tmp_path: Path):
    file = tmp_path / "labels.csv"
    file.write_bytes("path,label\na.png,Müller\n".encode("cp1252"))
    settings = Settings.model_validate({"data": {"labels_csv": str(file)}})

    found = read_labels(settings, tmp_path)

    assert found is not None
    assert found.by_path == {"a.png": "Müller"}
    assert found.notes == (
        "data.labels_csv: Read as Windows-1252, not UTF-8: line 2. Other letters than "
        "those of western Europe would be wrong.",
    )
