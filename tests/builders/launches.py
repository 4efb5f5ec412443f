"""Runs with steps that a test writes itself: entry points in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from lcc.backends.local.backend import LocalBackend
from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.errors import UnavailableError
from lcc.launch.backend import StepStatus
from lcc.launch.driver import RunContext
from lcc.launch.outcome import Outcome
from lcc.launch.plan import Plan, Stage, Step
from lcc.launch.signals import StopRequest
from lcc.launch.state import (
    DriverIdentity,
    RunState,
    RunStatus,
    StepState,
    now,
    this_driver,
)
from lcc.storage.local import LocalStore

HEADER = "import os, sys, time, signal, pathlib\n"


@dataclass
class RecordingDisplay:
    """A `Display` that remembers."""

    said: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    progress: list[tuple[int, int]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.said.append(text)

    def start(self, step: Step) -> None:
        self.started.append(step.name)

    def advance(self, done: int, total: int, *, found: int = 0) -> None:
        if not self.progress or self.progress[-1] != (done, total):
            self.progress.append((done, total))

    def wait(self, reason: str) -> None:
        self.reasons.append(reason)

    def end(self, outcome: Outcome) -> None:
        self.ended.append(outcome.exit_code)


@dataclass
class Ended:
    """A `SubmittedStep` that stood somewhere once, and has ended now."""

    outcome: Outcome
    asked: int = 0
    parting: str = "stopping"

    def describe(self) -> StepStatus:
        self.asked += 1
        ended = self.outcome if self.asked > 1 else None
        return StepStatus(done=1, total=2, reason="a reason", outcome=ended)

    def wait(self) -> None:
        return

    def leave(self, stop: StopRequest) -> Outcome:
        return Outcome(exit_code=stop.exit_code, is_stop=True)


@dataclass(frozen=True)
class TrackingAway:
    """A `TrackingServer` that takes no reports; it may still know the candidate."""

    candidate: str | None = None

    def session(self) -> NoReturn:
        message = "MLflow is away"
        raise UnavailableError(message)

    def find_candidate(self) -> str | None:
        return self.candidate


def do_nothing(run_id: str, step: str) -> None:
    """Do what a step does that leaves nothing."""


@dataclass(frozen=True, kw_only=True)
class ScriptedBackend(LocalBackend):
    """A back end that ends each step as it is told, and remembers what ran.

    `act` is called with run id and step before a step ends.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    act: Callable[[str, str], None] = do_nothing
    ran: list[str] = field(default_factory=list)
    retries: list[bool] = field(default_factory=list)

    @property
    def parallelism(self) -> int:
        return 2

    @contextmanager
    def submit(
        self, step: Step, *, run_id: str, settings: Settings, is_retry: bool
    ) -> Iterator[Ended]:
        self.ran.append(step.name)
        self.retries.append(is_retry)
        self.act(run_id, step.name)
        yield Ended(self.outcomes.get(step.name, Outcome()))


def scripted(
    store: LocalStore, act: Callable[[str, str], None] = do_nothing, **outcomes: Outcome
) -> ScriptedBackend:
    settings = local_settings(store)
    return ScriptedBackend(settings=settings, store=store, act=act, outcomes=outcomes)


def a_context(backend: LocalBackend) -> RunContext:
    """Return a context whose runs keep their reports in the spool."""
    return RunContext(
        backend=backend,
        display=RecordingDisplay(),
        stop=StopRequest(),
        server_of=lambda *_: TrackingAway(),  # type: ignore[return-value]
    )


def a_store(folder: Path) -> LocalStore:
    return LocalStore(folder / "root")


def local_settings(store: LocalStore, **changes: object) -> Settings:
    dotted = {path.replace("__", "."): value for path, value in changes.items()}
    always = {"storage.root": store.uri, "launch.backend": "local"}
    return changed_settings(Settings(), always | dotted)


def a_plan(*steps: Step, stage: Stage = Stage.PREPARE) -> Plan:
    return Plan(stage=stage, steps=steps)


def a_step(name: str = "hash", *, num_processes: int = 1) -> Step:
    return Step(name=name, num_processes=num_processes, parallelism=num_processes)


def a_state(run_id: str = "prepare-20261123-0915-k3f9", **changes: object) -> RunState:
    fields: dict[str, object] = {
        "run_id": run_id,
        "stage": run_id.partition("-")[0],
        "status": RunStatus.DONE,
        "created": now(),
        "ended": now(),
        "driver": this_driver(),
        "steps": [StepState(name="list", status=RunStatus.DONE)],
    }
    return RunState(**fields | changes)  # type: ignore[arg-type]


def a_dead_driver() -> DriverIdentity:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return replace(this_driver(), pid=str(process.pid))


@contextmanager
def entry_points(folder: Path, **sources: str) -> Iterator[None]:
    """Put `jobs/<name>.py` of these sources before the real ones, for new processes."""
    package = folder / "entry" / "jobs"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    for name, source in sources.items():
        (package / f"{name}.py").write_text(HEADER + source)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(package.parent)
    try:
        yield
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before
