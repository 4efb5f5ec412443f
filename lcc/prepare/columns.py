"""Read columns that a user brings as CSV: a split, or the patient of each image.

Knows CSV and paths; not what the columns are used for.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from lcc.data.digest import encode_name
from lcc.data.table import first_few, read_table
from lcc.data.task import Task
from lcc.errors import DataError
from lcc.storage.uri import fetch_file

FIELDS = {"group": "groups_csv", "split": "split_csv"}  # of the data settings


def user_column(task: Task, *, column: str, paths: Sequence[str]) -> list[str]:
    """Return the user's `group` or `split` of each path.

    Raises:
        NotFoundError: There is no such file.
        DataError: It is not a CSV with these columns, or lacks a path.
    """
    field = FIELDS[column]
    uri = str(getattr(task.settings.data, field))
    file = fetch_file(uri, task.scratch, settings=task.settings.storage)
    values = read_column(file, column=column, field=f"data.{field}")
    return match_paths(values, paths, column=column, field=f"data.{field}")


def read_column(file: Path, *, column: str, field: str) -> dict[str, str]:
    """Return a column of a CSV by path.

    Args:
        file: CSV with a header that has `path` and the column, by any of their usual
            names; others are ignored. A path is as in the catalogue, or a file name of
            the source.
        column: `group` or `split`.
        field: Setting that named the file, for messages.

    Raises:
        DataError: It is no such table, or a path has two values.
    """
    values: dict[str, str] = {}
    for row in read_table(file, field=field, needed=("path", column)).rows:
        path, value = row.cells["path"], row.cells[column]
        if values.setdefault(path, value) != value:
            message = (
                f"{field}: must give each path one {column}, got {values[path]} and "
                f"{value} for {encode_name(path)}. Remove one."
            )
            raise DataError(message)
    return values


def match_paths(
    values: dict[str, str], paths: Sequence[str], *, column: str, field: str
) -> list[str]:
    """Return the value of each path.

    Raises:
        DataError: A path has no value. Values for other paths are ignored: a CSV may
            cover more than the chosen classes.
    """
    known = values | {encode_name(path): value for path, value in values.items()}
    missing = [path for path in paths if not known.get(path)]
    if missing:
        near = get_close_matches(missing[0], list(known)[:10_000], n=1)
        hint = f" Nearest path in the file: {near[0]}." if near else ""
        message = (
            f"{field}: must give every image a {column}, got none for {len(missing)} "
            f"of {len(paths)} ({first_few(missing)}). Paths are relative to "
            f"data.source.{hint}"
        )
        raise DataError(message)
    return [known[path] for path in paths]
