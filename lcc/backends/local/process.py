"""One process of a step on this machine: started, listened to, ended."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lcc.config import environment
from lcc.config.storage import StorageSettings
from lcc.errors import UnavailableError
from lcc.launch.outcome import describe_exit
from lcc.launch.plan import Step
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import local_path, scheme_of
from lcc.tracking.progress import parse_progress, parse_wait

logger = logging.getLogger(__name__)

ERROR_PREFIX = "error "  # `jobs.entry` prints its one message so, as JSON
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOrder:
    """What a process is told.

    Attributes:
        step: The step.
        run_id: The run.
        settings_uri: Where its settings lie.
        index: Which of the step's processes it is.
    """

    step: Step
    run_id: str
    settings_uri: str
    index: int

    @property
    def command(self) -> list[str]:
        """Command line of the process."""
        return [
            # -P: a file in the working folder must not shadow a module
            *(sys.executable, "-P", "-m", self.step.module),
            *("--settings", self.settings_uri),
            *("--run", self.run_id),
            *("--process-index", str(self.index)),
            *("--num-processes", str(self.step.num_processes)),
        ]

    @property
    def log_key(self) -> str:
        """Key of the process' log."""
        return layout.process_log(self.run_id, self.step.name, self.index)


def process_environment(
    step: Step, storage: StorageSettings, *, num_cores: int
) -> dict[str, str]:
    """Return the environment of a step's processes.

    P processes at once get a P-th of the cores each: libraries that take all of them
    would slow each other down.
    """
    threads = str(max(1, num_cores // step.parallelism))
    endpoint = storage.endpoint_url
    return {
        **os.environ,
        **dict.fromkeys(THREADS, threads),
        "TF_NUM_INTEROP_THREADS": "1" if step.parallelism > 1 else "2",
        environment.TF_LOG_LEVEL: os.environ.get(environment.TF_LOG_LEVEL, "2"),
        "PYTHONUNBUFFERED": "1",
        environment.PLOT_BACKEND: "Agg",
        environment.DRIVER_PID: str(os.getpid()),
        **({environment.S3_ENDPOINT: endpoint} if endpoint else {}),
    }


@dataclass(kw_only=True, eq=False)
class Process:
    """A running process, as `start_process` gives it.

    Attributes:
        order: What it was told.
        store: The root, for the log.
        log: File that takes its stderr.
        popen: The process itself.
        done: Units of work done.
        found: Of these, how many were done when it began.
        total: Units of work in all, 0 until it says so.
        waits: What it waits for, empty where it goes on.
    """

    order: ProcessOrder
    store: Store
    log: Path
    popen: "subprocess.Popen[bytes]"
    done: int = 0
    found: int = 0
    total: int = 0
    waits: str = ""
    _error: str | None = None
    _reader: threading.Thread | None = None

    def listen(self) -> None:
        """Begin to read its stdout, for progress and its error."""
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def poll(self) -> int | None:
        """Return the exit code once the process has ended and all was read."""
        code = self.popen.poll()
        if code is not None and self._reader is not None:
            self._reader.join()
        return code

    def terminate(self) -> None:
        """Ask the process to save and end."""
        self.popen.terminate()

    def kill(self) -> None:
        """End the process at once."""
        self.popen.kill()

    def store_log(self) -> None:
        """Bring the log to the store where it is not there already.

        One that cannot be brought there is not worth failing for.
        """
        if scheme_of(self.store.uri) == "file":
            return
        try:
            self.store.upload(self.order.log_key, self.log)
        except UnavailableError as err:
            logger.warning("event=log_kept file=%s reason=%s", self.log, err)
        else:
            self.log.unlink()

    def error(self, code: int) -> str:
        """Return the one message about how the process failed."""
        if self._error is not None:
            return self._error
        return describe_exit(code, _last_line(self.log))

    def _listen(self) -> None:
        stream = self.popen.stdout
        if stream is None:
            return
        with stream:
            for raw in stream:
                self._take(raw.decode(errors="replace").rstrip("\n"))

    def _take(self, line: str) -> None:
        if line.startswith(ERROR_PREFIX):
            self._error = str(json.loads(line.removeprefix(ERROR_PREFIX)))
        elif (waits := parse_wait(line)) is not None:
            self.waits = waits
        elif progress := parse_progress(line):
            self.done, self.total, self.found = progress


def start_process(
    order: ProcessOrder, *, store: Store, environment: Mapping[str, str]
) -> Process:
    """Start a process of a step.

    Its stdout is read for progress and its error, its stderr goes to its log: in place
    under a root that is a folder, else uploaded when it ends.

    Args:
        order: What it is told.
        store: The root, for the log.
        environment: Of the process.
    """
    log = _log_path(store, order.log_key)
    with log.open("ab") as stderr:
        # A session of its own: Ctrl-C reaches the driver, who stops all in order.
        popen = subprocess.Popen(  # noqa: S603 - our own entry point
            order.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=dict(environment),
            start_new_session=True,
        )
    process = Process(order=order, store=store, log=log, popen=popen)
    process.listen()
    return process


def _log_path(store: Store, key: str) -> Path:
    if scheme_of(store.uri) == "file":
        path = local_path(store.uri) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
    handle, name = tempfile.mkstemp(prefix="lcc-log-")
    os.close(handle)
    return Path(name)


def _last_line(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))  # enough for one line
        lines = file.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
