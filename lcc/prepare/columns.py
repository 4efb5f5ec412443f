"""Read columns that a user brings: as a CSV, or as parts of each path.

Knows CSV and paths; not what the columns are used for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from lcc.config.path_pattern import compile_pattern
from lcc.data.digest import encode_name
from lcc.data.table import CsvRow, first_few, read_all_columns, read_table
from lcc.data.task import Task
from lcc.errors import DataError
from lcc.storage.uri import fetch_file

SPLIT, GROUPS, PATTERN = "split_csv", "groups_csv", "columns_from_path"
MAX_COMPARED = 10_000  # paths that a missing one is compared with


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Columns of the images, and what is wrong with them.

    Attributes:
        values: Column → text of each image, empty where its cell is, None where the
            image has no row or does not match.
        faults: Messages.
    """

    values: Mapping[str, Sequence[str | None]]
    faults: tuple[str, ...] = ()


def user_split(task: Task, paths: Sequence[str]) -> list[str]:
    """Return the split of each path that `data.split_csv` says.

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
    return [text or "" for text in columns.values["split"]]


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
    return match_rows(table.rows, names, paths, field=field)


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
    file names of the source.

    Args:
        rows: With a path and the columns.
        names: The columns.
        paths: Of the images, in text form.
        field: Setting that named the file, for messages.
    """
    known: dict[str, Mapping[str, str]] = {}
    doubled: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        path = row.cells["path"]
        own = {name: encode_name(row.cells[name]) for name in names}
        first = known.setdefault(path, own)
        for name in [name for name in names if own[name] != first[name]]:
            both = f"{first[name]} and {own[name]} for {encode_name(path)}"
            doubled[name].append(both)
    known |= {encode_name(path): own for path, own in known.items()}
    found = [known.get(path) for path in paths]
    missing = [path for path, own in zip(paths, found, strict=True) if own is None]
    return Columns(
        values={name: [own[name] if own else None for own in found] for name in names},
        faults=(
            *_doubled_faults(doubled, field),
            *_missing_faults(missing, len(paths), list(known), field),
        ),
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
