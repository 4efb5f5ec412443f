"""Store objects as files below one folder.

Knows how a file is written whole: a temporary name in the same folder, then a rename.
"""

import errno
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from lcc.errors import ConfigError, DataError, NoRoomError, NotFoundError
from lcc.storage.store import ObjectInfo, check_key

TEMPORARY_PREFIX = ".lcc-tmp-"  # hidden from listings; left over only by a kill
FULL = {errno.ENOSPC, errno.EDQUOT}
REFUSED = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.ENOENT,  # what a file system that makes no folders answers
}


class LocalStore:
    """A `Store` on a folder, which is made by the first write.

    Args:
        folder: The root; need not exist for reading to fail cleanly.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @property
    def uri(self) -> str:
        """Root as a `file://` URI."""
        return self.folder.as_uri()

    def read(self, key: str) -> bytes:
        """Return the whole object."""
        with self._reading(key):
            return self._path(key).read_bytes()

    def read_marked(self, key: str) -> tuple[bytes, str]:
        """Return the whole object, and the change mark of these very bytes."""
        with self._reading(key), self._path(key).open("rb", buffering=0) as file:
            mark = _change_mark(os.fstat(file.fileno()))
            return file.readall(), mark

    def read_range(self, key: str, *, start: int, length: int) -> bytes:
        """Return at most `length` bytes from offset `start`."""
        with self._reading(key), self._path(key).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def write(self, key: str, data: bytes) -> None:
        """Write the object whole, replacing what was there."""
        with self._replacing(key) as temporary:
            _write_durably(temporary, (data,))
            temporary.replace(self._path(key))

    def create(self, key: str, data: bytes) -> bool:
        """Write the object unless one exists; return whether this call wrote it."""
        with self._replacing(key) as temporary:
            _write_durably(temporary, (data,))
            try:
                self._path(key).hardlink_to(temporary)  # fails where the name exists
            except FileExistsError:
                return False
        return True

    def upload(self, key: str, path: Path) -> None:
        """Copy a file to the object, replacing what was there."""
        with path.open("rb") as source, self._replacing(key) as temporary:
            _write_durably(temporary, iter(lambda: source.read(1 << 24), b""))
            temporary.replace(self._path(key))

    def absorb(self, key: str, path: Path) -> None:
        """Move a file to the object's path; copy it from another file system."""
        target = self._path(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        except OSError as err:
            if err.errno != errno.EXDEV:
                raise self._cannot_write(err) from err
            self.upload(key, path)
            path.unlink()

    def fetch(self, key: str, folder: Path) -> Path:  # noqa: ARG002 - see Store
        """Return the object's own file; never write to it."""
        if not self.exists(key):
            raise self._not_found(key)
        return self._path(key)

    def exists(self, key: str) -> bool:
        """Return whether the object is there."""
        return self._path(key).is_file()

    def list_objects(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose key starts with `prefix`, sorted by code points.

        Raises:
            DataError: A symbolic link leads back into a folder that contains it.
        """
        start = self.folder / prefix.rpartition("/")[0]
        names = self._walk(start, (), is_wanted=_is_object)
        keys = sorted(key for key in names if key.startswith(prefix))
        for key in keys:
            with suppress(FileNotFoundError):  # removed while we list
                status = self._path(key).stat()
                yield ObjectInfo(
                    key=key,
                    size_bytes=status.st_size,
                    change_mark=_change_mark(status),
                )

    def broken_links(self) -> Iterator[str]:
        """Yield the keys of symbolic links that lead nowhere, sorted by code points."""
        names = self._walk(self.folder, (), is_wanted=_is_broken)
        yield from sorted(names)

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens where there is none."""
        self._path(key).unlink(missing_ok=True)

    def end_stale_uploads(self, *, before: datetime) -> int:
        """Remove temporary files that killed processes left."""
        stale = [
            path
            for path in self.folder.rglob(f"{TEMPORARY_PREFIX}*")
            if path.stat().st_mtime < before.timestamp()
        ]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _path(self, key: str) -> Path:
        check_key(key)
        return self.folder / key

    def _walk(
        self,
        folder: Path,
        above: tuple[str, ...],
        *,
        is_wanted: Callable[[os.DirEntry[str]], bool],
    ) -> Iterator[str]:
        real = os.path.realpath(folder)
        if real in above:
            message = (
                f"{folder}: a symbolic link must not lead back to a folder above it, "
                f"got {real}. Remove the link."
            )
            raise DataError(message)
        for entry in _entries(folder):
            if _is_folder(entry):
                below = (*above, real)
                yield from self._walk(Path(entry.path), below, is_wanted=is_wanted)
            elif is_wanted(entry):
                yield Path(entry.path).relative_to(self.folder).as_posix()

    def _not_found(self, key: str) -> NotFoundError:
        return NotFoundError(f"{self._path(key)}: not found. Check the path.")

    @contextmanager
    def _reading(self, key: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as err:
            raise self._not_found(key) from err
        except PermissionError as err:
            message = f"{self._path(key)}: must be readable. Change its permissions."
            raise ConfigError(message) from err

    @contextmanager
    def _replacing(self, key: str) -> Iterator[Path]:
        """Give a temporary file beside the object; it is gone afterwards."""
        folder = self._path(key).parent
        temporary = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=folder)
            temporary = Path(name)
            os.fchmod(handle, 0o644)  # mkstemp's 0600 would hide results from a team
            os.close(handle)
            yield temporary
        except OSError as err:
            raise self._cannot_write(err) from err
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)

    def _cannot_write(self, err: OSError) -> Exception:
        if err.errno in FULL:
            message = (
                f"{self.folder}: no space left on the device. Free some, or pass "
                "another --root; finished shards are kept."
            )
            return NoRoomError(message)
        if err.errno in REFUSED or isinstance(err, FileExistsError):
            message = (
                f"{self.folder}: must be a folder one can write to, got "
                f"{err.strerror}. Change its permissions, or pass another --root."
            )
            return ConfigError(message)
        return err


def _change_mark(status: os.stat_result) -> str:
    return str(status.st_mtime_ns)


def _write_durably(path: Path, chunks: Iterable[bytes]) -> None:
    """Write and force to the disk, else a power cut leaves a renamed empty file."""
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as err:
        message = f"{folder}: must be readable. Change its permissions."
        raise ConfigError(message) from err


def _is_object(entry: os.DirEntry[str]) -> bool:
    return entry.is_file() and not entry.name.startswith(TEMPORARY_PREFIX)


def _is_broken(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not Path(entry.path).exists()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as err:
        if err.errno != errno.ELOOP:
            raise
        message = f"{entry.path}: a symbolic link must not lead to itself. Remove it."
        raise DataError(message) from err
