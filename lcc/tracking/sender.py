"""Sends to the tracking server what all processes of a run have spooled.

Knows the spool and in which order events count; `mlflow` knows the server. Whoever
drives a run, or asks for its status later, calls `forward`; nobody else does.
"""

import json
import logging
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lcc.errors import LccError
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.server import Metric, RefusedError, TrackingServer
from lcc.tracking.tracker import Event

logger = logging.getLogger(__name__)


@dataclass
class Sender:
    """Forwards the spool of one run, each metric step exactly once.

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
    _has_warned: bool = False

    def forward(self) -> int:
        """Send the events that no earlier call has sent.

        Returns:
            Chunks that still wait, 0 when everything was taken.
        """
        waiting = self._waiting_chunks()
        if not waiting:
            return 0
        try:
            with self.server.session():
                self._send(self._events(waiting))
        except LccError as err:
            self._report_away(err)
            return len(waiting)
        self._mark_sent(waiting)
        return 0

    def finish(self) -> int:
        """Send what is left, then mark trials as killed that never reported their end.

        To be called once no process of the run is left.

        Returns:
            Chunks that still wait; trials are ended only when none does.
        """
        if waiting := self.forward():
            return waiting
        try:
            with self.server.session():
                for trial in self.server.open_trials(self.run_id):
                    now_ms = time.time_ns() // 10**6
                    self.server.ensure_run(self.run_id, trial, start_ms=now_ms)
                    self.server.set_status(self.run_id, trial, "KILLED", time_ms=now_ms)
        except LccError as err:
            self._report_away(err)
        return 0

    def _events(self, keys: Iterable[str]) -> list[Any]:
        events = [event for key in keys for event in self._read(key)]
        return sorted(events, key=lambda event: int(event["time_ms"]))

    def _waiting_chunks(self) -> list[str]:
        prefix = layout.spool_prefix(self.run_id)
        keys = [item.key for item in self.store.list_objects(prefix)]
        chunks = [key for key in keys if key.endswith(".jsonl")]
        if self._sent is None:
            self._sent = self._read_sent()
            for key in self._sent:
                self._remember(self._read(key))
        return [key for key in chunks if key not in self._sent]

    def _read_sent(self) -> set[str]:
        key = layout.spool_sent(self.run_id)
        return (
            set(json.loads(self.store.read(key))) if self.store.exists(key) else set()
        )

    def _mark_sent(self, keys: Iterable[str]) -> None:
        self._sent = (self._sent or set()) | set(keys)
        document = json.dumps(sorted(self._sent)).encode()
        self.store.write(layout.spool_sent(self.run_id), document)

    def _read(self, key: str) -> list[Any]:
        return [json.loads(line) for line in self.store.read(key).splitlines()]

    def _report_away(self, err: LccError) -> None:
        level = logging.INFO if self._has_warned else logging.WARNING  # not every try
        logger.log(level, "event=tracking_away run=%s reason=%s", self.run_id, err)
        self._has_warned = True

    def _remember(self, events: Iterable[Event]) -> None:
        for event in events:
            if event["kind"] == "metrics":
                self._seen.update(_metric_keys(event))

    def _send(self, events: list[Any]) -> None:
        """Send events by run: the run, tags and parameters, metrics, then the rest."""
        taken: set[tuple[str | None, str, int]] = set()
        for trial in dict.fromkeys(event["trial"] for event in events):
            own = [event for event in events if event["trial"] == trial]
            self.server.ensure_run(self.run_id, trial, start_ms=own[0]["time_ms"])
            self._send_values(trial, own)
            self._deliver(
                trial,
                list(self._new_metrics(own, taken)),
                partial(self.server.log_metrics, self.run_id, trial),
            )
        for event in events:
            self._deliver(event["trial"], [event], self._send_other)
        self._seen |= taken

    def _deliver(
        self,
        trial: str | None,
        items: Sequence[Any],
        send: Callable[[Any], None],
    ) -> None:
        """Send items together; where one is refused, find it by halving and log it.

        One report that the server never takes must not hold up all others.
        """
        if not items:
            return
        try:
            send(items)
        except RefusedError as err:
            if len(items) == 1:
                self.server.check_run(self.run_id, trial)
                logger.warning(
                    "event=tracking_refused run=%s trial=%s what=%s reason=%s",
                    *(self.run_id, trial, _shown(items[0]), err),
                )
                return
            middle = len(items) // 2
            self._deliver(trial, items[:middle], send)
            self._deliver(trial, items[middle:], send)

    def _send_values(self, trial: str | None, events: list[Any]) -> None:
        for kind, log in (
            ("params", self.server.log_params),
            ("tags", self.server.set_tags),
        ):
            values: dict[str, str] = {}
            for event in events:
                if event["kind"] == kind:
                    values |= event["values"]
            send = partial(_log_pairs, log, self.run_id, trial)
            self._deliver(trial, list(values.items()), send)

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

    def _send_other(self, events: Sequence[Any]) -> None:
        (event,) = events
        trial = event["trial"]
        match event["kind"]:
            case "status":
                self.server.set_status(
                    self.run_id, trial, event["status"], time_ms=event["time_ms"]
                )
            case "artifact":
                name = event["name"]
                with self._linked({name: event["key"]}) as folder:
                    self.server.log_artifact(self.run_id, trial, name, folder / name)
            case "description":
                text = self.store.read(event["key"]).decode()
                self.server.describe_model(event["model_run"], text)
            case "input":
                names = ("name", "digest", "source", "context")
                self.server.log_input(self.run_id, {n: event[n] for n in names})
            case "model":
                with self._linked(self._model_files(event["parts"])) as folder:
                    self.server.register_model(
                        self.run_id, folder, alias=event["alias"]
                    )

    def _model_files(self, parts: dict[str, str]) -> dict[str, str]:
        """Return where each file of a model lies, by its path in the model's folder."""
        prefix = layout.mlflow_model_prefix(self.run_id)
        keys = [item.key for item in self.store.list_objects(prefix)]
        return {key.removeprefix(prefix): key for key in keys} | parts

    @contextmanager
    def _linked(self, files: dict[str, str]) -> Iterator[Path]:
        """Give a folder of links: path in it → key of an object."""
        with tempfile.TemporaryDirectory() as scratch:
            folder, copies = Path(scratch, "links"), Path(scratch, "copies")
            for name, key in files.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to(self.store.fetch(key, copies).absolute())
            yield folder


def _metric_keys(event: Any) -> set[tuple[str | None, str, int]]:
    return {(event["trial"], name, event["step"]) for name in event["values"]}


def _log_pairs(
    log: Callable[[str, str | None, dict[str, str]], None],
    run_id: str,
    trial: str | None,
    pairs: Sequence[tuple[str, str]],
) -> None:
    log(run_id, trial, dict(pairs))


def _shown(item: object) -> str:
    return textwrap.shorten(repr(item), 200)  # a source may be a listing of files
