"""A search of 5,000 pods: what it costs the launcher and the API server.

Wants simulated nodes: label `type=simulated`, taint `simulated`; nothing is executed.
"""

import json
import re
import subprocess
import time

import pytest

from tests.cluster.lab import SMALL, Lab, kubectl, wait_until

NUM_PODS = 5_000
GRID = (
    f"--set=search.grid.train.learning_rate={[n / 10_000 for n in range(1, 51)]}",
    f"--set=search.grid.model.dropout={[n / 100 for n in range(50)]}",
    "--set=data.num_folds=2",
)
SIMULATED = (
    *("--set", "cluster.node_selector={type: simulated}"),
    *("--set", "cluster.tolerations=[{key: simulated}]"),
    *("--set", "search.trials_per_pod=1", "--parallelism", "1000"),
)
MAX_BYTES = 250 << 20

pytestmark = pytest.mark.extended


DISK = json.dumps({"ephemeral-storage": "1Ti"})  # simulated nodes have none of it


@pytest.fixture(scope="module")
def many_nodes(kubeconfig: str) -> int:
    found = kubectl("get", "nodes", "-l", "type=simulated", "-o", "name").stdout
    nodes = found.split()
    if len(nodes) < 50:
        pytest.skip("no simulated nodes: 50 or more with the label type=simulated")
    status = f'{{"status": {{"capacity": {DISK}, "allocatable": {DISK}}}}}'
    for node in nodes:
        kubectl("patch", node, "--subresource=status", f"--patch={status}")
    return len(nodes)


def measured(lab: Lab, *arguments: str) -> tuple[str, float, int, int]:
    """Run a command; return output, seconds, bytes of memory, requests to the API."""
    before = time.monotonic()
    done = lab.run(
        ["/usr/bin/env", "python3", "-c", MEASURE, *lab.command(*arguments, "-vv")],
        seconds=120,
    )
    seconds = time.monotonic() - before
    assert done.returncode == 0, done.stderr
    size = re.search(r"max_rss_kib=(\d+)", done.stderr)
    requests = re.search(r"event=api_requests count=(\d+)", done.stderr)
    assert size is not None
    assert requests is not None
    return done.stdout, seconds, int(size[1]) << 10, int(requests[1])


MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
sys.stderr.write(f"max_rss_kib={usage.ru_maxrss}")
sys.exit(code)
"""


def succeeded(lab: Lab, run_id: str) -> int:
    text = lab.kubectl("get", "jobs", "-l", f"lcc.dev/run={run_id}", "-o", "json")
    (job,) = json.loads(text)["items"]
    return int(job["status"].get("succeeded", 0))


def test_five_thousand_pods_cost_pages_and_events(
    prepared: Lab, many_nodes: int
) -> None:
    before = set(prepared.runs())
    process = subprocess.Popen(
        [*prepared.command("search", *SMALL, *GRID, *SIMULATED), "-vv"],
        cwd=prepared.folder, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    started = time.monotonic()
    selector = "lcc.dev/step=trial"
    wait_until(lambda: prepared.items("jobs", selector), what="the Job", seconds=30)
    launched = time.monotonic() - started
    (run_id,) = set(prepared.runs()) - before
    wait_until(lambda: succeeded(prepared, run_id) > 1000, seconds=300, what="1,000")

    _, status_seconds, status_bytes, status_requests = measured(
        prepared, "status", run_id
    )
    list_seconds = measured(prepared, "list")[1]
    wait_until(lambda: succeeded(prepared, run_id) == NUM_PODS, seconds=400, what="all")
    _, said = process.communicate(timeout=120)  # select finds no result: nothing ran
    driver = re.search(r"event=api_requests count=(\d+)", said)
    cancel_seconds = measured(prepared, "cancel", run_id)[1]

    assert driver is not None
    print(  # noqa: T201 - figures for whoever runs it
        f"\nnodes={many_nodes} launch={launched:.1f}s status={status_seconds:.1f}s "
        f"{status_bytes >> 20}MiB {status_requests} requests, list={list_seconds:.1f}s "
        f"cancel={cancel_seconds:.1f}s driver={driver[1]} requests"
    )
    assert status_bytes < MAX_BYTES
    assert status_requests < 30
    assert int(driver[1]) < 60
