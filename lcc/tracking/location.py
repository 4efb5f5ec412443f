"""Where MLflow keeps its data, and a lock so that one process at a time sends to it.

Knows URIs, folders and one lock file; not MLflow (`mlflow`).
"""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lcc.config import environment
from lcc.config.commands import command_line
from lcc.config.tracking import TrackingSettings
from lcc.errors import ConfigError, UnavailableError
from lcc.storage.uri import local_path, scheme_of

# MLflow makes its database in 3 s; behind two others on a busy machine, above 10.
LOCK_SECONDS = 30.0
POLL_SECONDS = 0.05


def tracking_uri(settings: TrackingSettings, root: str) -> str:
    """Return the tracking URI in force.

    `tracking.uri`, else `MLFLOW_TRACKING_URI`, else SQLite under a root that is a
    folder, else SQLite under `./lcc-study`.

    Raises:
        ConfigError: SQLite cannot lie in this folder.
    """
    if uri := settings.uri or os.environ.get(environment.TRACKING_URI):
        return uri
    path = database_file(root)
    if "?" in str(path):  # it would start the query of the URI, and nothing quotes it
        message = (
            f"storage.root: must have no question mark where MLflow has no server, got "
            f"{path.parent}. Pass another --root, or set tracking.uri."
        )
        raise ConfigError(message)
    return f"sqlite:///{path}"


def tracking_folder(root: str) -> Path:
    """Return the local folder of the SQLite file; it need not exist."""
    folder = local_path(root) if scheme_of(root) == "file" else Path("lcc-study")
    return folder.absolute()


def database_file(root: str) -> Path:
    """Return MLflow's SQLite file; it need not exist."""
    return tracking_folder(root) / "mlflow.db"


def artifact_folder(root: str) -> Path:
    """Return where MLflow keeps files beside its SQLite file; it need not exist."""
    return tracking_folder(root) / "mlartifacts"


def lock_file(root: str) -> Path:
    """Return the lock file of a root: in a folder, or in this user's /tmp for a bucket.

    A pod's own file system is read-only but for its temporary folder.
    """
    if scheme_of(root) == "file":
        return tracking_folder(root) / ".mlflow.lock"
    name = hashlib.sha256(root.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"lcc-{os.getuid()}-{name}.lock")


@contextmanager
def locked(root: str, *, patience_seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock of a root, which a dead owner gives up by itself.

    SQLite takes one writer, MLflow's first start on a database takes no other, and two
    senders of one run would both create it.

    Args:
        root: URI of the root.
        patience_seconds: How long another sender is waited for.

    Raises:
        UnavailableError: It is still at work after that.
    """
    deadline = time.monotonic() + patience_seconds
    path = lock_file(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        while not _try_lock(file.fileno()):
            if time.monotonic() > deadline:
                message = (
                    f"{path}: one process sends at a time, got another one at it. "
                    f"Nothing is lost, this sends it later: {command_line('status')}"
                )
                raise UnavailableError(message)
            time.sleep(POLL_SECONDS)
        yield


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
