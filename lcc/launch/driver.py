"""Walks the steps of one stage, keeps its state, forwards what it reports.

Knows plans and what a back end promises; not how a step is run (`local`), nor the order
of stages (`study`).
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from lcc import __version__
from lcc.config.load import dump_settings
from lcc.config.settings import Settings
from lcc.config.tracking import TrackingSettings
from lcc.launch.display import Display
from lcc.launch.messages import failure
from lcc.launch.mlflow_sync import (
    finish_safely,
    forward_safely,
    forwarding,
    open_sender,
)
from lcc.launch.outcome import Outcome, Watch
from lcc.launch.plan import Plan, Stage, Step
from lcc.launch.progress import StateKeeper
from lcc.launch.signals import StopRequest
from lcc.launch.state import (
    RunState,
    Status,
    StepState,
    create_state,
    new_run_id,
    now,
    this_driver,
    write_state,
)
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.sender import Sender
from lcc.tracking.tracker import MlflowStatus, Tracker

LAST_TRIES = 3  # of sending what is left at the end; `status` sends later what remains


class Backend(Protocol):
    """Where steps run: processes of this machine, or Jobs of a cluster."""

    def run_step(
        self, step: Step, *, run_id: str, watch: Watch, is_retry: bool
    ) -> Outcome:
        """Run all processes of a step to their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One stage about to run.

    Attributes:
        plan: Its steps.
        settings: Fully resolved.
        tracking: How MLflow is reached from here.
        store: The root.
        display: Shows how it goes.
        stop: Whether to stop.
    """

    plan: Plan
    settings: Settings
    tracking: TrackingSettings
    store: Store
    display: Display
    stop: StopRequest


def create_run(launch: Launch) -> RunState:
    """Make a new run: its settings and state; two drivers never share an id."""
    while True:
        state = RunState(
            run_id=new_run_id(launch.plan.stage),
            stage=launch.plan.stage,
            study=launch.settings.launch.study,
            created=now(),
            driver=this_driver(),
            steps=_step_states(launch.plan),
        )
        settings = dump_settings(launch.settings).encode()
        key = layout.run(state.run_id, "settings.yaml")
        if launch.store.create(key, settings) and create_state(launch.store, state):
            return state


def _step_states(plan: Plan) -> list[StepState]:
    if plan.stage is Stage.PIPELINE:  # its stages are runs that have the steps
        return []
    return [StepState(name=s.name, num_indexes=s.num_indexes) for s in plan.steps]


def run_stage(launch: Launch, backend: Backend, state: RunState) -> None:
    """Run the steps of a stage that are not done, in order.

    Guarantees that the state says how it ended, and that no process is left. Attempts
    to bring every report to MLflow; what is left over waits in the spool.

    Raises:
        StepFailed: A step failed for good.
        RunStopped: A signal asked to stop.
    """
    writer = f"driver-{os.getpid()}-{time.time_ns()}"
    sender = open_sender(launch.store, launch.tracking, state.run_id)
    with Tracker(launch.store, run_id=state.run_id, writer=writer) as tracker:
        _report_start(tracker, launch)
        with forwarding(sender):
            outcome = _walk(launch, backend, state)
        if not outcome.goes_on:
            tracker.set_status(_mlflow_status(state))
            tracker.flush()  # first: whoever reads that it is done can send that, too
            write_state(launch.store, state)
    if outcome.goes_on:  # its trials are not dead
        forward_safely(sender)
    else:
        _finish(sender)
    if outcome.exit_code:
        raise failure(state, outcome, launch.settings)


def _finish(sender: Sender) -> None:
    for _ in range(LAST_TRIES):
        if finish_safely(sender) == 0:
            return


def _walk(launch: Launch, backend: Backend, state: RunState) -> Outcome:
    state.driver, state.status, state.ended = this_driver(), Status.RUNNING, None
    state.exit_code = state.message = None
    outcome = Outcome()
    for step, step_state in zip(launch.plan.steps, state.steps, strict=True):
        if step_state.status is Status.DONE:
            continue
        outcome = _run_step(launch, backend, state, step=step, step_state=step_state)
        if outcome.exit_code:
            break
    if outcome.goes_on:  # whoever looks next finds its Jobs, and no driver
        return outcome
    state.status = _status(outcome)
    state.ended = now()
    state.exit_code, state.message = outcome.exit_code, outcome.message
    return outcome


def _run_step(
    launch: Launch,
    backend: Backend,
    state: RunState,
    *,
    step: Step,
    step_state: StepState,
) -> Outcome:
    # A driver that comes back to a step at work learns how it ended; one that was told
    # that it failed tries again.
    is_retry = step_state.status in {Status.FAILED, Status.STOPPED, Status.LOST}
    if step_state.status is not Status.RUNNING:
        step_state.started = now()
    step_state.status, step_state.ended = Status.RUNNING, None
    step_state.exit_code = step_state.message = step_state.log = None
    write_state(launch.store, state)
    launch.display.start(step)
    outcome = backend.run_step(
        step,
        run_id=state.run_id,
        watch=StateKeeper(launch.store, launch.display, state=state, step=step_state),
        is_retry=is_retry,
    )
    launch.display.end(outcome)
    if outcome.goes_on:
        return outcome
    step_state.status, step_state.ended = _status(outcome), now()
    step_state.exit_code, step_state.message = outcome.exit_code, outcome.message
    step_state.reason, step_state.log = "", outcome.log
    return outcome


def _status(outcome: Outcome) -> Status:
    if not outcome.exit_code:
        return Status.DONE
    return Status.STOPPED if outcome.is_stop else Status.FAILED


def _mlflow_status(state: RunState) -> MlflowStatus:
    names: dict[Status, MlflowStatus] = {
        Status.DONE: "FINISHED",
        Status.STOPPED: "KILLED",
    }
    return names.get(state.status, "FAILED")


def _report_start(tracker: Tracker, launch: Launch) -> None:
    settings = launch.settings
    tags = {
        "lcc.stage": str(launch.plan.stage),
        "lcc.study": settings.launch.study,
        "lcc.catalogue": settings.data.catalogue,
        "lcc.code": __version__,
        "lcc.seed": str(settings.train.seed),
    }
    tracker.set_status("RUNNING")
    tracker.set_tags({name: text for name, text in tags.items() if text is not None})
    tracker.log_params(_flatten(settings.model_dump(mode="json"), ""))
    tracker.flush()


def _flatten(values: Mapping[str, object], prefix: str) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and path not in {"search.grid", "data.classes"}:
            flat |= _flatten(value, f"{path}.")
        else:
            flat[path] = value
    return flat
