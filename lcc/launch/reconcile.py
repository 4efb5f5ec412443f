"""Bringing MLflow in line with what is known of runs: the dead do not report."""

import os
import time
from collections.abc import Callable

from lcc.config.settings import Settings
from lcc.launch.mlflow_sync import finish_safely, open_sender
from lcc.launch.pipeline import read_run_settings
from lcc.launch.state import RunState, RunStatus, write_state
from lcc.storage.store import Store
from lcc.tracking.tracker import Tracker


def reconcile(
    store: Store,
    states: list[RunState],
    reachable: Callable[[Settings], Settings],
) -> int:
    """Send what earlier drivers could not; a lost run is reported as killed.

    A run that somebody drives is left to its driver.

    Args:
        store: The root.
        states: The runs as they stand now, Jobs without a driver included.
        reachable: Returns settings whose addresses work from here.

    Returns:
        Chunks of reports that still wait.
    """
    waiting = 0
    for state in states:
        if state.status is RunStatus.RUNNING or not state.steps:
            continue
        if state.status is RunStatus.LOST:
            _report_lost(store, state)
        settings = reachable(read_run_settings(store, state.run_id))
        sender = open_sender(store, settings.tracking, state.run_id)
        waiting += finish_safely(sender) or 0
    return waiting


def _report_lost(store: Store, state: RunState) -> None:
    """Write down that the driver died, once, for the state and for MLflow."""
    writer = f"status-{os.getpid()}-{time.time_ns()}"
    with Tracker(store, run_id=state.run_id, writer=writer) as tracker:
        tracker.set_status("KILLED")
    state.message = state.message or "its driver died; go on with `lcc-launch resume`"
    write_state(store, state)
