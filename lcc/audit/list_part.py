"""A part of a file that says which images lie in which split: a table or plain values.

Knows cells and names of images; not the formats that hold them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lcc.audit.roles import role_in
from lcc.data.table import Cells, find_columns
from lcc.errors import DataError

IMAGE_NAME = re.compile(
    r".*\.(bmp|dcm|dicom|gif|heic|j2k|jp2|jpe?g|ndpi|pgm|png|pnm|ppm|svs|tiff?|webp)",
    re.IGNORECASE | re.DOTALL,
)
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPart:
    """A table or plain values, under the names that lead to it within a file.

    Attributes:
        names: Keys, from outside: `("seed1", "train")`; none where a file is one part.
        noun: What its rows are called: `line`, `row`, `item`.
        table: Its cells, none where it is plain values.
        values: Texts, numbers or truth values.
        notes: Sentences on how it was read.
    """

    names: tuple[str, ...]
    noun: str
    table: Cells | None = None
    values: tuple[Scalar, ...] = ()
    notes: tuple[str, ...] = ()


def has_path(header: Sequence[str]) -> bool:
    """Return whether the first row of a table names a column of paths."""
    try:
        return bool(find_columns(header, "", needed=("path",), optional=()))
    except DataError:
        return False


def as_cells(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Cells:
    """Return a table of any values as texts, its rows counted from 1."""
    lines = [tuple(as_text(cell) for cell in row) for row in rows]
    return Cells(header=tuple(header), lines=tuple(enumerate(lines, 1)), notes=())


def as_text(value: object) -> str:
    """Return a value as a CSV would have it; nothing is the empty text.

    Example:
        >>> as_text(3.0), as_text(float("nan")), as_text(None)
        ('3', '', '')
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN is not itself
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def without_header(
    rows: Sequence[tuple[int, tuple[str, ...]]], notes: tuple[str, ...] = ()
) -> Cells:
    """Return a table that has no header with one, made from what its cells say.

    The path is the first column of image names, a split one of nothing but roles; a
    single further one is the label.

    Args:
        rows: Number of each row, and its cells.
        notes: Those of the table.
    """
    width = len(rows[0][1]) if rows else 1
    columns = [[cells[n] for _, cells in rows if n < len(cells)] for n in range(width)]
    paths = [n for n in range(width) if any(map(IMAGE_NAME.fullmatch, columns[n][:1]))]
    path = paths[0] if paths else 0
    splits = [n for n in range(width) if n != path and all(map(role_in, columns[n]))]
    others = sorted({*range(width)} - {path, *splits})
    names = {path: "path"} | dict.fromkeys(splits, "split")
    names |= dict.fromkeys(others, "label") if len(others) == 1 else {}
    header = tuple(names.get(n, f"column {n + 1}") for n in range(width))
    return Cells(header=header, lines=tuple(rows), notes=notes)
