"""The one sender: forwards what all processes of a run have spooled.

Knows the spool and in which order events count; `mlflow` knows the server. Whoever
drives a run, or asks for its status later, calls `forward`; nobody else does.
"""

import json
import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lcc.errors import LccError
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.tracker import Event

logger = logging.getLogger(__name__)

Metric = tuple[str, float, int, int]  # name, value, time in milliseconds, step


class TrackingServer(Protocol):
    """What the sender needs of a tracking server; runs are named by our own ids."""

    def ensure_run(self, run_id: str, trial: str | None, *, start_ms: int) -> None:
        """Find or create the run."""

    def log_metrics(
        self, run_id: str, trial: str | None, metrics: list[Metric]
    ) -> None:
        """Add metrics; a row that is there already is not added again."""

    def log_params(
        self, run_id: str, trial: str | None, params: dict[str, str]
    ) -> None:
        """Set parameters."""

    def set_tags(self, run_id: str, trial: str | None, tags: dict[str, str]) -> None:
        """Set tags."""

    def set_status(self, run_id: str, trial: str | None, status: str) -> None:
        """Set the run's state."""

    def log_artifact(
        self, run_id: str, trial: str | None, name: str, file: Path
    ) -> None:
        """Upload one file as artifact `name`."""

    def log_input(self, run_id: str, fields: dict[str, str]) -> None:
        """Add a data set to the run's inputs."""

    def register_model(self, run_id: str, folder: Path, *, alias: str) -> None:
        """Register the model folder once, and move the alias to it."""


@dataclass
class Sender:
    """Forward the spool of one run, each metric step exactly once.

    Attempts to send at once; what a server that is away did not take is sent by a later
    call, also of another process. Never raises because of the server.

    Attributes:
        store: The root.
        server: Where to.
        run_id: Whose spool.
    """

    store: Store
    server: TrackingServer
    run_id: str
    _seen: set[tuple[str | None, str, int]] = field(default_factory=set)
    _sent: set[str] | None = None
    _is_away: bool = False

    def forward(self) -> int:
        """Send what is new.

        Returns:
            Chunks that still wait, 0 when everything was taken.
        """
        waiting = self._waiting_chunks()
        if not waiting:
            return 0
        events = sorted(
            (event for key in waiting for event in self._read(key)),
            key=lambda event: int(event["time_ms"]),
        )
        try:
            self._send(events)
        except LccError as err:
            self._report_away(err)
            return len(waiting)
        self._is_away = False
        self._mark_sent(waiting)
        return 0

    def _waiting_chunks(self) -> list[str]:
        prefix = layout.run(self.run_id, "spool/")
        keys = [item.key for item in self.store.list_objects(prefix)]
        chunks = [key for key in keys if key.endswith(".jsonl")]
        if self._sent is None:
            self._sent = self._read_sent()
            for key in self._sent:
                self._remember(self._read(key))
        return [key for key in chunks if key not in self._sent]

    def _read_sent(self) -> set[str]:
        key = layout.run(self.run_id, "spool/sent.json")
        return (
            set(json.loads(self.store.read(key))) if self.store.exists(key) else set()
        )

    def _mark_sent(self, keys: Iterable[str]) -> None:
        self._sent = (self._sent or set()) | set(keys)
        document = json.dumps(sorted(self._sent)).encode()
        self.store.write(layout.run(self.run_id, "spool/sent.json"), document)

    def _read(self, key: str) -> list[Any]:
        return [json.loads(line) for line in self.store.read(key).splitlines()]

    def _report_away(self, err: LccError) -> None:
        if not self._is_away:  # once per absence, not at every try
            logger.warning("event=tracking_away run=%s reason=%s", self.run_id, err)
        self._is_away = True

    def _remember(self, events: Iterable[Event]) -> None:
        for event in events:
            if event["kind"] == "metrics":
                self._seen.update(_metric_keys(event))

    def _send(self, events: list[Any]) -> None:
        """Send events grouped by run: runs, tags and parameters, metrics, the rest."""
        taken: set[tuple[str | None, str, int]] = set()
        for trial in dict.fromkeys(event["trial"] for event in events):
            own = [event for event in events if event["trial"] == trial]
            self.server.ensure_run(self.run_id, trial, start_ms=own[0]["time_ms"])
            self._send_values(trial, own)
            metrics = list(self._new_metrics(own, taken))
            if metrics:
                self.server.log_metrics(self.run_id, trial, metrics)
        for event in events:
            self._send_other(event)
        self._seen |= taken

    def _send_values(self, trial: str | None, events: list[Any]) -> None:
        for kind, send in (
            ("params", self.server.log_params),
            ("tags", self.server.set_tags),
        ):
            values: dict[str, str] = {}
            for event in events:
                if event["kind"] == kind:
                    values |= event["values"]
            if values:
                send(self.run_id, trial, values)

    def _new_metrics(
        self, events: list[Any], taken: set[tuple[str | None, str, int]]
    ) -> Iterator[Metric]:
        for event in events:
            if event["kind"] != "metrics":
                continue
            for key in _metric_keys(event):
                if key not in self._seen and key not in taken:
                    taken.add(key)
                    _, name, step = key
                    yield name, event["values"][name], event["time_ms"], step

    def _send_other(self, event: Any) -> None:
        trial = event["trial"]
        match event["kind"]:
            case "status":
                self.server.set_status(self.run_id, trial, event["status"])
            case "artifact":
                with tempfile.TemporaryDirectory() as scratch:
                    key = layout.run(self.run_id, f"artifacts/{event['name']}")
                    file = self.store.fetch(key, Path(scratch))
                    self.server.log_artifact(self.run_id, trial, event["name"], file)
            case "input":
                names = ("name", "digest", "source", "context")
                self.server.log_input(self.run_id, {n: event[n] for n in names})
            case "model":
                with self._model_folder() as folder:
                    self.server.register_model(
                        self.run_id, folder, alias=event["alias"]
                    )

    @contextmanager
    def _model_folder(self) -> Iterator[Path]:
        prefix = layout.run(self.run_id, "mlflow-model/")
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch, "model")
            for item in self.store.list_objects(prefix):
                path = folder / item.key.removeprefix(prefix)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.store.read(item.key))
            yield folder


def _metric_keys(event: Any) -> set[tuple[str | None, str, int]]:
    return {(event["trial"], name, event["step"]) for name in event["values"]}
