"""Runs the steps of one stage in order, keeps its state, sends what it reports.

Knows plans and what a back end promises; not how a step is run, nor the order of stages
(`pipeline`).
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lcc import __version__
from lcc.config.fields import is_mapping
from lcc.config.load import dump_settings
from lcc.config.settings import Settings
from lcc.errors import LccError, UnavailableError
from lcc.launch.backend import Backend, StepStatus, SubmittedStep
from lcc.launch.display import Display, told_reason
from lcc.launch.messages import run_error, score_of
from lcc.launch.mlflow_sync import (
    finish_safely,
    send_safely,
    syncing,
    tracking_server,
)
from lcc.launch.outcome import Outcome
from lcc.launch.plan import Plan, Stage, Step
from lcc.launch.signals import StopRequest
from lcc.launch.state import (
    RunState,
    RunStatus,
    StepState,
    create_state,
    new_run_id,
    now,
    this_driver,
    write_state,
)
from lcc.storage import layout
from lcc.storage.patient import impatient
from lcc.storage.store import Store
from lcc.tracking.sender import Sender
from lcc.tracking.server import TrackingServer
from lcc.tracking.tracker import MlflowStatus, Tracker

logger = logging.getLogger(__name__)

STALE = timedelta(days=1)  # no upload takes that long
STATE_SECONDS = 2.0  # how stale the counts of `status` may be
BEAT_SECONDS = 15.0  # how often the state says that its driver lives
LAST_TRIES = 3  # of sending what is left at the end; `status` sends later what remains


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What every run that this process drives has in common.

    Attributes:
        backend: Where steps run.
        display: Shows how they go.
        stop: Whether to stop.
        server_of: Returns the tracking server that settings name.
    """

    backend: Backend
    display: Display
    stop: StopRequest
    server_of: Callable[[Backend, Settings], TrackingServer] = tracking_server

    @property
    def store(self) -> Store:
        """The root."""
        return self.backend.store


def create_run(store: Store, plan: Plan, settings: Settings) -> RunState:
    """Make a new run: its settings and state; two drivers never share an id."""
    while True:
        state = RunState(
            run_id=new_run_id(plan.stage),
            stage=plan.stage,
            pipeline=settings.launch.pipeline,
            created=now(),
            driver=this_driver(),
            steps=_step_states(plan),
        )
        key = layout.run_settings(state.run_id)
        is_new = store.create(key, dump_settings(settings).encode())
        if is_new and create_state(store, state):
            return state


def _step_states(plan: Plan) -> list[StepState]:
    if plan.stage is Stage.PIPELINE:  # its stages are runs that have the steps
        return []
    return [StepState(name=s.name, num_processes=s.num_processes) for s in plan.steps]


def run_stage(
    context: RunContext, plan: Plan, settings: Settings, *, state: RunState
) -> None:
    """Run the steps of a stage that are not done, in order.

    Guarantees that the state says how it ended, and that no process is left. Attempts
    to bring every report to MLflow; what is left over waits in the spool.

    Args:
        context: Where the steps run.
        plan: The steps.
        settings: Fully resolved.
        state: Of the run; changed in place.

    Raises:
        StepFailed: A step failed for good.
        RunStopped: A signal asked to stop.
    """
    store = context.store
    clean_up(store)
    writer = f"driver-{os.getpid()}-{time.time_ns()}"
    server = context.server_of(context.backend, settings)
    sender = Sender(store=store, server=server, run_id=state.run_id)
    with Tracker(store, run_id=state.run_id, writer=writer) as tracker:
        _report_start(tracker, plan, settings)
        with syncing(sender):
            outcome = _walk(context, plan, settings, state=state)
        if not outcome.goes_on:
            tracker.set_status(_mlflow_status(state))
            tracker.flush()  # first: whoever reads that it is done can send that, too
            if state.status is RunStatus.DONE:
                state.score = score_of(store, plan.stage, state.run_id)
            write_state(store, state)
    if outcome.goes_on:  # its trials are not dead
        send_safely(sender)
    else:
        _finish(sender)
    if outcome.exit_code:
        raise run_error(state, outcome)


def clean_up(store: Store) -> None:
    """Remove what processes killed a day ago left half written; it is no hurry."""
    before = datetime.now(UTC) - STALE
    with suppress(LccError, OSError):  # another time, or never, where it may not
        if count := store.end_stale_uploads(before=before):
            logger.info("event=stale_uploads_ended count=%d", count)


def _finish(sender: Sender) -> None:
    for _ in range(LAST_TRIES):
        if finish_safely(sender) == 0:
            return


def _walk(
    context: RunContext, plan: Plan, settings: Settings, *, state: RunState
) -> Outcome:
    state.driver, state.status, state.ended = this_driver(), RunStatus.RUNNING, None
    state.exit_code = state.message = None
    outcome = Outcome()
    for step, step_state in zip(plan.steps, state.steps, strict=True):
        if step_state.status is RunStatus.DONE:
            continue
        outcome = _run_step(context, step, settings, state=state, step_state=step_state)
        if outcome.exit_code:
            break
    if outcome.goes_on:  # whoever looks next finds its Jobs, and no driver
        return outcome
    state.status = _status(outcome)
    state.ended = now()
    state.exit_code, state.message = outcome.exit_code, outcome.message
    return outcome


def _run_step(
    context: RunContext,
    step: Step,
    settings: Settings,
    *,
    state: RunState,
    step_state: StepState,
) -> Outcome:
    # A driver that comes back to a step at work learns how it ended; one that was told
    # that it failed tries again.
    is_retry = step_state.status in {
        RunStatus.FAILED,
        RunStatus.STOPPED,
        RunStatus.LOST,
    }
    if step_state.status is not RunStatus.RUNNING:
        step_state.started = now()
    step_state.status, step_state.ended = RunStatus.RUNNING, None
    step_state.exit_code = step_state.message = step_state.log = None
    write_state(context.store, state)
    context.display.start(step)
    recorder = ProgressRecorder(
        context.store, context.display, state=state, step=step_state
    )
    with context.backend.submit(
        step, run_id=state.run_id, settings=settings, is_retry=is_retry
    ) as submitted:
        outcome = await_end(
            submitted, recorder.record, context.stop, say=context.display.say
        )
    context.display.end(outcome)
    if outcome.goes_on:
        return outcome
    step_state.status, step_state.ended = _status(outcome), now()
    step_state.exit_code, step_state.message = outcome.exit_code, outcome.message
    step_state.reason, step_state.log = "", outcome.log
    return outcome


class ProgressRecorder:
    """Shows how a step goes, and keeps the state that others read fresh."""

    def __init__(
        self, store: Store, display: Display, *, state: RunState, step: StepState
    ) -> None:
        self._store, self._display = store, display
        self._state, self._step = state, step
        self._written = time.monotonic()
        self._told = {"", told_reason(step.reason)}

    def record(self, status: StepStatus) -> None:
        """Show how the step stands, and write it down now and then."""
        self._display.advance(status.done, status.total, found=status.found)
        step = self._step
        if (reason := told_reason(status.reason)) not in self._told:
            self._told.add(reason)
            self._display.wait(status.reason)
        now = (status.done, status.total, status.reason)
        is_new = now != (step.done, step.total, step.reason)
        step.done, step.total, step.reason = now
        age = time.monotonic() - self._written
        if age > BEAT_SECONDS or (is_new and age > STATE_SECONDS):
            self._write()

    def _write(self) -> None:
        """Write the state; a store that is away for a while costs only freshness."""
        self._state.driver = this_driver()
        with suppress(UnavailableError):
            write_state(impatient(self._store), self._state)
        self._written = time.monotonic()


def await_end(
    submitted: SubmittedStep,
    record: Callable[[StepStatus], None],
    stop: StopRequest,
    *,
    say: Callable[[str], None],
) -> Outcome:
    """Return how a step ended, or how it is left where this process must stop.

    Args:
        submitted: The step at work.
        record: Told how it stands, now and then and at its end.
        stop: Whether to stop.
        say: Tells the user something at once.
    """
    while not stop:
        status = submitted.describe()
        record(status)
        if status.outcome is not None:
            return status.outcome
        submitted.wait()
    say(submitted.parting)
    return submitted.leave(stop)


def _status(outcome: Outcome) -> RunStatus:
    if not outcome.exit_code:
        return RunStatus.DONE
    return RunStatus.STOPPED if outcome.is_stop else RunStatus.FAILED


def _mlflow_status(state: RunState) -> MlflowStatus:
    names: dict[RunStatus, MlflowStatus] = {
        RunStatus.DONE: "FINISHED",
        RunStatus.STOPPED: "KILLED",
    }
    return names.get(state.status, "FAILED")


def _report_start(tracker: Tracker, plan: Plan, settings: Settings) -> None:
    tags = {
        "lcc.stage": str(plan.stage),
        "lcc.pipeline": settings.launch.pipeline,
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
        if isinstance(value, dict) and not is_mapping(path):
            flat |= _flatten(value, f"{path}.")
        else:
            flat[path] = value
    return flat
