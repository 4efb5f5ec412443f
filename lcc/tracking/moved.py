"""Mends the paths in MLflow's own SQLite file once the root was moved or copied.

Knows which columns of MLflow's tables hold locations: MLflow writes them absolute.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from lcc.errors import LccError
from lcc.storage.uri import scheme_of
from lcc.tracking.location import artifact_folder, database_file, locked

logger = logging.getLogger(__name__)

# Source: the models.py of MLflow's tracking and model_registry stores.
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def mend_locations(root: str) -> None:
    """Have MLflow's tables under a root name the files that lie there now.

    Does nothing to a bucket, or where nothing was moved; attempts it once, and leaves
    tables as they are that are another's or in use.

    Args:
        root: URI of the root.
    """
    if scheme_of(root) != "file" or not database_file(root).is_file():
        return
    new = artifact_folder(root).as_uri()
    try:
        with closing(sqlite3.connect(database_file(root))) as tables:
            for old in list(_moved_from(tables, new)):
                with locked(root), tables:
                    _replace(tables, old, new)
                logger.info("event=locations_mended old=%s new=%s", old, new)
    except (sqlite3.Error, LccError) as err:
        logger.warning("event=locations_not_mended root=%s reason=%s", root, err)


def _moved_from(tables: sqlite3.Connection, new: str) -> Iterator[str]:
    """Yield where a root's artifacts lay before, by the name of their folder."""
    name = Path(new).name
    found = tables.execute("SELECT DISTINCT artifact_location FROM experiments")
    for (location,) in found.fetchall():
        is_ours = str(location).startswith("file:") and Path(location).name == name
        if is_ours and location != new:
            yield str(location)


def _replace(tables: sqlite3.Connection, old: str, new: str) -> None:
    existing = {
        (table, column)
        for table, _ in COLUMNS
        for _, column, *_ in tables.execute(f"PRAGMA table_info({table})")
    }
    for table, column in existing.intersection(COLUMNS):
        tables.execute(
            f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 - ours
            f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
            (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
        )
