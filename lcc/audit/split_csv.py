"""Read a split from a CSV: path, split and, where known, label.

Knows rows and files below one folder; nothing of what the images show.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from lcc.audit.user_split import (
    UserSplit,
    gather_images,
    note_spellings,
)
from lcc.data.digest import decode_name, encode_name
from lcc.data.table import CsvRow, CsvTable, first_few, read_table
from lcc.errors import DataError, NotFoundError
from lcc.families.find import is_file

MIN_SPLITS = 2  # one cannot leak
Found = list[tuple[CsvRow, Path]]


def read_split_csv(file: Path, folder: Path) -> UserSplit:
    """Read a split from a CSV; see `lcc.data.table.SPELLINGS` for its columns.

    A path that stands twice in one split counts once, and a note says so. One that
    stands in two splits is an image in both: a leak, not an error.

    Args:
        file: The CSV.
        folder: Where its paths start.

    Raises:
        NotFoundError: Images that it names are not there.
        DataError: It is no such CSV; lists all faults at once.
    """
    field = str(file)
    table = read_table(file, field=field, needed=("path", "split"), optional=("label",))
    found = [(row, _locate(row.cells["path"], folder)) for row in table.rows]
    _check(found, folder, field=field)
    rows = [
        (_shown(path, folder), path, row.cells["split"], row.cells.get("label", ""))
        for row, path in found
    ]
    images, doubled = gather_images(rows)
    notes = [*_describe(table, doubled), *note_spellings(i.split for i in images)]
    return UserSplit(name=file.name, images=images, notes=tuple(notes))


def _locate(path: str, folder: Path) -> Path:
    """Return the file that a cell means: as it is, escaped, or with backslashes."""
    spellings = (path, decode_name(path), path.replace("\\", "/"))
    files = [Path(os.path.normpath(folder.absolute() / name)) for name in spellings]
    return next((file for file in files if is_file(file)), files[0])


def _shown(file: Path, folder: Path) -> str:
    return encode_name(file.relative_to(os.path.normpath(folder.absolute())).as_posix())


def _check(found: Found, folder: Path, *, field: str) -> None:
    faults = list(_faults(found, folder, field))
    gone = _gone(found, folder, field)
    if faults:
        raise DataError("\n".join(faults + gone))
    if gone:
        raise NotFoundError("\n".join(gone))


def _faults(found: Found, folder: Path, field: str) -> Iterator[str]:
    """Yield one message for each kind of fault in the cells."""
    cells = [(row, row.cells) for row, _ in found]
    if not found:
        yield f"{field}: must name images, got a header alone. Add rows."
    nameless = [str(row.line) for row, cell in cells if not cell["path"]]
    if nameless:
        yield (
            f"{field}: must have a path in each line, got none in "
            f"{first_few(nameless, 'line')}. Fill the column."
        )
    unassigned = [_named(row) for row, cell in cells if not cell["split"]]
    if unassigned:
        yield (
            f"{field}: must give every path a split, got none for "
            f"{first_few(unassigned)}. Fill the column."
        )
    splits = sorted({cell["split"] for _, cell in cells} - {""})
    if found and len(splits) < MIN_SPLITS:
        yield (
            f"{field}: must have at least two splits, got "
            f"{first_few(splits) or 'none'}. Add rows."
        )
    foreign = [_named(row) for row, path in found if _is_foreign(row, path)]
    if foreign:
        yield (
            f"{field}: must be UTF-8 text, got other bytes in {first_few(foreign)}, as "
            "Latin-1 and Windows-1252 write them. Save it as CSV in UTF-8."
        )
    base = Path(os.path.normpath(folder.absolute()))
    outside = [_named(row) for row, path in found if not path.is_relative_to(base)]
    if outside:
        yield (
            f"{field}: every path must lie below {folder}, got {len(outside)} of "
            f"{len(found)} outside: {first_few(outside)}. Pass --images with a "
            "folder above them all."
        )


def _gone(found: Found, folder: Path, field: str) -> list[str]:
    """Return a message about the files that are not there, if any."""
    base = Path(os.path.normpath(folder.absolute()))
    gone = [
        _named(row)
        for row, path in found
        if row.cells["path"] and path.is_relative_to(base) and not is_file(path)
    ]
    if not gone:
        return []
    return [
        f"{field}: every path must be a file below {folder}, got {len(gone)} of "
        f"{len(found)} that are not: {first_few(gone)}. Pass --images FOLDER, or "
        "mend them."
    ]


def _is_foreign(row: CsvRow, path: Path) -> bool:
    """Return whether a cell is in another encoding; file names may hold any bytes."""
    texts = [text for key, text in row.cells.items() if key != "path"]
    if not is_file(path):
        texts.append(row.cells["path"])
    return any("\udc80" <= letter <= "\udcff" for text in texts for letter in text)


def _named(row: CsvRow) -> str:
    return f"{encode_name(row.cells['path'])} (line {row.line})"


def _describe(table: CsvTable, doubled: list[str]) -> Iterator[str]:
    read = ", ".join(
        key if name == key else f"{key} ({encode_name(name)})"
        for key, name in table.columns.items()
    )
    yield f"Columns read: {read}."
    if doubled:
        yield (
            f"{len(doubled)} rows repeat a path in its split, and count once: "
            f"{first_few(doubled)}."
        )
