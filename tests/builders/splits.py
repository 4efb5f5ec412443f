"""Splits as users bring them: CSVs and folders of small pictures."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.builders.pictures import a_file, a_picture


def a_csv(
    file: Path,
    rows: Sequence[Sequence[str]] = (("a.png", "train"), ("b.png", "test")),
    *,
    header: Sequence[str] = ("path", "split"),
) -> Path:
    """Write a CSV; its folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows([header, *rows])
    return file


def some_files(folder: Path, files: Mapping[str, int | bytes]) -> Path:
    """Write files: a number is the seed of a picture, like no other seed's."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        is_picture = isinstance(content, int)
        file.write_bytes(a_file(a_picture(content)) if is_picture else content)
    return folder
