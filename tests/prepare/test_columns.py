"""Columns that a user brings."""

from pathlib import Path

import pytest

from lcc.errors import DataError
from lcc.prepare.columns import match_paths, read_column


def column(tmp_path: Path, text: str) -> dict[str, str]:
    file = tmp_path / "own.csv"
    file.write_text(text, encoding="utf-8")
    return read_column(file, column="split", field="data.split_csv")


def match(values: dict[str, str], *paths: str) -> list[str]:
    return match_paths(values, paths, column="split", field="data.split_csv")


def test_paths_may_hold_commas_quotes_and_newlines(tmp_path: Path):
    text = 'split,path,note\r\ntrain,"a/x, ""y"".png",1\r\n test ,"a/b\nc.png",2\r\n'

    found = column(tmp_path, text)

    assert found == {'a/x, "y".png': "train", "a/b\nc.png": "test"}


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path):
    assert column(tmp_path, "\ufeffpath,split\na,test\n") == {"a": "test"}


def test_a_missing_column_is_named(tmp_path: Path):
    with pytest.raises(DataError) as caught:
        column(tmp_path, "note,split\na,test\n")

    assert str(caught.value) == (
        "data.split_csv: must have a column path (paths, file, files, filename …), got "
        "note, split. Add path."
    )


def test_a_path_has_one_value(tmp_path: Path):
    with pytest.raises(DataError, match="got test and train for a"):
        column(tmp_path, "path,split\na,test\na,train\n")


def test_paths_may_be_in_either_form():
    assert match({"a\\b.png": "train"}, "a\\x5cb.png") == ["train"]


def test_images_without_a_value_are_counted():
    with pytest.raises(DataError) as caught:
        match({"x/lung_aca/1.png": "train"}, "lung_aca/1.png", "lung_aca/2.png")

    assert str(caught.value) == (
        "data.split_csv: must give every image a split, got none for 2 of 2 "
        "(lung_aca/1.png, lung_aca/2.png). Paths are relative to data.source. "
        "Nearest path in the file: x/lung_aca/1.png."
    )
