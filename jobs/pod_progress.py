"""Notes in the store how far a pod is, where whoever watches its run reads it."""

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

from jobs.pod_log import PodLog
from lcc.config import environment
from lcc.errors import LccError
from lcc.storage import layout
from lcc.tracking.progress import parse_progress

INTERVAL_SECONDS = 10.0  # one small object each, of thousands of pods


class ProgressReader(io.TextIOBase):
    """Passes stdout on, and keeps the newest line of progress."""

    def __init__(self, target: io.TextIOBase) -> None:
        self._target = target
        self.newest = ""

    def write(self, text: str) -> int:
        """Pass a line on."""
        if parse_progress(text):
            self.newest = text
        return self._target.write(text)

    def flush(self) -> None:
        """Pass on what is buffered."""
        self._target.flush()

    def fileno(self) -> int:
        """Return the number of the file behind it, for libraries that ask."""
        return self._target.fileno()

    def isatty(self) -> bool:
        """Return whether a terminal reads it."""
        return self._target.isatty()


@contextmanager
def noting(
    run_id: str,
    process_index: int,
    log: PodLog,
    *,
    interval_seconds: float = INTERVAL_SECONDS,
) -> Iterator[None]:
    """Note what is printed of progress inside `with`, in a pod; elsewhere nothing.

    A note that cannot be written is not worth failing for: the next will do.

    Args:
        run_id: The run.
        process_index: Of this process in its step.
        log: Knows the store, once it is open.
        interval_seconds: Between two notes, at least.
    """
    job = os.environ.get(environment.JOB_NAME)
    if not job or environment.POD_NAME not in os.environ:
        yield
        return
    key = layout.progress(run_id, job, process_index)
    reader, done = ProgressReader(sys.stdout), threading.Event()  # type: ignore[arg-type]

    def work() -> None:
        told = ""
        while not done.wait(interval_seconds):
            newest = reader.newest
            if newest != told and log.store is not None:
                with suppress(LccError):
                    log.store.write(key, newest.encode())
                    told = newest

    thread = threading.Thread(target=work, name="progress", daemon=True)
    thread.start()
    try:
        with redirect_stdout(reader):
            yield
    finally:
        done.set()
