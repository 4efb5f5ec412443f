"""Ending a run from outside: its Jobs and Services go, its records say so."""

import os
import signal
import time
from collections.abc import Callable

from lcc.config.settings import Settings
from lcc.errors import ConfigError
from lcc.launch.cluster import Cluster
from lcc.launch.forwarding import finish_safely, open_sender
from lcc.launch.inventory import take_inventory
from lcc.launch.labels import DRIVER, select
from lcc.launch.state import RunState, Status, is_driven, now, write_state
from lcc.launch.study import read_run_settings
from lcc.storage.store import Store
from lcc.tracking.tracker import Tracker

POLL_SECONDS = 0.5
MESSAGE = "cancelled"


def cancel_local(state: RunState) -> None:
    """Ask the driver of a run on this machine to stop; it saves and ends all.

    Raises:
        ConfigError: Nothing drives the run here.
    """
    if not is_driven(state) or state.driver.get("host") != os.uname().nodename:
        message = (
            f"run {state.run_id}: must be driven on this machine, got "
            f"{state.status}. There is nothing to cancel."
        )
        raise ConfigError(message)
    os.kill(int(state.driver["pid"]), signal.SIGTERM)


def cancel_jobs(cluster: Cluster, run_ids: list[str]) -> int:
    """Delete all Jobs and Services of runs, the driver first; wait for their pods.

    Returns:
        Jobs deleted.
    """
    jobs = [job for run in run_ids for job in take_inventory(cluster, run=run).jobs]
    jobs.sort(key=lambda job: job.step != DRIVER)
    for job in jobs:
        cluster.delete("Job", job.facts.name)
    for run in run_ids:
        for page in cluster.pages("Service", select(run=run)):
            for service in page.items:
                cluster.delete("Service", service["metadata"]["name"])
    while any(_has_pods(cluster, run) for run in run_ids):
        time.sleep(POLL_SECONDS)
    return len(jobs)


def _has_pods(cluster: Cluster, run_id: str) -> bool:
    return bool(next(cluster.pages("Pod", select(run=run_id))).items)


def record_cancelled(
    store: Store, state: RunState, reach: Callable[[Settings], Settings]
) -> None:
    """Write down that a run was cancelled, for its state and for MLflow."""
    state.status, state.ended = Status.STOPPED, now()
    state.message = MESSAGE
    for step in state.steps:
        if step.status in {Status.RUNNING, Status.LOST}:
            step.status, step.ended, step.reason = Status.STOPPED, now(), ""
    write_state(store, state)
    if not state.steps:  # a pipeline has no run of its own
        return
    writer = f"cancel-{os.getpid()}-{time.time_ns()}"
    with Tracker(store, run_id=state.run_id, writer=writer) as tracker:
        tracker.set_status("KILLED")
    tracking = reach(read_run_settings(store, state.run_id)).tracking
    finish_safely(open_sender(store, tracking, state.run_id))
