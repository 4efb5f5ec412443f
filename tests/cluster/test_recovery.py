"""Killed, cancelled, starved: runs go on or end in order, and nothing is told twice."""

import signal
from typing import Any

import pytest

from tests.cluster.conftest import SMALL, Lab, wait_until

LONG = ("--epochs", "40", "--set", "train.early_stopping_patience=null")
OURS = "app.kubernetes.io/managed-by=lcc-launch"


def active_pods(lab: Lab, run_id: str) -> list[str]:
    return [
        pod["metadata"]["name"]
        for pod in lab.items("pods", f"lcc.dev/run={run_id}")
        if pod["status"]["phase"] in {"Pending", "Running"}
    ]


def started(lab: Lab, *arguments: str) -> str:
    """Start a detached run; return its id once a pod of a step runs."""
    done = lab.launch(*arguments, "--detach")
    assert done.returncode == 0, done.stderr
    run_id = done.stdout.split()[0]
    selector = f"lcc.dev/run={run_id},lcc.dev/step!=driver"

    def is_running() -> bool:
        pods = lab.items("pods", selector)
        return any(pod["status"]["phase"] == "Running" for pod in pods)

    wait_until(is_running, seconds=90, what=f"a pod of {run_id}")
    return run_id


def ended(lab: Lab, run_id: str, *, seconds: float = 300) -> int:
    """Watch a run to its end; return the exit code of the watch."""
    return lab.launch("status", run_id, "--watch", seconds=seconds).returncode


def mlflow_run(lab: Lab, run_id: str) -> tuple[Any, dict[str, list[int]]]:
    """Return a run of MLflow, and the steps of each of its metrics."""
    with lab.tracking() as (client, experiment):
        (run,) = client.search_runs([experiment], f"tags.`lcc.run` = '{run_id}'")
        history = {
            name: [m.step for m in client.get_metric_history(run.info.run_id, name)]
            for name in run.data.metrics
        }
    return run, history


def test_a_cancelled_run_leaves_no_pod_no_service_no_running_run(prepared: Lab) -> None:
    run_id = started(prepared, "train", *SMALL, *LONG, "--pods", "2", "--gpus", "1")

    done = prepared.launch("cancel", run_id)

    assert done.returncode == 0, done.stderr
    assert active_pods(prepared, run_id) == []
    assert prepared.items("services", OURS) == []
    run, _ = mlflow_run(prepared, run_id)
    assert run.info.status == "KILLED"
    assert "stopped" in prepared.launch("status", run_id).stdout


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


@pytest.mark.extended
def test_a_pod_out_of_memory_says_so_and_which_setting_to_raise(prepared: Lab) -> None:
    done = prepared.launch(
        "train", *SMALL, "--set", "cluster.sizes.train.memory=200Mi",
        "--set", "cluster.sizes.train.shm=16Mi", seconds=200,
    )  # fmt: skip

    assert done.returncode == 1
    assert "OOMKilled. Raise cluster.sizes.train.memory" in done.stderr
