"""Killed, cancelled, starved: runs go on or end in order, and nothing is told twice."""

import signal
import time
from datetime import datetime

import pytest

from lcc.launch.state import SILENCE_SECONDS
from tests.cluster.lab import (
    LONG,
    SMALL,
    SMALL_DATA,
    Lab,
    active_pods,
    ended,
    mlflow_run,
    started,
    wait_until,
)

DRIVER_ACCOUNT = "app.kubernetes.io/component=driver"
OURS = "app.kubernetes.io/managed-by=lcc-launch"


def test_a_cancelled_run_leaves_no_pod_no_service_no_running_run(prepared: Lab) -> None:
    run_id = started(prepared, "train", *SMALL, *LONG, "--pods", "2", "--gpus", "1")

    done = prepared.launch("cancel", run_id)

    assert done.returncode == 0, done.stderr
    assert active_pods(prepared, run_id) == []
    wait_until(lambda: not prepared.items("services", OURS), what="services to go")
    run, _ = mlflow_run(prepared, run_id)
    assert run.info.status == "KILLED"
    assert "stopped" in prepared.launch("status", run_id).stdout


@pytest.mark.extended
def test_a_driver_whose_account_was_made_anew_is_replaced(prepared: Lab) -> None:
    """A chart that is installed anew under a run does this; no try is used up."""
    run_id = started(prepared, "prepare", "s3://lcc/sources/tiles", *SMALL_DATA)
    account = prepared.items("serviceaccounts", DRIVER_ACCOUNT)[0]
    prepared.kubectl("delete", "serviceaccount", account["metadata"]["name"])
    for field in ("uid", "resourceVersion", "creationTimestamp"):
        del account["metadata"][field]
    prepared.apply(account)

    assert ended(prepared, run_id) == 0
    drivers = prepared.items("pods", f"lcc.dev/run={run_id},lcc.dev/step=driver")
    ends = [
        pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"]
        for pod in drivers
    ]
    assert sorted(ends) == [0, 75]


@pytest.mark.extended
def test_a_deleted_pod_is_replaced_and_training_goes_on(prepared: Lab) -> None:
    run_id = started(prepared, "train", *SMALL, *LONG)
    (pod,) = [p for p in active_pods(prepared, run_id) if "-train-1-0" in p]

    prepared.kubectl("delete", "pod", pod)

    assert ended(prepared, run_id) == 0
    _, history = mlflow_run(prepared, run_id)
    assert history["train/loss"] == list(range(40))


def test_a_killed_driver_in_the_cluster_is_replaced(prepared: Lab) -> None:
    run_id = started(prepared, "train", *SMALL, *LONG)
    (driver,) = [p for p in active_pods(prepared, run_id) if "-driver-" in p]

    prepared.kubectl("delete", "pod", driver, "--grace-period=0", "--force")

    assert ended(prepared, run_id) == 0
    jobs = prepared.items("jobs", f"lcc.dev/run={run_id},lcc.dev/step=train")
    assert len(jobs) == 1
    run, history = mlflow_run(prepared, run_id)
    assert run.info.status == "FINISHED"
    assert history["train/loss"] == list(range(40))


@pytest.mark.extended
def test_a_killed_launcher_is_resumed_with_the_jobs_that_went_on(prepared: Lab) -> None:
    before = set(prepared.runs())
    process = prepared.start("train", *SMALL, *LONG)
    wait_until(lambda: set(prepared.runs()) - before, what="the run")
    (run_id,) = set(prepared.runs()) - before
    wait_until(lambda: active_pods(prepared, run_id), what="its pod")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert "running" in prepared.launch("status", run_id).stdout

    done = prepared.launch("resume", run_id)

    assert done.returncode == 0, done.stderr
    assert len(prepared.items("jobs", f"lcc.dev/run={run_id}")) == 1


@pytest.mark.extended
def test_the_clean_up_ends_in_mlflow_what_a_killed_launcher_left(prepared: Lab) -> None:
    before = set(prepared.runs())
    process = prepared.start("train", *SMALL, *LONG)
    wait_until(lambda: set(prepared.runs()) - before, what="the run")
    (run_id,) = set(prepared.runs()) - before
    wait_until(lambda: active_pods(prepared, run_id), what="its pod")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    prepared.kubectl("delete", "job", "-l", f"lcc.dev/run={run_id}")
    time.sleep(SILENCE_SECONDS)

    prepared.kubectl("create", "job", "now", "--from=cronjob/lcc-cleanup")
    complete = "--for=condition=complete"
    prepared.kubectl("wait", complete, "job/now", "--timeout=120s")

    run, _ = mlflow_run(prepared, run_id)
    assert run.info.status == "KILLED"


@pytest.mark.extended
def test_ctrl_c_stops_watching_and_says_how_to_end_it(prepared: Lab) -> None:
    before = set(prepared.runs())
    process = prepared.start("train", *SMALL, *LONG)
    wait_until(lambda: set(prepared.runs()) - before, what="the run")
    (run_id,) = set(prepared.runs()) - before
    wait_until(lambda: active_pods(prepared, run_id), what="its pod")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert f"lcc-launch cancel {run_id} -n {prepared.namespace}" in output
    assert prepared.launch("cancel", run_id).returncode == 0


def test_mlflow_killed_in_training_gets_each_step_once(prepared: Lab) -> None:
    run_id = started(prepared, "train", *SMALL, *LONG)
    prepared.kubectl(
        "delete", "pod", "-l", "app.kubernetes.io/component=mlflow",
        "--grace-period=0", "--force",
    )  # fmt: skip

    assert ended(prepared, run_id) == 0
    prepared.kubectl("rollout", "status", "deployment/lcc-mlflow", "--timeout=120s")
    prepared.launch("status", run_id)  # sends what the driver could not
    _, history = mlflow_run(prepared, run_id)
    assert history["train/loss"] == list(range(40))
    assert history["validation/macro_f1"] == list(range(40))


def seconds_between(first: str, second: str) -> float:
    begin, end = map(datetime.fromisoformat, (first, second))
    return (end - begin).total_seconds()


@pytest.mark.extended
def test_a_pod_out_of_memory_says_so_and_which_setting_to_raise(prepared: Lab) -> None:
    done = prepared.launch(
        "train", *SMALL, "--set", "cluster.resources.train.memory=200Mi",
        "--set", "cluster.resources.train.shm=16Mi", seconds=200,
    )  # fmt: skip

    assert done.returncode == 2
    assert "OOMKilled. Raise cluster.resources.train.memory" in done.stderr
    assert "After changing the settings start again" in done.stderr
    run_id = done.stderr.partition("run ")[2].split()[0]
    (pod,) = prepared.items("pods", f"lcc.dev/run={run_id}")  # kept, for its log
    (job,) = prepared.items("jobs", f"lcc.dev/run={run_id}")
    (status,) = pod["status"]["containerStatuses"]
    died = status["state"]["terminated"]["finishedAt"]
    told = [c["lastTransitionTime"] for c in job["status"]["conditions"]]
    assert seconds_between(died, min(told)) <= 15
