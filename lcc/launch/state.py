"""The state of a run: `state.json`, written by its driver, read by everybody.

Knows whether a driver lives; not what a run does.
"""

import json
import logging
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

from lcc.config.commands import command_line
from lcc.config.load import changed_settings, dump_settings, parse_settings
from lcc.config.settings import Settings
from lcc.errors import DataError, NotFoundError
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri

logger = logging.getLogger(__name__)

# A driver elsewhere says every 15 s that it lives; a minute of silence, and it is dead.
SILENCE_SECONDS = 60.0
DIED = "its driver died"  # the note of a run that is lost
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # base32: no letter looks like a digit


class RunStatus(StrEnum):
    """Status of a run or step."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"  # by a signal, all work saved; `resume` goes on
    LOST = "lost"  # its driver died; `resume` goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverIdentity:
    """Who drives a run, so that others can tell whether it lives.

    Attributes:
        pid: Process id.
        start: When the process started, in clock ticks: process ids come again.
        host: Where.
        beat: When it was last heard of, ISO 8601.
    """

    pid: str
    start: str
    host: str
    beat: str


@dataclass(slots=True, kw_only=True)
class StepState:
    """State of one step; times are ISO 8601, UTC."""

    name: str
    status: RunStatus = RunStatus.WAITING
    done: int = 0
    total: int = 0
    num_processes: int = 1
    reason: str = ""  # why it waits, empty where it runs
    running: dict[str, str] = field(default_factory=dict)  # process → done/total
    started: str | None = None
    ended: str | None = None
    exit_code: int | None = None
    message: str | None = None
    log: str | None = None


@dataclass(slots=True, kw_only=True)
class RunState:
    """State of one run.

    Attributes:
        run_id: The run.
        stage: What was launched.
        pipeline: The pipeline run it belongs to, if any.
        steps: In order; none for a pipeline.
        stages: Of a pipeline: stage → run id, in order, as far as started.
        score: Macro F1 of what it made, 0 to 1: over folds, of the validation or of the
            test split, as its stage has it; of a pipeline that of its last evaluation.
        driver: Who drives it, or drove it last.
    """

    run_id: str
    stage: str
    pipeline: str | None = None
    status: RunStatus = RunStatus.RUNNING
    created: str = ""
    ended: str | None = None
    exit_code: int | None = None
    message: str | None = None
    steps: list[StepState] = field(default_factory=list)
    stages: dict[str, str] = field(default_factory=dict)
    score: float | None = None
    driver: DriverIdentity
    format: int = layout.FORMAT_VERSION

    @property
    def note(self) -> str:
        """What is said of the run, empty where nothing is."""
        return self.message or (DIED if self.status is RunStatus.LOST else "")


def new_run_id(stage: str, *, now: datetime | None = None) -> str:
    """Return a run id that nobody has: stage, minute (UTC), four random letters."""
    moment = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M")
    return f"{stage}-{moment}-{''.join(secrets.choice(ALPHABET) for _ in range(4))}"


def now() -> str:
    """Return the present moment as ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def this_driver() -> DriverIdentity:
    """Return the identity of this process."""
    pid = str(os.getpid())
    return DriverIdentity(
        pid=pid, start=_start_mark(pid), host=socket.gethostname(), beat=now()
    )


def write_state(store: Store, state: RunState) -> None:
    """Write the state of a run."""
    store.write(layout.run_state(state.run_id), _document(state))


def create_state(store: Store, state: RunState) -> bool:
    """Write the state unless the run exists; return whether it was written."""
    return store.create(layout.run_state(state.run_id), _document(state))


def _document(state: RunState) -> bytes:
    """Return what is stored: all but what is true for a moment only."""
    document = asdict(state)
    for step in document["steps"]:
        del step["running"]
    return json.dumps(document, indent=1).encode()


def read_state(store: Store, run_id: str) -> RunState:
    """Return the state of a run; `lost` where its driver on this machine is dead.

    Raises:
        NotFoundError: There is no such run; names near ones.
        DataError: It was written by another version.
    """
    key = layout.run_state(run_id)
    if not store.exists(key):
        raise NotFoundError(_no_such_run(store, run_id))
    document = json.loads(store.read(key))
    if document.get("format") != layout.FORMAT_VERSION:
        message = (
            f"{run_id}: must have format {layout.FORMAT_VERSION}, got "
            f"{document.get('format')}. Use the version of lcc that made it, or run "
            "the stage again under another --root."
        )
        raise DataError(message)
    state = _from_document(document)
    for step in state.steps:
        step.log = _log_here(store, run_id, step.log)
    if state.status is RunStatus.RUNNING and not _is_driven_anywhere(store, state):
        state.status = RunStatus.LOST
        for step in state.steps:
            if step.status is RunStatus.RUNNING:
                step.status = RunStatus.LOST
    return state


def _log_here(store: Store, run_id: str, log: str | None) -> str | None:
    """Return where a log lies now: the root may have been moved."""
    prefix = layout.logs_prefix(run_id)
    _, found, rest = (log or "").partition(prefix)
    return f"{store.uri}/{prefix}{rest}" if found else log


def read_run_settings(store: Store, run_id: str) -> Settings:
    """Return the settings that a run was made with; its root may have been moved."""
    key = layout.run_settings(run_id)
    settings = parse_settings(
        store.read(key).decode(), source=shown_uri(store.uri, key)
    )
    return changed_settings(settings, {"storage.root": store.uri})


def keep_settings(store: Store, run_id: str, settings: Settings) -> None:
    """Have the steps of a run find the settings, where others are written down."""
    key, text = layout.run_settings(run_id), dump_settings(settings).encode()
    if store.read(key) != text:
        store.write(key, text)


def _is_driven_anywhere(store: Store, state: RunState) -> bool:
    """Return whether a run, or the stage that a pipeline has come to, has a driver."""
    if is_driven(state):
        return True
    if not state.stages:
        return False
    last = list(state.stages.values())[-1]
    return read_state(store, last).status is RunStatus.RUNNING


def read_states(store: Store) -> list[RunState]:
    """Return the state of every run, oldest first; of another format's a warning."""
    states = []
    for run_id in run_ids(store):
        try:
            states.append(read_state(store, run_id))
        except DataError as err:
            logger.warning("event=run_skipped reason=%s", err)
    return sorted(states, key=lambda state: (state.created, state.run_id))


def run_ids(store: Store) -> Iterator[str]:
    """Yield the id of every run under the root."""
    for item in store.list_objects(layout.RUNS_PREFIX):
        if run_id := layout.run_of_state(item.key):
            yield run_id


def is_driven(state: RunState) -> bool:
    """Return whether the driver lives; one elsewhere must have been heard of lately."""
    return lives(state.driver)


def lives(driver: DriverIdentity) -> bool:
    """Return whether a process lives; one elsewhere must have been heard of lately."""
    if not is_here(driver):
        return silence_of(driver) < SILENCE_SECONDS
    return _start_mark(driver.pid) == driver.start != ""


def is_here(driver: DriverIdentity) -> bool:
    """Return whether a process is, or was, one of this machine."""
    return driver.host == socket.gethostname()


def silence_of(driver: DriverIdentity) -> float:
    """Return the seconds since a process was last heard of."""
    beat = datetime.fromisoformat(driver.beat)
    return (datetime.now(UTC) - beat).total_seconds()


def _start_mark(pid: str) -> str:
    """Return when a process started, in clock ticks: process ids come again."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _is_alive(int(pid))
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _is_alive(pid: int) -> str:
    """Return a mark for machines without /proc: alive or not."""
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return "alive"


def _from_document(document: dict[str, Any]) -> RunState:
    steps = [
        StepState(**{**step, "status": RunStatus(step["status"])})
        for step in document["steps"]
    ]
    status = RunStatus(document["status"])
    driver = DriverIdentity(**document["driver"])
    return RunState(**{**document, "steps": steps, "status": status, "driver": driver})


def _no_such_run(store: Store, run_id: str) -> str:
    known = list(run_ids(store))
    near = get_close_matches(run_id, known, n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]}?" if near else f"Runs: {command_line('list')}"
    root = shown_uri(store.uri)
    return f"run {run_id}: must exist under {root}, got no such run. {hint}"
