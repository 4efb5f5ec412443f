"""Tell the class of an image from its path by a pattern, or from the user's CSV.

Knows paths, patterns and rows; not which files are images.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from lcc.config.path_pattern import compile_pattern
from lcc.config.settings import Settings
from lcc.data.digest import encode_name
from lcc.data.table import find_columns, first_few, read_table
from lcc.errors import DataError
from lcc.listing.path_ends import find_by_end
from lcc.storage.uri import fetch_file

FIELD = "data.labels_csv"
LabelOf = Callable[[str], str | None]  # key of an image → its label, if it has one
ONES, ZEROS = frozenset({"1", "1.0"}), frozenset({"0", "0.0"})
NUMBERED_FILE = re.compile(r"(.*[^\W\d_])([ _-]\(?)\d+(\)?\.\w+)")
MAX_STEMS = 12  # names of files that begin in more ways are no classes


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLabels:
    """What a user's table says of the images.

    Attributes:
        by_path: Path → label.
        notes: Sentences on how its text was read.
    """

    by_path: dict[str, str]
    notes: tuple[str, ...] = ()


def read_labels(settings: Settings, scratch: Path) -> UserLabels | None:
    """Return the labels of the CSV that the settings name, None where they name none.

    Raises:
        NotFoundError: There is no such file.
        DataError: It is no such table, or gives a path two labels or none.
    """
    uri = settings.data.labels_csv
    if uri is None:
        return None
    file = fetch_file(uri, scratch, settings=settings.storage)
    labels: dict[str, str] = {}
    faults = []
    rows, notes = _read_rows(file)
    for path, label in rows:
        if not label:
            faults.append(f"{encode_name(path)} has none")
        elif labels.setdefault(path, label) != label:
            faults.append(f"{encode_name(path)} has {labels[path]} and {label}")
    if faults:
        message = (
            f"{FIELD}: must give each path one label, got {len(faults)} that have not: "
            f"{first_few(faults)}. Mend these rows."
        )
        raise DataError(message)
    return UserLabels(by_path=labels, notes=tuple(f"{FIELD}: {note}" for note in notes))


def _read_rows(file: Path) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Return path and label of each row, and how the text was read.

    A column for each class will do as well.
    """
    try:
        table = read_table(file, field=FIELD, needed=("path", "label"))
    except DataError:
        if found := _read_one_hot(file):
            return found, ()
        raise
    rows = [(row.cells["path"], row.cells["label"]) for row in table.rows]
    return rows, table.notes


def _read_one_hot(file: Path) -> list[tuple[str, str]]:
    """Return path and label of a table with a column of 0 and 1 for each class.

    Returns:
        Nothing where it is no such table.
    """
    text = file.read_bytes().decode("utf-8-sig", "surrogateescape")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    try:
        header = list(rows[0]) if rows else []
        place = find_columns(header, FIELD, needed=("path",), optional=())["path"]
    except DataError:
        return []
    found = []
    for row in rows:
        path = row.pop(header[place])
        marked = [name for name, cell in row.items() if cell in ONES]
        if len(marked) != 1 or not set(row.values()) <= ONES | ZEROS:
            return []
        found.append((path, marked[0]))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedLabels:
    """Labels of a CSV, found for the images of a source.

    Attributes:
        labels: Key of an image → its label.
        unused: Paths of the CSV that no image has.
    """

    labels: Mapping[str, str]
    unused: Sequence[str]


def match_labels(labels: Mapping[str, str], keys: Sequence[str]) -> MatchedLabels:
    """Return the label of each image that a CSV names.

    A path means the image of this path; else, with or without its ending, the only one
    whose path ends in it. Where no path fits any image, the folders that paths begin
    with are cut from all of them alike, as those of another machine have to be.

    Args:
        labels: Path → label, as in the CSV.
        keys: Images of the source.

    Raises:
        DataError: A path fits several images, an image several paths of different
            labels, or no path fits any.
    """
    images = {encode_name(key): key for key in keys}
    found: dict[str, str] = {}
    unused, faults = [], []
    for path, hits in find_by_end(labels, list(images)).items():
        named = [hit for hit in hits if hit in {path, encode_name(path)}] or hits
        if not named:
            unused.append(path)
        elif len(named) > 1:
            faults.append(f"{encode_name(path)} fits {first_few(sorted(named))}")
        elif found.setdefault(images[named[0]], labels[path]) != labels[path]:
            faults.append(f"{named[0]} gets two labels, one from {encode_name(path)}")
    if faults:
        message = (
            f"{FIELD}: each path must be one image, got {len(faults)} that are not: "
            f"{first_few(faults)}. Write paths relative to data.source."
        )
        raise DataError(message)
    if not found:
        raise DataError(_nothing_fits(unused, keys))
    return MatchedLabels(labels=found, unused=unused)


def _nothing_fits(paths: Sequence[str], keys: Sequence[str]) -> str:
    near = get_close_matches(paths[0], list(keys)[:10_000], n=1) if paths else []
    hint = f" Nearest image: {encode_name(near[0])}." if near else ""
    return (
        f"{FIELD}: must name images of data.source, got {len(paths)} paths that are "
        f"none ({first_few(list(map(encode_name, paths))) or 'no row'}).{hint} Write "
        "paths relative to data.source."
    )


def label_by_pattern(pattern: str) -> LabelOf:
    """Return what tells a path's class by a pattern that has a column `class`.

    Args:
        pattern: As `lcc.config.path_pattern` reads it.

    Example:
        >>> label_by_pattern("{class}_{number}.png")("train/lung_aca_12.png")
        'lung_aca'
    """
    expression = compile_pattern(pattern)

    def label_of(key: str) -> str | None:
        found = expression.fullmatch(key)
        return encode_name(found["class"]) if found else None

    return label_of


def suggest_pattern(keys: Sequence[str]) -> str | None:
    """Return the pattern that tells classes by how names of files begin, if any does.

    Example:
        >>> suggest_pattern(["train/benign_1.png", "test/malignant_12.png"])
        '{class}_{number}.png'
    """
    found = [NUMBERED_FILE.fullmatch(key.rpartition("/")[2]) for key in keys]
    parts = [match.groups() for match in found if match]
    stems = {stem for stem, *_ in parts}
    ends = {"{number}".join(end) for _, *end in parts}
    if len(parts) < len(keys) or len(ends) != 1 or not 1 < len(stems) <= MAX_STEMS:
        return None
    return f"{{class}}{ends.pop()}"
