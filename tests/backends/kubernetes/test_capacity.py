"""What can never fit on any node is told before anything is made."""

import pytest

from lcc.backends.kubernetes.capacity import node_rooms
from lcc.backends.kubernetes.interface import Object
from lcc.backends.kubernetes.preflight import check_prerequisites
from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError
from lcc.launch.plan import Stage
from tests.builders.clusters import FakeCluster

GROW = "or set cluster.wait_for_nodes where nodes are added on demand."
SERVER = {
    "app.kubernetes.io/part-of": "lcc",
    "app.kubernetes.io/managed-by": "Helm",
}


def settings_for(**changes: object) -> Settings:
    always = {"storage.root": "s3://lcc/study", "model.frozen_stages": "all"}
    return changed_settings(Settings(), always | changes)


def a_node(name: str = "n1", **given: str) -> Object:
    plain = {"cpu": "8", "memory": "64Gi", "ephemeral-storage": "100Gi"}
    return {
        "metadata": {"name": name, "labels": {"pool": name}},
        "status": {"allocatable": plain | given | {"nvidia.com/gpu": "8"}},
    }


def a_pod(
    name: str, owner: str, cpu: str, labels: dict[str, str] | None = None
) -> Object:
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": labels or {},
            "ownerReferences": [{"kind": owner}],
        },
        "spec": {
            "nodeName": "n1",
            "containers": [{"resources": {"requests": {"cpu": cpu}}}],
        },
    }


def refusal(cluster: FakeCluster, stage: Stage, **changes: object) -> str:
    with pytest.raises(ConfigError) as caught:
        check_prerequisites(cluster, stage, settings_for(**changes))
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"cluster.resources.train.cpu_limit": "16",
             "cluster.resources.train.cpu_request": "16"},
            "cluster.resources.train.cpu_request: must fit on one node, got 16 cpu of "
            f"8 on n1, the largest of 1. Lower it, {GROW}",
            id="cpu",
        ),
        pytest.param(
            {"cluster.resources.train.memory": "100Gi"},
            "cluster.resources.train.memory: must fit on one node, got 100Gi memory of "
            f"64Gi on n1, the largest of 1. Lower it, {GROW}",
            id="memory",
        ),
        pytest.param(
            {"cluster.resources.train.scratch": "1Ti",
             "cluster.resources.train.scratch_request": "1Ti"},
            "cluster.resources.train.scratch_request: must fit on one node, got 1Ti "
            f"ephemeral-storage of 100Gi on n1, the largest of 1. Lower it, {GROW}",
            id="disk",
        ),
        pytest.param(
            {"launch.gpus": 16},
            "launch.gpus: must fit on one node, got 16 nvidia.com/gpu of 8 on n1, the "
            f"largest of 1. Lower it, {GROW}",
            id="gpus",
        ),
        pytest.param(
            {"cluster.node_selector": {"pool": "gpu"}},
            "cluster.node_selector: must be labels of a node, got pool=gpu and none of "
            f"1 that has them. Change it, {GROW}",
            id="selector",
        ),
    ],
)  # fmt: skip
def test_what_no_node_has_is_refused_with_the_setting_to_change(
    changes: dict[str, object], message: str
) -> None:
    cluster = FakeCluster()
    cluster.nodes = [a_node()]

    assert refusal(cluster, Stage.TRAIN, **changes) == message
    assert cluster.created == []


def test_a_pipeline_is_refused_before_its_first_stage() -> None:
    cluster = FakeCluster()
    cluster.nodes = [a_node(cpu="1500m")]

    said = refusal(cluster, Stage.PIPELINE)

    assert said.startswith("cluster.resources.train.cpu_request: must fit on one node")
    assert len(said.splitlines()) == 1  # not once a step


def test_what_servers_and_node_agents_hold_is_never_free() -> None:
    cluster = FakeCluster()
    cluster.nodes = [a_node(cpu="2")]
    check_prerequisites(cluster, Stage.TRAIN, settings_for())
    cluster.put(a_pod("lcc-s3-0", "StatefulSet", "100m", SERVER))
    cluster.other_pods = [a_pod("kube-proxy", "DaemonSet", "200m")]

    said = refusal(cluster, Stage.TRAIN)

    assert "got 2 cpu of 2 on n1, where servers and node agents hold 300m" in said


def test_what_runs_hold_is_free_once_they_end() -> None:
    cluster = FakeCluster()
    cluster.nodes = [a_node(cpu="2")]
    cluster.put(a_pod("lcc-bucket", "Job", "1", SERVER))
    cluster.other_pods = [a_pod("train-1", "Job", "2"), a_pod("web", "ReplicaSet", "2")]

    check_prerequisites(cluster, Stage.TRAIN, settings_for())


def test_one_node_that_has_it_all_is_enough() -> None:
    cluster = FakeCluster()
    cluster.nodes = [a_node("n1", cpu="1"), a_node("n2", memory="1Gi"), a_node("n3")]

    check_prerequisites(cluster, Stage.TRAIN, settings_for())
    assert refusal(
        cluster, Stage.TRAIN, **{"cluster.node_selector": {"pool": "n2"}}
    ).startswith("cluster.resources.train.memory: must fit on one node")


def test_nodes_that_grow_or_cannot_be_seen_refuse_nothing() -> None:
    cluster = FakeCluster()
    check_prerequisites(cluster, Stage.TRAIN, settings_for(**{"launch.gpus": 16}))
    cluster.nodes = [a_node()]

    changes = {"launch.gpus": 16, "cluster.wait_for_nodes": True}
    check_prerequisites(cluster, Stage.TRAIN, settings_for(**changes))


def test_nodes_are_read_to_the_last_page() -> None:
    class Paged(FakeCluster):
        def get(self, path: str) -> Object:
            if "nodes" not in path:
                return super().get(path)
            if path.endswith("continue="):
                return {"items": [a_node("n1")], "metadata": {"continue": "more"}}
            return {"items": [a_node("n2")]}

    assert [room.name for room in node_rooms(Paged())] == ["n1", "n2"]
