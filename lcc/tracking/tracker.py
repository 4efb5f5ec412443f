"""Reports of one process about its run, as events spooled to the object store.

Knows the form of an event and of the spool; not MLflow, and not who forwards it
(`sender`). Each event carries its own time: forwarding it twice changes nothing.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from lcc.errors import UnavailableError
from lcc.storage import layout
from lcc.storage.store import Store

MlflowStatus = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
Event = dict[str, object]


class Tracker:
    """The reports of one process of a run, spooled; flushed on exit from `with`.

    Guarantees that a call never fails because a server is away: events wait in memory
    and, after `flush`, below `runs/<run id>/spool/`. `trial=None` is the stage's run,
    a name is a child run.

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
        self._writer = writer
        self._clock_ms = clock_ms
        self._events: list[Event] = []
        self._num_chunks = 0
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
        """Flush what is left, also after an error."""
        try:
            self.flush()
        except UnavailableError:
            if error is None:  # the first error is the one to show
                raise

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

    def log_artifact(
        self, name: str, content: bytes | Path, *, trial: str | None = None
    ) -> None:
        """Keep a file at `runs/<run id>/artifacts/<name>` and report it.

        A child run's file lies at `runs/<run id>/trial-artifacts/<trial>/<name>`.

        Args:
            name: Path below the run's artifacts.
            content: The bytes, or a file that holds them.
            trial: Child run, or none for the stage's run.
        """
        key = layout.artifact(self._run_id, trial, name)
        if isinstance(content, Path):
            self._store.upload(key, content)
        else:
            self._store.write(key, content)
        self._add("artifact", trial, name=name)

    def log_model(self, folder: Path, *, alias: str = "candidate") -> None:
        """Report an MLflow model folder, to be registered once under `alias`."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            self._store.upload(layout.mlflow_model_file(self._run_id, name), path)
        self._add("model", None, alias=alias)

    def log_input(self, *, name: str, digest: str, source: str, context: str) -> None:
        """Report a data set that the run reads, for lineage."""
        fields = {"name": name, "digest": digest, "source": source, "context": context}
        self._add("input", None, **{key: _text(value) for key, value in fields.items()})

    def set_status(self, status: MlflowStatus, *, trial: str | None = None) -> None:
        """Report that a run goes on or has ended."""
        self._add("status", trial, status=status)

    def flush(self) -> None:
        """Write the events so far as one object; never over one that is there."""
        with self._lock:
            if not self._events:
                return
            lines = "".join(f"{json.dumps(event)}\n" for event in self._events)
            while not self._store.create(self._next_chunk(), lines.encode()):
                pass  # an earlier process had this writer's name: take the next number
            self._events.clear()

    def _next_chunk(self) -> str:
        key = layout.spool_chunk(self._run_id, self._writer, self._num_chunks)
        self._num_chunks += 1
        return key

    def _add(self, kind: str, trial: str | None, **fields: object) -> None:
        event = {"kind": kind, "trial": trial, "time_ms": self._clock_ms()}
        with self._lock:
            self._events.append(event | fields)


def _text(value: object) -> str:
    """Return text that UTF-8 can hold; bytes of a path that are no text are escaped."""
    return str(value).encode("utf-8", "backslashreplace").decode()
