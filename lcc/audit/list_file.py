"""Read the files that people write splits into: tables, texts, JSON, arrays.

Knows formats, and gives each file as parts; what a name or a column means is `listed`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa

from lcc.audit.list_json import read_json, read_json_lines
from lcc.audit.list_part import (
    IMAGE_NAME,
    ListPart,
    as_cells,
    has_path,
    without_header,
)
from lcc.data.parquet import from_parquet
from lcc.data.table import read_cells, read_text
from lcc.errors import DataError

Lines = list[tuple[int, tuple[str, ...]]]


def read_list(file: Path) -> tuple[ListPart, ...]:
    """Read one file of a split by its ending; what has no reader is taken for a text.

    Raises:
        DataError: It is broken, or of a kind that is not read.
    """
    suffix = file.suffix.lower()
    if suffix in REFUSED:
        message = (
            f"{file}: must be one of {', '.join(READERS)}, or a text, got {suffix}, "
            f"{REFUSED[suffix]}."
        )
        raise DataError(message)
    return tuple(READERS.get(suffix, _read_lines)(file))


def _read_csv(file: Path) -> Iterator[ListPart]:
    table = read_cells(file, field=str(file))
    if any(IMAGE_NAME.fullmatch(name) for name in table.header):
        table = without_header([(1, table.header), *table.lines], table.notes)
    yield ListPart(names=(), noun="line", table=table, notes=table.notes)


def _read_lines(file: Path) -> Iterator[ListPart]:
    """Read a text: a CSV with a header, or an image a line, perhaps with its label."""
    text, notes = read_text(file, field=str(file))
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if lines and has_path([name.strip() for name in re.split(r"[,;\t|]", lines[0][1])]):
        yield from _read_csv(file)
    elif lines and all(line.strip().isdecimal() for _, line in lines):
        values = tuple(int(line) for _, line in lines)
        yield ListPart(names=(), noun="line", values=values, notes=notes)
    else:
        rows = [(number, tuple(_parted(line))) for number, line in lines]
        if not _have_labels(rows):
            rows = [(number, (line.strip(),)) for number, line in lines]
        yield ListPart(names=(), noun="line", table=without_header(rows), notes=notes)


def _parted(line: str) -> list[str]:
    """Return the cells of a line without header: by tabs or commas, or at its end."""
    cells = re.split(r"\s*[\t,;|]\s*", line.strip())
    return cells if len(cells) > 1 else line.strip().rsplit(maxsplit=1)


def _have_labels(rows: Lines) -> bool:
    """Return whether what stands behind the first cell is no part of a path."""
    return len({len(cells) for _, cells in rows}) == 1 and all(
        len(cells) > 1
        and not IMAGE_NAME.fullmatch(cells[-1])
        and (IMAGE_NAME.fullmatch(cells[0]) or cells[-1].isdecimal())
        for _, cells in rows
    )


def _read_parquet(file: Path) -> Iterator[ListPart]:
    try:
        table = from_parquet(file.read_bytes())
    except pa.ArrowException as err:
        message = f"{file}: must be Parquet, got {err}. Write it anew."
        raise DataError(message) from err
    columns: Sequence[list[object]] = [column.to_pylist() for column in table.columns]
    cells = as_cells(table.column_names, list(zip(*columns, strict=True)))
    yield ListPart(names=(), noun="row", table=cells)


def _read_arrays(file: Path) -> Iterator[ListPart]:
    """Read the arrays of numbers, truth values or texts in a file of NumPy.

    Those of several dimensions are images or features, and no list.
    """
    try:
        with file.open("rb") as stream:
            found = np.load(stream, allow_pickle=False)
            named = {"": found} if isinstance(found, np.ndarray) else dict(found)
    except (ValueError, OSError, EOFError, BadZipFile) as err:
        message = (
            f"{file}: must hold arrays of numbers, truth values or texts, got {err}. "
            "Write it anew with numpy.savez."
        )
        raise DataError(message) from err
    for name, array in named.items():
        if array.ndim == 1:
            names = (name,) if name else ()
            yield ListPart(names=names, noun="item", values=tuple(array.tolist()))


READERS: Mapping[str, Callable[[Path], Iterator[ListPart]]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".txt": _read_lines,
    ".lst": _read_lines,
    ".json": read_json,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".parquet": _read_parquet,
    ".npz": _read_arrays,
    ".npy": _read_arrays,
}
REFUSED = (
    dict.fromkeys((".xls", ".xlsx", ".ods"), "a workbook. Save its sheet as CSV")
    | dict.fromkeys(
        (".pkl", ".pickle", ".pt", ".pth"),
        "which runs the code that it holds. Write its lists as JSON",
    )
    | dict.fromkeys(
        (".mat", ".h5", ".hdf5", ".yaml", ".yml"), "not read. Write its lists as JSON"
    )
)
