"""Cancels a run: deletes its Jobs, and records that it was cancelled."""

import time
from collections.abc import Callable

from lcc.backends.kubernetes.interface import Cluster, Object
from lcc.backends.kubernetes.jobs import take_inventory
from lcc.backends.kubernetes.labels import DRIVER, select
from lcc.backends.kubernetes.reasons import lost_message
from lcc.backends.kubernetes.status import pod_facts
from lcc.errors import UnavailableError
from lcc.launch.mlflow_sync import ServerOf, finish_run, report_killed
from lcc.launch.state import RunStatus, now, read_state, write_state
from lcc.storage.store import Store

POLL_SECONDS = 0.5
MARGIN_SECONDS = 60  # for the garbage collection of thousands
UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"
MESSAGE = "cancelled"


def delete_jobs(cluster: Cluster, run_ids: list[str]) -> int:
    """Delete the Jobs of runs that have not ended, the driver first.

    What belongs to a Job goes with it.

    Returns:
        Jobs deleted; their pods still have to go.
    """
    found = [job for run in run_ids for job in take_inventory(cluster, run=run).jobs]
    jobs = [job for job in found if not job.facts.is_finished]
    jobs.sort(key=lambda job: job.step != DRIVER)
    for job in jobs:
        cluster.delete("Job", job.facts.name)
    return len(jobs)


def wait_for_pods(
    cluster: Cluster,
    run_ids: list[str],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until no pod of cancelled runs can write any more.

    Finished pods are not waited for: Kubernetes collects thousands in half a minute.

    Args:
        cluster: Where.
        run_ids: The runs.
        clock: Seconds that never go back.
        sleep: Waits so many seconds.

    Raises:
        UnavailableError: A pod is there long after its grace period.
    """
    began = clock()
    while pods := _live_pods(cluster, run_ids):
        told = [pod["metadata"].get("deletionGracePeriodSeconds") for pod in pods]
        waited = clock() - began
        if None not in told and waited > max(told) + MARGIN_SECONDS:
            pod = pod_facts(pods[0])
            message = (
                f"pod {pod.name}: must end in the {max(told)} s after it was deleted, "
                f"got {waited:.0f} s. {lost_message(pod)}"
            )
            raise UnavailableError(message)
        sleep(POLL_SECONDS)


def _live_pods(cluster: Cluster, run_ids: list[str]) -> list[Object]:
    """Return some of the pods that run or may come to run."""
    return [
        pod
        for run in run_ids
        for pod in next(cluster.pages("Pod", select(run=run), UNFINISHED)).items
    ]


def record_cancelled(store: Store, run_id: str, server_of: ServerOf) -> None:
    """Write down that a run was cancelled, for its state and for MLflow.

    A stage that has ended stays as it is.

    Args:
        store: The root.
        run_id: The run.
        server_of: Returns the tracking server of a run's settings.
    """
    state = read_state(store, run_id)
    if state.status in {RunStatus.DONE, RunStatus.FAILED} and state.steps:
        return
    state.status, state.ended, state.exit_code = RunStatus.STOPPED, now(), None
    state.message = MESSAGE
    for step in state.steps:
        if step.status in {RunStatus.RUNNING, RunStatus.LOST}:
            step.status, step.ended, step.reason = RunStatus.STOPPED, now(), ""
    write_state(store, state)
    if state.steps:  # a pipeline has no run of its own
        report_killed(store, run_id)
        finish_run(store, run_id, server_of)
