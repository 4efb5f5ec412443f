"""A folder of this machine, copied to a store: what is there already is not sent."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lcc.errors import DataError
from lcc.storage.store import Store
from lcc.tracking.progress import ProgressPrinter

NUM_THREADS = 8  # small files: the answers are waited for, not the bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """What was done.

    Attributes:
        copied: Files sent.
        kept: Files that were there with the same size.
    """

    copied: int
    kept: int


def upload_folder(folder: Path, target: Store) -> Uploaded:
    """Copy all files below a folder, in several streams.

    Raises:
        DataError: The folder holds no file, or a name that is not UTF-8.
        ConfigError: The bucket is missing or refuses.
    """
    files = {
        path.relative_to(folder).as_posix(): path
        for root, _, names in os.walk(folder)
        for path in (Path(root, name) for name in names)
        if path.is_file()
    }
    if not files:
        message = (
            f"{folder}: must be a folder that holds files, got none. Check the path."
        )
        raise DataError(message)
    there = {item.key: item.size_bytes for item in target.list_objects()}
    missing = {
        key: path
        for key, path in files.items()
        if there.get(key) != path.stat().st_size
    }
    progress = ProgressPrinter(len(files))
    progress.advance(len(files) - len(missing))
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        for _ in pool.map(lambda item: target.upload(*item), sorted(missing.items())):
            progress.advance()
    return Uploaded(copied=len(missing), kept=len(files) - len(missing))
