"""A search of 200 trials under a killer: each result once, and the same as in peace."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster.lab import SMALL, Lab, wait_until

GRID = (
    f"--set=search.grid.train.learning_rate={[n / 1000 for n in range(1, 21)]}",
    f"--set=search.grid.model.dropout={[n / 10 for n in range(5)]}",
    *("--set", "data.num_folds=2", "--set", "search.trials_per_pod=25"),
    *("--set", "model.frozen_stages=all"),
)
FOUR_PODS = ("--parallelism", "4")
NUM_TRIALS = 200
EVERY_SECONDS = (4, 12)

pytestmark = [pytest.mark.extended, pytest.mark.timeout(2400)]


def results(store: Any, run_id: str) -> dict[str, Any]:
    """Return what each trial left, without the time it took."""
    prefix = f"runs/{run_id}/trials/"
    found = {
        item.key.removeprefix(prefix): json.loads(store.read(item.key))
        for item in store.list_objects(prefix)
    }
    for result in found.values():
        del result["fit_seconds"]
    return found


def kill(lab: Lab, selector: str, draw: random.Random) -> int:
    """Delete one running pod of a selector, if there is one; return how many."""
    running = [
        pod["metadata"]["name"]
        for pod in lab.items("pods", selector)
        if pod["status"]["phase"] == "Running"
    ]
    if not running:
        return 0
    how = draw.choice([("--wait=false",), ("--grace-period=0", "--force")])
    lab.kubectl("delete", "pod", draw.choice(running), *how, check=False)
    return 1


@contextmanager
def killing(lab: Lab, run_id: str) -> Iterator[dict[str, int]]:
    """Delete a pod of a run every few seconds; its driver and MLflow once."""
    kills = {"trial": 0, "driver": 0, "mlflow": 0}
    done = threading.Event()
    draw = random.Random(0)  # noqa: S311 - no secret
    once = {
        "driver": f"lcc.dev/run={run_id},lcc.dev/step=driver",
        "mlflow": "app.kubernetes.io/component=mlflow",
    }

    def work() -> None:
        while not done.wait(draw.uniform(*EVERY_SECONDS)):
            victim = f"lcc.dev/run={run_id},lcc.dev/step=trial"
            kills["trial"] += kill(lab, victim, draw)
            for name, selector in once.items():
                if kills["trial"] >= 5 and not kills[name]:
                    kills[name] += kill(lab, selector, draw)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield kills
    finally:
        done.set()
        thread.join()


def test_a_killer_changes_no_result(prepared: Lab, store: Any) -> None:
    search = ("search", *SMALL, *GRID, *FOUR_PODS)
    before = set(prepared.runs())
    done = prepared.launch(*search, seconds=900)
    assert done.returncode == 0, done.stderr
    (undisturbed,) = set(prepared.runs()) - before
    run_id = prepared.launch(*search, "--detach").stdout.split()[0]
    wait_until(
        lambda: prepared.items("jobs", f"lcc.dev/run={run_id},lcc.dev/step=trial"),
        seconds=90,
        what="the Job",
    )

    with killing(prepared, run_id) as kills:
        code = prepared.launch("status", run_id, "--watch", seconds=1800).returncode

    assert code == 0, prepared.launch("status", run_id).stdout
    assert kills["trial"] > 5
    assert (kills["driver"], kills["mlflow"]) == (1, 1)
    found = results(store, run_id)
    assert len(found) == NUM_TRIALS
    assert found == results(store, undisturbed)
    jobs = prepared.items("jobs", f"lcc.dev/run={run_id},lcc.dev/step=trial")
    assert len(jobs) == 1
    print(f"\nkills: {kills}")  # noqa: T201 - for whoever runs it
