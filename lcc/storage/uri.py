"""Open the store of a URI or path, and fetch single files.

Knows schemes; not how bytes are moved (`local`, `s3`).
"""

import hashlib
import os
import re
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from lcc.config.storage import StorageSettings
from lcc.errors import ConfigError, NotFoundError
from lcc.storage.local import LocalStore
from lcc.storage.patient import make_patient
from lcc.storage.store import Store

SCHEMES = ("file", "s3")
MAX_NAME = 40  # characters of a data set's name, as data.name allows
# A scheme without its `://`, which would be taken for a folder: s3:/lab, s3//lab
MISTYPED = re.compile(r"(?P<scheme>s3|file|pvc)(:[/\\]?|;?[/\\]{2,3})(?=\w)", re.I)


def open_store(uri: str, settings: StorageSettings | None = None) -> Store:
    """Return the store of a root URI.

    Args:
        uri: A path, taken literally, or `file:///folder`, or `s3://bucket/prefix`.
        settings: How an S3 endpoint is reached.

    Raises:
        ConfigError: The scheme is unknown, or an S3 URI names no bucket.
    """
    scheme = scheme_of(uri)
    if scheme == "s3":
        from lcc.storage.s3 import S3Store

        return S3Store(uri, settings or StorageSettings())
    return LocalStore(local_path(uri))


def scheme_of(uri: str) -> str:
    """Return `file` or `s3`; a plain path is a file.

    Raises:
        ConfigError: The scheme is unknown, or mistyped so that it reads as a folder.

    Example:
        >>> scheme_of("s3://lab/study"), scheme_of("tiles 100%/a#b")
        ('s3', 'file')
    """
    scheme, separator, rest = uri.partition("://")
    if separator and scheme in SCHEMES:
        return scheme
    if separator:
        near = get_close_matches(scheme.lower(), SCHEMES, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}://{rest}? " if near else ""
        message = (
            f"{uri}: scheme must be one of {', '.join(SCHEMES)}, got {scheme}. "
            f"{hint}Use a path, file:///folder or s3://bucket/prefix."
        )
        raise ConfigError(message)
    if match := MISTYPED.match(uri):
        message = (
            f"{uri}: must be a path or a URI, got a mistyped {match['scheme']}://. Did "
            f"you mean {_mended(match['scheme'], uri[match.end() :])}? A folder of "
            f"this name is ./{uri}."
        )
        raise ConfigError(message)
    return "file"


def _mended(scheme: str, rest: str) -> str:
    third = "/" if scheme.lower() == "file" else ""
    return f"{scheme.lower()}://{third}{rest}"


def bucket_uri(text: str) -> str:
    """Return an `s3://` URI without trailing slash.

    Raises:
        ConfigError: It is a path, or a URI of another kind.

    Example:
        >>> bucket_uri("s3://lab/tiles/")
        's3://lab/tiles'
    """
    if scheme_of(text) == "s3":
        return text.rstrip("/")
    hint = bucket_hint(text) or "Name a bucket."
    message = f"{text}: must be s3://bucket/prefix, got a path of this machine. {hint}"
    raise ConfigError(message.rstrip())


def bucket_hint(text: str) -> str:
    """Return the bucket that may have been meant by a path, with a space behind.

    Example:
        >>> bucket_hint("lab/tiles"), bucket_hint("/data/tiles")
        ('Did you mean s3://lab/tiles? ', '')
    """
    is_relative = not text.startswith(("/", ".", "~", "file://"))
    return f"Did you mean s3://{text}? " if is_relative else ""


def folder_path(text: str) -> Path:
    """Return the path of a file or folder of this machine.

    Raises:
        ConfigError: It lies elsewhere.

    Example:
        >>> folder_path("tiles 100%").as_posix()
        'tiles 100%'
    """
    if scheme_of(text) == "file":
        return local_path(text)
    message = f"{text}: must be a path of this machine, got a bucket. Name a path."
    raise ConfigError(message)


def local_path(uri: str) -> Path:
    """Return the path of a `file://` URI or of a plain path.

    Example:
        >>> local_path("file:///data/a%20b").as_posix()
        '/data/a b'

    Raises:
        ConfigError: The URI names a host, as `file://data` does by mistake.
    """
    if not uri.startswith("file://"):
        return Path(uri)
    parts = urlsplit(uri)
    if parts.netloc not in {"", "localhost"}:
        message = (
            f"{uri}: must be file:///folder with three slashes, got host "
            f"{parts.netloc}. Use a path, or file:///."
        )
        raise ConfigError(message)
    return Path(_unquote(parts.path))


def _unquote(text: str) -> str:
    """Undo `Path.as_uri`, also for names that are not UTF-8."""
    return os.fsdecode(unquote_to_bytes(text))


def shown_uri(uri: str, key: str = "") -> str:
    """Return how a place is shown to people: a path where it is one.

    Example:
        >>> shown_uri("file:///data/a%20b", "x.csv"), shown_uri("s3://lab", "x.csv")
        ('/data/a b/x.csv', 's3://lab/x.csv')
    """
    if scheme_of(uri) == "file":
        return str(local_path(uri) / key)
    return f"{uri}/{key}".rstrip("/")


def absolute_uri(uri: str) -> str:
    """Return the URI with a path made absolute, so that every process agrees.

    Example:
        >>> absolute_uri("s3://lab/study/")
        's3://lab/study'
    """
    if scheme_of(uri) == "s3":
        return uri.rstrip("/")
    path = local_path(uri).expanduser()
    # One folder has one name; links keep theirs, unless a step back depends on them.
    return (path.resolve() if ".." in path.parts else path.absolute()).as_uri()


def dataset_name(source: str) -> str:
    """Return the name of a data set: the last part of its source, as a slug.

    Example:
        >>> dataset_name("s3://lab/Lung tiles (2020)/")
        'lung-tiles-2020'
    """
    last = unquote(source).rstrip("/").rpartition("/")[2]
    slug = re.sub(r"[^a-z0-9]+", "-", last.lower()).strip("-")
    return slug[:MAX_NAME].strip("-") or "tiles"


def fetch_file(
    uri: str,
    folder: Path,
    *,
    settings: StorageSettings | None = None,
    sha256: str | None = None,
) -> Path:
    """Return a local file with the bytes of one file, by path or URI.

    A store that is away is waited for.

    Args:
        uri: Path or URI of the file.
        folder: Where a remote file is copied to.
        settings: How an S3 endpoint is reached.
        sha256: Digest that the file must have.

    Raises:
        NotFoundError: There is no such file.
        ConfigError: The file has another digest.
    """
    store, key = _find_file(uri, settings or StorageSettings())
    path = store.fetch(key, folder)
    if sha256 is not None:
        _check_digest(uri, path, sha256=sha256)
    return path


def read_file(uri: str, settings: StorageSettings | None = None) -> bytes:
    """Return the bytes of one small file, by path or URI; waits as `fetch_file` does.

    Raises:
        NotFoundError: There is no such file.
    """
    store, key = _find_file(uri, settings or StorageSettings())
    return store.read(key)


def _find_file(uri: str, settings: StorageSettings) -> tuple[Store, str]:
    root, _, key = absolute_uri(uri).rpartition("/")
    store = make_patient(open_store(root, settings), settings)
    key = _unquote(key) if scheme_of(uri) == "file" else key
    if not store.exists(key):
        message = f"{uri}: not found. Check the path or URI."
        raise NotFoundError(message)
    return store, key


def file_size(uri: str, settings: StorageSettings | None = None) -> int | None:
    """Return the bytes of one file, by path or URI; None where there is none.

    A store that is away is not waited for.

    Raises:
        UnavailableError: The store is away.
    """
    root, _, key = absolute_uri(uri).rpartition("/")
    key = _unquote(key) if scheme_of(uri) == "file" else key
    items = open_store(root, settings).list_objects(key)
    return next((item.size_bytes for item in items if item.key == key), None)


def _check_digest(uri: str, path: Path, *, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        message = (
            f"{uri}: SHA-256 must be {sha256}, got {found}. "
            "Use the file it was recorded for, or correct the digest."
        )
        raise ConfigError(message)
