"""Reports of one process about its run, as events spooled to the object store.

Knows the form of an event; not how it comes to the store (`spool`), not MLflow, and not
who forwards it (`sender`). Each event carries its own time: forwarding it twice changes
nothing.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from lcc.errors import LccError
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.spool import Spool

logger = logging.getLogger(__name__)

LOGGED = "mlflow.loggedArtifacts"  # the tag by which MLflow knows tables
LAST_SECONDS = 20.0  # for the last reports of a process that ends with an error

MlflowStatus = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
Event = dict[str, object]


class Tracker:
    """The reports of one process of a run, spooled; flushed on exit from `with`.

    Guarantees that a report never fails or waits because a server is away: events are
    kept in memory, after `flush_soon` on the local disk, and from there they come to
    `runs/<run id>/spool/`. `trial=None` is the stage's run, a name is a child run.

    Args:
        store: The root.
        run_id: Run that is reported on.
        writer: Name of this process, unique over all attempts.
        clock_ms: Milliseconds since the epoch, UTC.
    """

    def __init__(
        self,
        store: Store,
        *,
        run_id: str,
        writer: str,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 10**6,
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._clock_ms = clock_ms
        self._events: list[Event] = []
        self._spool = Spool(store, run_id=run_id, writer=writer)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Return the tracker itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Flush what is left; after an error it is not waited for long.

        What cannot be sent is lost, and said: the work itself is done.
        """
        seconds = None if error is None else LAST_SECONDS
        try:
            self.flush_soon()
            num_lost = self._spool.deliver(seconds=seconds)
        except LccError as err:
            logger.warning("event=reports_lost run=%s reason=%s", self._run_id, err)
        else:
            if num_lost:
                logger.warning(
                    "event=reports_lost run=%s chunks=%d", self._run_id, num_lost
                )
        finally:
            self._spool.close()

    def log_params(
        self, params: Mapping[str, object], *, trial: str | None = None
    ) -> None:
        """Report parameters; values are written as text."""
        values = {name: _text(value) for name, value in params.items()}
        self._add("params", trial, values=values)

    def set_tags(self, tags: Mapping[str, str], *, trial: str | None = None) -> None:
        """Report tags."""
        values = {name: _text(value) for name, value in tags.items()}
        self._add("tags", trial, values=values)

    def log_metrics(
        self, metrics: Mapping[str, float], *, step: int = 0, trial: str | None = None
    ) -> None:
        """Report metrics named `<split>/<metric>` at one step.

        Of several reports of one metric at one step, as a resumed training makes, the
        first counts.
        """
        values = {name: float(value) for name, value in metrics.items()}
        self._add("metrics", trial, values=values, step=int(step))  # NumPy's too

    def log_artifact(self, name: str, key: str, *, trial: str | None = None) -> None:
        """Report an object of the store as an artifact; it is kept there alone.

        Args:
            name: Path below the run's artifacts.
            key: Of the object, which must be written by now.
            trial: Child run, or none for the stage's run.
        """
        self._add("artifact", trial, name=name, key=key)

    def log_table(self, name: str, key: str) -> None:
        """Report an artifact that MLflow shows as a table, and `load_table` reads.

        Args:
            name: Path below the run's artifacts; a run has one such table.
            key: Of JSON with `columns` and rows as `data`, written by now.
        """
        self.log_artifact(name, key)
        self.set_tags({LOGGED: json.dumps([{"path": name, "type": "table"}])})

    def log_model(
        self,
        folder: Path,
        *,
        parts: Mapping[str, str] | None = None,
        alias: str = "candidate",
    ) -> None:
        """Report an MLflow model folder, to be registered once under `alias`.

        Args:
            folder: Whose files are kept below the run, small ones.
            parts: Path below the folder → key of an object that lies there already,
                as the network itself does; such a file need not be in the folder.
            alias: Of the version.
        """
        parts = parts or {}
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            if name not in parts:
                self._store.upload(layout.mlflow_model_file(self._run_id, name), path)
        self._add("model", None, alias=alias, parts=dict(parts))

    def log_description(self, model_run: str, key: str) -> None:
        """Report the description of the model version that a train run made.

        Args:
            model_run: The train run.
            key: Of the text, Markdown in UTF-8, which must be written by now.
        """
        self._add("description", None, model_run=model_run, key=key)

    def log_input(self, *, name: str, digest: str, source: str, context: str) -> None:
        """Report a data set that the run reads, for lineage."""
        fields = {"name": name, "digest": digest, "source": source, "context": context}
        self._add("input", None, **{key: _text(value) for key, value in fields.items()})

    def set_status(self, status: MlflowStatus, *, trial: str | None = None) -> None:
        """Report that a run goes on or has ended."""
        self._add("status", trial, status=status)

    def flush_soon(self) -> None:
        """Have the events so far written, in the background; waits for nobody."""
        with self._lock:
            if not self._events:
                return
            lines = "".join(f"{json.dumps(event)}\n" for event in self._events)
            try:
                self._spool.put(lines.encode())
            except OSError as err:  # the disk is full: they stay in memory
                logger.warning("event=spool_full run=%s reason=%s", self._run_id, err)
                return
            self._events.clear()

    def flush(self) -> None:
        """Write the events so far, and return once they are in the store.

        Raises:
            LccError: The store is away, or refuses; they are kept for the next call.
        """
        self.flush_soon()
        self._spool.deliver()

    def _add(self, kind: str, trial: str | None, **fields: object) -> None:
        event = {"kind": kind, "trial": trial, "time_ms": self._clock_ms()}
        with self._lock:
            self._events.append(event | fields)


def _text(value: object) -> str:
    """Return text that UTF-8 can hold; bytes of a path that are no text are escaped."""
    return str(value).encode("utf-8", "backslashreplace").decode()
