"""A search of 5,000 pods: what it costs the launcher and the API server.

Wants simulated nodes: label `type=simulated`, taint `simulated`; nothing is executed.
"""

import json
import re
import subprocess
import time

import pytest

from lcc.errors import DataError
from tests.cluster.lab import SMALL, Lab, active_pods, kubectl, wait_until

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
TRIALS = "lcc.dev/step=trial"
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


def measured(lab: Lab, *arguments: str, code: int = 0) -> tuple[str, float, int, int]:
    """Run a command; return output, seconds, bytes of memory, requests to the API."""
    before = time.monotonic()
    done = lab.run(
        ["/usr/bin/env", "python3", "-c", MEASURE, *lab.command(*arguments, "-vv")],
        seconds=120,
    )
    seconds = time.monotonic() - before
    assert done.returncode == code, done.stderr
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
    (job,) = lab.items("jobs", f"lcc.dev/run={run_id},{TRIALS}")
    return int(job["status"].get("succeeded", 0))


def driving(lab: Lab, *arguments: str) -> subprocess.Popen[str]:
    """Start a command that drives a run, and go on."""
    command = [*lab.command(*arguments), "-vv"]
    return subprocess.Popen(command, cwd=lab.folder, stderr=subprocess.PIPE, text=True)


def seconds_to_a_job(lab: Lab) -> float:
    started = time.monotonic()
    wait_until(lambda: lab.items("jobs", TRIALS), what="the Job", seconds=30)
    return time.monotonic() - started


def test_five_thousand_pods_cost_pages_and_events(
    prepared: Lab, many_nodes: int
) -> None:
    before = set(prepared.runs())
    process = driving(prepared, "search", *SMALL, *GRID, *SIMULATED)
    launch_seconds = seconds_to_a_job(prepared)
    (run_id,) = set(prepared.runs()) - before
    wait_until(lambda: succeeded(prepared, run_id) > 1000, seconds=300, what="1,000")

    _, status_seconds, status_bytes, status_requests = measured(
        prepared, "status", run_id
    )
    list_seconds = measured(prepared, "list")[1]
    cancel_seconds = measured(prepared, "cancel", run_id)[1]
    process.communicate(timeout=120)
    assert active_pods(prepared, run_id) == []

    wait_until(lambda: not prepared.items("jobs", TRIALS), what="the Job to go")
    process = driving(prepared, "resume", run_id)
    resume_seconds = seconds_to_a_job(prepared)
    wait_until(lambda: succeeded(prepared, run_id) == NUM_PODS, seconds=600, what="all")
    _, said = process.communicate(timeout=120)  # select finds no result: nothing ran
    driver = re.search(r"event=api_requests count=(\d+)", said)
    logs = ("logs", run_id, "--step", "trial", "--process-index", "4999")
    log_seconds = measured(prepared, *logs, code=DataError.exit_code)[1]  # nor a log

    assert driver is not None
    print(  # noqa: T201 - figures for whoever runs it
        f"\nnodes={many_nodes} launch={launch_seconds:.1f}s "
        f"status={status_seconds:.1f}s {status_bytes >> 20}MiB "
        f"{status_requests} requests, list={list_seconds:.1f}s "
        f"cancel={cancel_seconds:.1f}s resume={resume_seconds:.1f}s "
        f"logs={log_seconds:.1f}s driver={driver[1]} requests"
    )
    assert status_bytes < MAX_BYTES
    assert status_requests < 30
    assert int(driver[1]) < 60
