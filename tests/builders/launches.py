"""Runs with steps that a test writes itself: entry points in a folder of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.launch.outcome import Outcome
from lcc.launch.plan import Plan, Stage, Step
from lcc.launch.state import RunState, Status, StepState, now, this_driver
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

    def advance(self, done: int, total: int) -> None:
        if not self.progress or self.progress[-1] != (done, total):
            self.progress.append((done, total))

    def wait(self, reason: str) -> None:
        self.reasons.append(reason)

    def end(self, outcome: Outcome) -> None:
        self.ended.append(outcome.exit_code)


def a_store(folder: Path) -> LocalStore:
    return LocalStore(folder / "root")


def local_settings(store: LocalStore, **changes: object) -> Settings:
    dotted = {path.replace("__", "."): value for path, value in changes.items()}
    always = {"storage.root": store.uri, "launch.backend": "local"}
    return changed_settings(Settings(), always | dotted)


def a_plan(*steps: Step, stage: Stage = Stage.PREPARE) -> Plan:
    return Plan(stage=stage, steps=steps)


def a_step(name: str = "hash", *, num_indexes: int = 1) -> Step:
    return Step(name=name, num_indexes=num_indexes, parallelism=num_indexes)


def a_state(run_id: str = "prepare-20261123-0915-k3f9", **changes: object) -> RunState:
    fields: dict[str, object] = {
        "run_id": run_id,
        "stage": run_id.partition("-")[0],
        "status": Status.DONE,
        "created": now(),
        "ended": now(),
        "driver": this_driver(),
        "steps": [StepState(name="list", status=Status.DONE)],
    }
    return RunState(**fields | changes)  # type: ignore[arg-type]


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
