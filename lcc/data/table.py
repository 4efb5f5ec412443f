"""Read a CSV that a user brings, whatever its encoding, delimiter and columns' names.

Knows text and the usual names of columns; not what the columns are used for.
"""

import codecs
import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from lcc.data.digest import encode_name
from lcc.errors import DataError

# Column → names it goes by, in small letters without spaces, dashes and underscores.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "path": (
        "path", "paths", "file", "files", "filename", "filenames", "filepath",
        "filepaths", "image", "images", "imagefile", "imagefilename", "imagename",
        "imagepath", "img", "imgname", "imgpath", "relativepath", "relpath", "fname",
        "tile", "tilename", "tilepath", "patch", "patchname",
        "patchpath",
    ),
    "split": (
        "split", "splits", "datasplit", "splitname", "set", "subset", "partition",
        "fold", "dataset", "phase", "usage",
    ),
    "label": (
        "label", "labels", "labelname", "class", "classes", "classname", "target",
        "targets", "category", "diagnosis", "dx", "labelid", "classid", "subtype",
    ),
    "group": (
        "group", "groups", "groupid", "patient", "patientid", "slide", "slideid",
        "case", "caseid",
    ),
    "a": ("a",),
    "b": ("b",),
    "verdict": ("verdict",),
    "by": ("by",),
    "why": ("why", "reason"),
}  # fmt: skip
LAST_RESORT: Mapping[str, tuple[str, ...]] = {  # where no other name is there
    "path": ("imageid", "tileid", "patchid", "isicid", "id", "name", "uid", "slideid")
}
WIDE_MARKS = {  # byte order marks of encodings that are not UTF-8; the longer first
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
HEAD_BYTES = 4096  # enough to tell text from what is none
DELIMITERS = ",;\t|"
EXCEL_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)  # a first line of Excel's
MAX_SHOWN = 5  # of many, in a message: enough to see the pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvRow:
    """One row of a CSV.

    Attributes:
        line: Line of the file where it ends, from 1.
        cells: Column → its text, stripped; a path keeps its spaces.
    """

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTable:
    """The wanted columns of a CSV.

    Attributes:
        columns: Column → its name in the file.
        rows: Rows in their order, blank lines left out.
        notes: Sentences on how its text was read.
    """

    columns: dict[str, str]
    rows: tuple[CsvRow, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """All cells of a CSV.

    Attributes:
        header: Its first row, stripped; none in an empty file.
        lines: Line where a row ends, from 1, and its cells; blank lines left out.
        notes: Sentences on how its text was read.
    """

    header: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]
    notes: tuple[str, ...]


def read_table(
    file: Path, *, field: str, needed: Sequence[str], optional: Sequence[str] = ()
) -> CsvTable:
    """Read columns of a CSV, whichever of their usual names they have.

    Letters may be large or small; see `read_cells` for the rest. A column that has its
    own name is taken before one of another spelling.

    Args:
        file: The CSV, with a header.
        field: What to call it in messages.
        needed: Keys of `SPELLINGS` that must be there.
        optional: Keys that may be there.

    Raises:
        DataError: It is no text or not a CSV, or a column is missing or ambiguous;
            lists all such faults.
    """
    found = read_cells(file, field=field)
    columns = find_columns(found.header, field, needed=needed, optional=optional)
    return CsvTable(
        columns={key: found.header[number] for key, number in columns.items()},
        rows=tuple(_row(cells, columns, line) for line, cells in found.lines),
        notes=found.notes,
    )


def read_cells(file: Path, *, field: str) -> Cells:
    """Read a CSV: cells parted by commas, semicolons, tabs or bars.

    Excel's first line `sep=;` says which.

    Args:
        file: The CSV, as `read_text` reads it.
        field: What to call it in messages.

    Raises:
        DataError: It is no text or not a CSV.
    """
    text, notes = read_text(file, field=field)
    excel = EXCEL_LINE.match(text)
    body = text[excel.end() :] if excel else text
    head = body.partition("\n")[0]
    delimiter = excel.group(1) if excel else max(DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True)
    skipped = 1 if excel else 0
    try:
        lines = [(reader.line_num + skipped, cells) for cells in reader if any(cells)]
    except csv.Error as err:
        message = (
            f"{field}: must be a CSV file, got {err} in line "
            f"{reader.line_num + skipped}. Mend that line."
        )
        raise DataError(message) from err
    header = tuple(name.strip() for name in lines[0][1]) if lines else ()
    _check_widths(lines[1:], len(header), field)
    rows = tuple((line, tuple(cells)) for line, cells in lines[1:])
    return Cells(header=header, lines=rows, notes=notes)


def read_text(file: Path, *, field: str) -> tuple[str, tuple[str, ...]]:
    """Return a file's text, and a note where it had to be guessed how to read it.

    UTF-8 with or without a byte order mark, UTF-16 and UTF-32 with one. Lines that are
    none of these are read as Windows-1252, as Excel saves CSV in western Europe.

    Raises:
        DataError: It is no text.
    """
    data = file.read_bytes()
    marked = next((WIDE_MARKS[m] for m in WIDE_MARKS if data.startswith(m)), None)
    try:
        if marked is not None:
            return data.decode(marked), ()
    except UnicodeDecodeError as err:
        message = f"{field}: must be text in {marked}, got {err}. Save it in UTF-8."
        raise DataError(message) from err
    if b"\0" in data[:HEAD_BYTES]:
        message = (
            f"{field}: must be UTF-8 text, got UTF-16 without its mark, or no text at "
            "all. Save it as CSV in UTF-8."
        )
        raise DataError(message)
    return _decode(data)


def _decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        lines = data.removeprefix(codecs.BOM_UTF8).split(b"\n")
    texts = [_decode_line(line) for line in lines]
    foreign = [str(number) for number, (_, ok) in enumerate(texts, 1) if not ok]
    note = (
        f"Read as Windows-1252, not UTF-8: {first_few(foreign, 'line')}. Other letters "
        "than those of western Europe would be wrong."
    )
    return "\n".join(text for text, _ in texts), (note,)


def _decode_line(line: bytes) -> tuple[str, bool]:
    """Return the text of a line, and whether it was UTF-8."""
    try:
        return line.decode(), True
    except UnicodeDecodeError:
        return line.decode("cp1252", "surrogateescape"), False


def find_columns(
    header: Sequence[str], field: str, *, needed: Sequence[str], optional: Sequence[str]
) -> dict[str, int]:
    """Return column → its position in a header, whichever of its names it has there.

    Raises:
        DataError: A column is missing or ambiguous; lists all such faults.
    """
    columns, faults = {}, []
    for key in (*needed, *optional):
        found = _spelt(header, key)
        if len(found) == 1:
            columns[key] = found[0]
        elif found:
            names = " and ".join(encode_name(header[number]) for number in found)
            faults.append(
                f"{field}: must have one column for the {key}, got {names}. Name the "
                f"one that counts {key}."
            )
        elif key in needed:
            faults.append(_missing(header, key, field))
    if faults:
        raise DataError("\n".join(faults))
    return columns


def _spelt(header: Sequence[str], key: str) -> list[int]:
    """Return the columns that may be the wanted one."""
    plain = [plain_name(name) for name in header]
    for names in ((key,), SPELLINGS[key], LAST_RESORT.get(key, ())):
        found = [number for number, name in enumerate(plain) if name in names]
        # A path says more than the name of the same file: `filepath` beside `filename`.
        paths = [number for number in found if "path" in plain[number]]
        if found:
            return paths if len(paths) == 1 else found
    return []


def plain_name(name: str) -> str:
    """Return a column's name without what people write in many ways.

    Example:
        >>> plain_name("Image_File-Name")
        'imagefilename'
    """
    return name.casefold().translate({ord(mark): None for mark in " _-."})


def _missing(header: Sequence[str], key: str, field: str) -> str:
    plain = {plain_name(name): name for name in header}
    near = [
        plain[name]
        for spelling in SPELLINGS[key]
        for name in get_close_matches(spelling, plain, n=1, cutoff=0.75)
    ]
    shown = ", ".join(encode_name(name) for name in header) or "none"
    hint = f'Is it "{encode_name(near[0])}"? Name it {key}.' if near else f"Add {key}."
    others = ", ".join(SPELLINGS[key][1:5])
    return f"{field}: must have a column {key} ({others} …), got {shown}. {hint}"


def _check_widths(
    lines: Sequence[tuple[int, Sequence[str]]], width: int, field: str
) -> None:
    wide = [str(line) for line, cells in lines if any(cells[width:])]
    if wide:
        message = (
            f"{field}: must have {width} cells a line, as its header has, got more in "
            f"{first_few(wide, 'line')}. Put names that hold a delimiter into quotes."
        )
        raise DataError(message)


def first_few(texts: Sequence[str], noun: str = "") -> str:
    """Return the first few of many texts, and how many more there are.

    Example:
        >>> first_few(["3", "5"], "line"), first_few(list("abcdefg"))
        ('lines 3, 5', 'a, b, c, d, e and 2 more')
    """
    more = len(texts) - MAX_SHOWN
    words = f"{noun}{'s' if len(texts) > 1 else ''} " if noun else ""
    tail = f" and {more} more" if more > 0 else ""
    return f"{words}{', '.join(texts[:MAX_SHOWN])}{tail}"


def _row(cells: Sequence[str], columns: Mapping[str, int], line: int) -> CsvRow:
    found = {key: cells[n] if n < len(cells) else "" for key, n in columns.items()}
    stripped = {
        key: text if key == "path" and text.strip() else text.strip()
        for key, text in found.items()
    }
    return CsvRow(line=line, cells=stripped)


def read_all_columns(file: Path, *, field: str) -> CsvTable:
    """Read a CSV with every column that has a name, `path` under any of its usual ones.

    Raises:
        DataError: It is no CSV that `read_table` would read, lacks a path, or gives two
            columns one name.
    """
    found = read_cells(file, field=field)
    path = find_columns(found.header, field, needed=("path",), optional=())["path"]
    header = [encode_name(name) for name in found.header]
    columns = {"path": path} | {
        name: n for n, name in enumerate(header) if name and n != path
    }
    if len(columns) < sum(map(bool, header)):
        doubled = sorted({name for name in header if name and header.count(name) > 1})
        message = (
            f"{field}: must not repeat a column, got {first_few(doubled)} again. "
            "Rename one."
        )
        raise DataError(message)
    return CsvTable(
        columns={key: header[number] for key, number in columns.items()},
        rows=tuple(_row(cells, columns, line) for line, cells in found.lines),
        notes=found.notes,
    )


def is_usual_name(name: str, key: str) -> bool:
    """Return whether a column's name is one that a key of `SPELLINGS` goes by.

    Example:
        >>> is_usual_name("Patient ID", "group"), is_usual_name("site", "group")
        (True, False)
    """
    return plain_name(name) in SPELLINGS[key]
