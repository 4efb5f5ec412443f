"""Read columns that a user brings: as a CSV, or as parts of each path.

Knows CSV and paths; not what the columns are used for.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from lcc.config.path_pattern import compile_pattern
from lcc.data.digest import encode_name
from lcc.data.table import CsvRow, CsvTable, first_few, read_all_columns, read_table
from lcc.errors import DataError
from lcc.listing.path_ends import find_by_end
from lcc.prepare.task import Task
from lcc.storage.uri import fetch_file

SPLIT, GROUPS, PATTERN = "split_csv", "groups_csv", "columns_from_path"
MAX_COMPARED = 10_000  # paths that a missing one is compared with
Cells = Mapping[str, str]  # column → text, of one row


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Columns of the images, and what is wrong with them.

    Attributes:
        values: Column → text of each image, empty where its cell is, None where the
            image has no row or does not match.
        faults: Messages.
        notes: Sentences on how it was read.
    """

    values: Mapping[str, Sequence[str | None]]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def user_split(task: Task, paths: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the split of each path that `data.split_csv` says, and how it was read.

    Raises:
        NotFoundError: There is no such file.
        DataError: It is not a CSV with a path and a split, or lacks a path.
    """
    table = read_table(
        _fetch(task, SPLIT), field=f"data.{SPLIT}", needed=("path", "split")
    )
    columns = match_rows(table.rows, ["split"], paths, field=f"data.{SPLIT}")
    empty = [
        path
        for path, text in zip(paths, columns.values["split"], strict=True)
        if text == ""
    ]
    faults = [*columns.faults, *empty_faults("split", empty, field=f"data.{SPLIT}")]
    if faults:
        raise DataError("\n".join(faults))
    notes = (*_notes_on(table, SPLIT), *columns.notes)
    return [text or "" for text in columns.values["split"]], notes


def group_columns(task: Task, paths: Sequence[str]) -> Columns:
    """Return every column of `data.groups_csv` but the path.

    Raises:
        NotFoundError: There is no such file.
        DataError: It is not a CSV with a path.
    """
    field = f"data.{GROUPS}"
    table = read_all_columns(_fetch(task, GROUPS), field=field)
    names = [name for key, name in table.columns.items() if key != "path"]
    if not names:
        message = (
            f"{field}: must have a column beside the path, got none. Add e.g. patient."
        )
        raise DataError(message)
    columns = match_rows(table.rows, names, paths, field=field)
    return replace(columns, notes=(*_notes_on(table, GROUPS), *columns.notes))


def _notes_on(table: CsvTable, field: str) -> Iterator[str]:
    """Yield how a table's text was read, which the settings name."""
    return (f"data.{field}: {note}" for note in table.notes)


def path_columns(pattern: str, paths: Sequence[str]) -> Columns:
    """Return the columns that a pattern of `lcc.config.path_pattern` reads from paths.

    Example:
        >>> path_columns("{patient}_*.png", ["n/p1_0.png", "n/p2_0.png"]).values
        {'patient': ['p1', 'p2']}
    """
    expression = compile_pattern(pattern)
    found = [expression.fullmatch(path) for path in paths]
    values = {
        name: [match and match[name] for match in found]
        for name in expression.groupindex
    }
    others = [p for p, match in zip(paths, found, strict=True) if match is None]
    if not others:
        return Columns(values=values)
    hint = " Write **/ in front of it for any folders." if "/" in pattern else ""
    fault = (
        f"data.{PATTERN}: must match every path below data.source, got {len(others)} "
        f"of {len(paths)} that {pattern} does not match ({first_few(others)}).{hint}"
    )
    return Columns(values=values, faults=(fault,))


def match_rows(
    rows: Iterable[CsvRow], names: Sequence[str], paths: Sequence[str], *, field: str
) -> Columns:
    """Return cells of the rows by image; rows of other images are ignored.

    A CSV may cover more than the chosen classes. Its paths are as in the catalogue, or
    file names of the source; where images are left, paths are matched by their ends.

    Args:
        rows: With a path and the columns.
        names: The columns.
        paths: Of the images, in text form.
        field: Setting that named the file, for messages.
    """
    known: dict[str, Cells] = {}
    doubled: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        path = row.cells["path"]
        own = {name: encode_name(row.cells[name]) for name in names}
        first = known.setdefault(path, own)
        for name in [name for name in names if own[name] != first[name]]:
            both = f"{first[name]} and {own[name]} for {encode_name(path)}"
            doubled[name].append(both)
    exact = known | {encode_name(path): own for path, own in known.items()}
    missing = [path for path in paths if path not in exact]
    ended = _match_ends(known, paths, missing) if missing else EndMatches()
    by_path = {**ended.cells, **exact}
    found = [by_path.get(path) for path in paths]
    gone = [path for path in missing if path not in ended.cells]
    return Columns(
        values={name: [own[name] if own else None for own in found] for name in names},
        faults=(
            *_doubled_faults(doubled, field),
            *_ambiguous_faults(ended.ambiguous, field),
            *_missing_faults(gone, len(paths), list(known), field),
        ),
        notes=tuple(f"{field}: {note}" for note in ended.notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndMatches:
    """Rows whose paths are no images, but end as images do.

    Attributes:
        cells: Image → cells of its row.
        ambiguous: What fits several.
        notes: A sentence on how many there are.
    """

    cells: Mapping[str, Cells] = field(default_factory=dict)
    ambiguous: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _match_ends(
    known: Mapping[str, Cells], paths: Sequence[str], missing: Sequence[str]
) -> EndMatches:
    images, wanted = set(paths), set(missing)
    owners: dict[str, str] = {}
    ambiguous = []
    for cell, hits in find_by_end(known, paths).items():
        if {cell, encode_name(cell)} & images:
            continue
        if len(hits) > 1:
            ambiguous.append(f"{encode_name(cell)} fits {first_few(hits)}")
        elif hits and hits[0] in wanted:
            first = owners.setdefault(hits[0], cell)
            if known[first] != known[cell]:
                ambiguous.append(f"{hits[0]} fits {first} and {cell}")
    notes = [
        f"{len(owners)} paths were read by their ends, {encode_name(cell)} as {image}."
        for image, cell in list(owners.items())[:1]
    ]
    return EndMatches(
        cells={image: known[cell] for image, cell in owners.items()},
        ambiguous=tuple(ambiguous),
        notes=tuple(notes),
    )


def _ambiguous_faults(ambiguous: Sequence[str], field: str) -> Iterable[str]:
    if ambiguous:
        yield (
            f"{field}: each path must be one image, got {len(ambiguous)} that are not: "
            f"{first_few(ambiguous)}. Write paths relative to data.source."
        )


def empty_faults(name: str, paths: Sequence[str], *, field: str) -> Iterable[str]:
    """Yield a message on images whose cell of a column is empty, if any."""
    if paths:
        yield (
            f"{field}: must give every image a {name}, got an empty cell for "
            f"{len(paths)} ({first_few(paths)}). Fill the column."
        )


def _doubled_faults(doubled: Mapping[str, list[str]], field: str) -> Iterable[str]:
    for name, both in doubled.items():
        yield (
            f"{field}: must give each path one {name}, got {first_few(both)}. "
            "Remove one."
        )


def _missing_faults(
    missing: Sequence[str], num_paths: int, known: Sequence[str], field: str
) -> Iterable[str]:
    if missing:
        near = get_close_matches(missing[0], known[:MAX_COMPARED], n=1)
        hint = f" Nearest path in the file: {encode_name(near[0])}." if near else ""
        yield (
            f"{field}: must have a row for every image, got none for {len(missing)} of "
            f"{num_paths} ({first_few(missing)}). Paths are relative to data.source."
            f"{hint}"
        )


def _fetch(task: Task, field: str) -> Path:
    uri = str(getattr(task.settings.data, field))
    return fetch_file(uri, task.scratch, settings=task.settings.storage)
