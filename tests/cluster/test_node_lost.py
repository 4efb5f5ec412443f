"""A node that stops answering while a training is on it.

The node is an object without a machine behind it: the control plane treats it as it
treats every node whose kubelet has gone silent.
"""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.cluster.lab import (
    LONG,
    SMALL,
    Lab,
    kubectl,
    mlflow_run,
    wait_until,
)

LOST = "lcc-test-lost"
CHOSEN = "lcc.dev/test-node"
SIZE = {"cpu": "4", "memory": "16Gi", "ephemeral-storage": "50Gi", "pods": "10"}
SECONDS = 480  # a node is told lost after 50, its pods are evicted 300 later

pytestmark = [pytest.mark.extended, pytest.mark.timeout(1200)]


@pytest.fixture
def lost_node(kubeconfig: str) -> Iterator[str]:
    """Give a node that says it is ready, once, and never again."""
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": LOST, "labels": {CHOSEN: "yes"}},
        "status": {
            "allocatable": SIZE,
            "capacity": SIZE,
            "conditions": [{"type": "Ready", "status": "True", "reason": "Test"}],
        },
    }
    subprocess.run(
        ["kubectl", "create", "-f", "-"], input=json.dumps(node), text=True, check=True
    )
    yield LOST
    kubectl("delete", "node", LOST)
    kubectl("label", "nodes", "-l", f"{CHOSEN}=yes", f"{CHOSEN}-")


def test_a_lost_node_is_named_and_once_tainted_its_pod_is_replaced(
    prepared: Lab, lost_node: str
) -> None:
    # A node of its kind is tainted sooner than the scheduler looks at it.
    taints = [{"key": f"node.kubernetes.io/{why}", "effect": "NoSchedule"}
              for why in ("not-ready", "unreachable")]  # fmt: skip
    chosen = (
        *("--set", f"cluster.node_selector={{{CHOSEN}: 'yes'}}"),
        *("--set", f"cluster.tolerations={json.dumps(taints)}"),
    )
    driver = prepared.start("train", *SMALL, *LONG, *chosen)

    def pods() -> list[str]:
        return [
            pod["metadata"]["name"]
            for pod in prepared.items("pods", "lcc.dev/step=train")
            if pod["spec"].get("nodeName") == lost_node
        ]

    wait_until(pods, seconds=SECONDS, what="a pod on the node that will be lost")
    (pod,) = pods()
    run_id = prepared.runs()[-1]
    running = {"status": {"phase": "Running"}}  # as its kubelet would have told
    prepared.kubectl(
        "patch", "pod", pod, "--subresource=status", f"--patch={json.dumps(running)}"
    )

    def said() -> str:
        return prepared.launch("status", run_id).stdout

    wait_until(
        lambda: "which does not answer" in said(), seconds=SECONDS, what="a reason"
    )
    command = f"kubectl taint node {lost_node} node.kubernetes.io/out-of-service"
    assert command in said()
    assert len(pods()) == 1  # two writers would be worse

    kubectl("label", "nodes", "-l", f"!type,!{CHOSEN}", f"{CHOSEN}=yes")
    kubectl(*f"{command}=nodeshutdown:NoExecute".split()[1:])

    output, _ = driver.communicate(timeout=SECONDS)
    assert driver.returncode == 0, output
    run, history = mlflow_run(prepared, run_id)
    assert run.info.status == "FINISHED"
    assert history["train/loss"] == list(range(40))
