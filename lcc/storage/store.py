"""The interface of an object store: whole writes, create-only writes, range reads.

Knows what a store promises; not where bytes lie (`local`, `s3`) nor which keys there
are (`layout`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from lcc.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """One object of a listing.

    Attributes:
        key: Path relative to the store's root, parts joined by `/`. A file name that is
            not UTF-8 carries surrogate escapes, as `os.fsdecode` gives.
        size_bytes: Length of the object.
        change_mark: Opaque text that differs when the object changed (time or ETag).
    """

    key: str
    size_bytes: int
    change_mark: str


class Store(Protocol):
    """Objects under one root URI.

    Every write is whole or not at all: a reader sees the old object, the new one or
    none. Temporary errors (time-outs, 5xx) are retried inside and end as
    `UnavailableError`; a missing object is `NotFoundError`; a refused key or missing
    bucket is `ConfigError`.
    """

    @property
    def uri(self) -> str:
        """Root as a URI without trailing slash."""

    def read(self, key: str) -> bytes:
        """Return the whole object."""

    def read_marked(self, key: str) -> tuple[bytes, str]:
        """Return the whole object, and the change mark of these very bytes."""

    def read_range(self, key: str, *, start: int, length: int) -> bytes:
        """Return at most `length` bytes from offset `start`."""

    def write(self, key: str, data: bytes) -> None:
        """Write the object whole, replacing what was there."""

    def create(self, key: str, data: bytes) -> bool:
        """Write the object unless one exists; return whether this call wrote it."""

    def upload(self, key: str, path: Path) -> None:
        """Write a file as one object, in parallel parts where it is large."""

    def absorb(self, key: str, path: Path) -> None:
        """Make a local file the object; afterwards the file is gone.

        On one file system nothing is copied.
        """

    def fetch(self, key: str, folder: Path) -> Path:
        """Return a local file with the object's bytes.

        The store's own file where it is one (never write to it), else a copy below
        `folder`, fetched in parallel ranges; a copy that is already there is used.
        """

    def exists(self, key: str) -> bool:
        """Return whether the object is there."""

    def list_objects(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose key starts with `prefix`, sorted by code points."""

    def broken_links(self) -> Iterator[str]:
        """Yield the keys of links that lead to no object, sorted by code points."""

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens where there is none."""

    def end_stale_uploads(self, *, before: datetime) -> int:
        """End what killed processes left half written; return how many there were.

        Args:
            before: Those begun before this moment, which nobody works on any more.
        """


def check_key(key: str) -> None:
    """Refuse a key that leads out of the root, as somebody else's bucket may hold.

    Raises:
        DataError: The key is absolute or has a part `..`.

    Example:
        >>> check_key("runs/x/settings.yaml")
    """
    if key.startswith("/") or ".." in key.split("/"):
        message = f"{key}: must lie below the root. Rename the object."
        raise DataError(message)
