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
    file = logging.FileHandler(name)
    file.setFormatter(logging.getLogger().handlers[0].formatter)
    logging.getLogger().addHandler(file)
    try:
        yield log
    except LccError as err:
        logging.getLogger(__name__).error("event=failed reason=%s", err)  # noqa: TRY400
        raise
    finally:
        file.flush()
        if log.store is not None:
            with suppress(LccError):
                key = layout.pod_log(run_id, job, pod)
                log.store.write(key, Path(name).read_bytes())
