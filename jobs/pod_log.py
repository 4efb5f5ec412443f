"""Uploads the log of a pod to the store, where it outlives the pod."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lcc.config import environment
from lcc.errors import LccError
from lcc.storage import layout
from lcc.storage.store import Store


@dataclass
class PodLog:
    """Where the log goes, once it is known."""

    store: Store | None = None


@contextmanager
def uploading(run_id: str) -> Iterator[PodLog]:
    """Upload what is logged inside `with`, in a pod; elsewhere the driver stores it.

    A log that cannot be uploaded is not worth failing for: the pod's own remains.
    """
    pod = os.environ.get(environment.POD_NAME)
    job = os.environ.get(environment.JOB_NAME)
    log = PodLog()
    if not pod or not job:
        yield log
        return
    handle, name = tempfile.mkstemp(prefix="lcc-log-")
    os.close(handle)
    file, root = logging.FileHandler(name), logging.getLogger()
    file.setFormatter(root.handlers[0].formatter)
    root.addHandler(file)
    try:
        yield log
    except Exception as err:
        file.handle(_failure(err))  # to the file alone: stderr gets it from `main`
        raise
    finally:
        root.removeHandler(file)
        file.close()
        if log.store is not None:
            with suppress(LccError):
                key = layout.pod_log(run_id, job, pod)
                log.store.write(key, Path(name).read_bytes())
        Path(name).unlink()


def _failure(err: Exception) -> logging.LogRecord:
    """Return the line about an error, and below it the trace of a crash."""
    trace = None if isinstance(err, LccError) else (type(err), err, err.__traceback__)
    text = "event=failed reason=%s"
    level = logging.ERROR
    return logging.LogRecord(__name__, level, __file__, 0, text, (err,), trace)
