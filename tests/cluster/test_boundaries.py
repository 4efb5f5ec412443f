"""The driver of a whole study, killed whenever a step has just ended."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.lab import SMALL, SMALL_DATA, Lab, active_pods, ended

STUDY = (
    *SMALL,
    *SMALL_DATA,
    *("--set", "model.frozen_stages=all", "--set", "evaluate.num_bootstrap=100"),
    *("--set", "search.grid.train.learning_rate=[0.01, 0.003]"),
)
STEPS = ["list", "hash", "link", "catalogue", "features", "trial", "select"]
STEPS += ["features", "train", "evaluate"]

pytestmark = [pytest.mark.extended, pytest.mark.timeout(1500)]


@contextmanager
def killing_driver_after_each_step(lab: Lab, study: str) -> Iterator[list[str]]:
    """Delete the driver's pod for every Job of a step that completes; name the Jobs."""
    met: list[str] = []
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.3):
            for job in lab.items(
                "jobs", f"lcc.dev/pipeline={study},lcc.dev/step!=driver"
            ):
                name = job["metadata"]["name"]
                if name in met or not job["status"].get("completionTime"):
                    continue
                drivers = [pod for pod in active_pods(lab, study) if "-driver-" in pod]
                # By force counts against the Job's tries, in order (a drain) does not.
                how = ("--wait=false",) if met else ("--grace-period=0", "--force")
                lab.kubectl("delete", "pod", *drivers, *how, check=False)
                met.append(name)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield met
    finally:
        done.set()
        thread.join()


def test_a_driver_killed_after_every_step_repeats_none(prepared: Lab) -> None:
    done = prepared.launch("pipeline", "s3://lcc/sources/tiles", *STUDY, "--detach")
    assert done.returncode == 0, done.stderr
    study = done.stdout.split()[0]

    with killing_driver_after_each_step(prepared, study) as met:
        code = ended(prepared, study, seconds=1200)

    assert code == 0, prepared.launch("status", study).stdout
    assert len(met) >= len(STEPS) - 1  # none is alive to be killed after the last
    jobs = prepared.items("jobs", f"lcc.dev/pipeline={study},lcc.dev/step!=driver")
    assert sorted(job["metadata"]["labels"]["lcc.dev/step"] for job in jobs) == sorted(
        STEPS
    ), json.dumps([job["metadata"]["name"] for job in jobs])
    with prepared.tracking() as (client, experiment):
        runs = client.search_runs([experiment], f"tags.`lcc.pipeline` = '{study}'")
    assert {run.info.status for run in runs} == {"FINISHED"}
