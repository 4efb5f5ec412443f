"""`check` looks at all that it can, before and after an install, one remedy each."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from lcc.backends.kubernetes.backend import KubernetesBackend
from lcc.backends.kubernetes.checkup import check_cluster
from lcc.backends.kubernetes.interface import Object
from lcc.cli.main import cli
from lcc.config.load import SettingsSources
from lcc.config.settings import Settings
from lcc.errors import ConfigError, UnavailableError
from lcc.launch.backend import Finding
from tests.builders.clusters import FakeCluster
from tests.builders.settings import load_settings

CHART = """
storage: {root: "s3://lcc/study", endpoint_url: "http://lcc-s3.lab.svc:8333"}
tracking: {uri: "http://lcc-mlflow.lab.svc:5000"}
"""


def labels(component: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/part-of": "lcc",
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/instance": "lcc",
        "app.kubernetes.io/component": component,
    }


def a_server_pod(component: str, **status: Any) -> Object:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"lcc-{component}-0",
            "namespace": "lab",
            "labels": labels(component),
        },
        "spec": {"nodeName": "n0", "containers": []},
        "status": status or ready,
    }


def an_empty_cluster() -> FakeCluster:
    cluster = FakeCluster()
    plain = {"cpu": "16", "memory": "64Gi", "ephemeral-storage": "99Gi"}
    gpus = ({"nvidia.com/gpu": "8"}, {"nvidia.com/gpu": "4"}, {})
    cluster.nodes = [
        {"metadata": {"name": f"n{number}"}, "status": {"allocatable": plain | own}}
        for number, own in enumerate(gpus)
    ]
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    cluster.storage_classes = [
        {"metadata": {"name": "slow"}},
        {"metadata": {"name": "fast", "annotations": default}},
    ]
    return cluster


def an_installed_cluster() -> FakeCluster:
    cluster = an_empty_cluster()
    settings = {"name": "lcc-settings", "labels": labels("settings")}
    chart = {"kind": "ConfigMap", "metadata": settings, "data": {"lcc.yaml": CHART}}
    cluster.put(chart)
    for name in ("lcc-worker", "lcc-driver"):
        cluster.put({"kind": "ServiceAccount", "metadata": {"name": name}})
    status = {"hard": {"pods": "50"}, "used": {"pods": "2"}}
    quota = {"kind": "ResourceQuota", "metadata": {"name": "q"}, "status": status}
    cluster.put(quota)
    for component in ("s3", "mlflow", "postgresql"):
        cluster.put(a_server_pod(component))
    return cluster


def away(settings: Settings) -> Settings:
    message = "servers: must answer, got none. Try again."
    raise UnavailableError(message)


def findings(cluster: FakeCluster) -> list[Finding]:
    """Return what is found; no server is behind the addresses."""
    return list(check_cluster(cluster, SettingsSources(), reach=away))


def found(cluster: FakeCluster, name: str) -> list[Finding]:
    return [finding for finding in findings(cluster) if finding.name == name]


def faults(cluster: FakeCluster) -> list[str]:
    """Return the names of what is at fault, but for servers that no test has."""
    told = [finding for finding in findings(cluster) if finding.is_fault]
    return [f.name for f in told if f.text != "servers: must answer, got none"]


def test_an_installed_cluster_is_described_in_the_order_of_need() -> None:
    told = [
        (finding.name, finding.text) for finding in findings(an_installed_cluster())
    ]

    assert told[:-2] == [
        ("API server", "v1.33.2 at https://127.0.0.1:6443, namespace lab"),
        ("rights", "all that a launch needs"),
        ("storage", "fast is the default class"),
        ("quota", "pods 2 of 50"),
        ("GPUs", "12 × nvidia.com/gpu on 2 nodes, 8 on one"),
        ("sizes", "the pods of every step fit on a node"),
        ("chart", "installed, settings in configmap lcc-settings"),
        ("accounts", "lcc-worker and lcc-driver"),
        ("pod s3", "lcc-s3-0 is ready on n0"),
        ("pod mlflow", "lcc-mlflow-0 is ready on n0"),
        ("pod postgresql", "lcc-postgresql-0 is ready on n0"),
    ]
    assert faults(an_installed_cluster()) == []


def test_before_the_install_all_is_looked_at_and_the_install_named() -> None:
    cluster = an_empty_cluster()

    (chart,) = found(cluster, "chart")

    assert chart.remedy == (
        "helm install lcc charts/lcc -n lab --create-namespace --wait"
    )
    assert faults(cluster) == ["chart"]
    assert [f.text for f in findings(cluster) if not f.is_known] == [
        "not asked: there is no chart",
        "not asked: there is no chart",
    ]


def make_old(cluster: FakeCluster) -> None:
    cluster.version = {"minor": "32", "gitVersion": "v1.32.0"}


def forbid(cluster: FakeCluster) -> None:
    cluster.forbidden = {"create jobs", "watch pods"}


def remove_account(cluster: FakeCluster) -> None:
    cluster.delete("ServiceAccount", "lcc-driver")


def shrink(cluster: FakeCluster) -> None:
    for node in cluster.nodes:
        node["status"]["allocatable"]["memory"] = "8Gi"


@pytest.mark.parametrize(
    ("harm", "name", "text", "remedy"),
    [
        pytest.param(make_old, "API server", "1.33 or later, got v1.32.0", "Upgrade",
                     id="old"),
        pytest.param(forbid, "rights", "may not create jobs, watch pods",
                     "Ask for the chart's launcher Role", id="forbidden"),
        pytest.param(remove_account, "accounts", "got no lcc-driver",
                     "helm upgrade lcc charts/lcc -n lab --reset-then-reuse-values",
                     id="no account"),
        pytest.param(shrink, "sizes", "train.memory: must fit on one node, got 16Gi",
                     "Lower it", id="too large"),
    ],
)  # fmt: skip
def test_what_is_missing_is_a_fault_and_the_rest_is_looked_at(
    harm: Callable[[FakeCluster], None], name: str, text: str, remedy: str
) -> None:
    cluster = an_installed_cluster()
    harm(cluster)

    (finding,) = found(cluster, name)

    assert text in finding.text
    assert finding.remedy.startswith(remedy)
    assert faults(cluster) == [name]
    assert len(findings(cluster)) == 13


def test_a_cluster_without_gpus_is_no_fault() -> None:
    cluster = an_installed_cluster()
    for node in cluster.nodes:
        node["status"]["allocatable"].pop("nvidia.com/gpu", None)

    (gpus,) = found(cluster, "GPUs")

    assert "--set train.device=cpu" in gpus.remedy
    assert faults(cluster) == []


def test_no_default_class_is_a_fault_only_before_the_install() -> None:
    empty, installed = an_empty_cluster(), an_installed_cluster()
    for cluster in (empty, installed):
        cluster.storage_classes = [{"metadata": {"name": "slow"}}]

    (storage,) = found(empty, "storage")

    assert storage.text == "must have a default storage class, got none of slow"
    assert faults(empty) == ["storage", "chart"]
    assert faults(installed) == []


def waiting(container: str, image: str, reason: str) -> dict[str, Any]:
    message = f'Back-off pulling image "{image}"'
    state = {"waiting": {"reason": reason, "message": message}}
    return {"name": container, "image": image, "state": state}


UPGRADE = "helm upgrade lcc charts/lcc -n lab --reset-then-reuse-values"
TROUBLES = [
    pytest.param(
        "mlflow",
        {"initContainerStatuses": [waiting("database", "lcc:typo", "ErrImagePull")]},
        'ErrImagePull of lcc:typo: Back-off pulling image "lcc:typo"',
        f"{UPGRADE} --set image.tag=0.1.0",
        id="own image",
    ),
    pytest.param(
        "s3",
        {"initContainerStatuses": [
            waiting("identities", "lcc-launcher:typo", "ImagePullBackOff")]},
        "ImagePullBackOff of lcc-launcher:typo",
        f"{UPGRADE} --set launcherImage.tag=0.1.0",
        id="launcher image",
    ),
    pytest.param(
        "s3",
        {"containerStatuses": [waiting("s3", "weed:typo", "InvalidImageName")]},
        "InvalidImageName of weed:typo",
        f"Set s3.image.repository and s3.image.tag in the chart's values: {UPGRADE}",
        id="image of a server",
    ),
    pytest.param(
        "s3",
        {"conditions": [{
            "type": "PodScheduled", "status": "False",
            "message": "0/1 nodes are available: pod has unbound immediate "
            "PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 x"}]},
        "pod has unbound immediate PersistentVolumeClaims",
        "Set s3.persistence.storageClass",
        id="volume",
    ),
    pytest.param(
        "mlflow",
        {"containerStatuses": [{
            "name": "mlflow", "image": "lcc:0.1.0",
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1, "message": "no such table"}}}]},
        "container mlflow ends with exit code 1: no such table",
        "Look: kubectl logs lcc-mlflow-0 -n lab -c mlflow",
        id="crash",
    ),
    pytest.param("s3", {"phase": "Running"}, "starts", "Wait, or look: kubectl",
                 id="starting"),
]  # fmt: skip


@pytest.mark.parametrize(("component", "status", "text", "remedy"), TROUBLES)
def test_a_pod_that_is_not_ready_says_why_and_is_not_asked(
    component: str, status: dict[str, Any], text: str, remedy: str
) -> None:
    cluster = an_installed_cluster()
    cluster.put(a_server_pod(component, **status))

    (pod,) = found(cluster, f"pod {component}")

    assert pod.text.startswith(f"lcc-{component}-0: ")
    assert text in pod.text
    assert remedy in pod.remedy
    assert faults(cluster) == [f"pod {component}"]
    asked = {"s3": "bucket", "mlflow": "MLflow"}[component]
    (server,) = found(cluster, asked)
    assert server.text == "not asked: its pod is not ready"


def test_a_server_that_is_being_replaced_is_asked() -> None:
    cluster = an_installed_cluster()
    starting = a_server_pod("mlflow", phase="Running")
    starting["metadata"]["name"] = "lcc-mlflow-1"
    leaving = a_server_pod("mlflow", phase="Running")
    leaving["metadata"] |= {"name": "lcc-mlflow-2", "deletionTimestamp": "now"}
    for pod in (a_server_pod("mlflow"), starting, leaving):
        cluster.put(pod)

    assert len(found(cluster, "pod mlflow")) == 2
    (server,) = found(cluster, "MLflow")
    assert "not asked" not in server.text


def test_a_server_whose_pod_cannot_be_made_says_why() -> None:
    cluster = an_installed_cluster()
    cluster.delete("Pod", "lcc-s3-0")
    message = "pods is forbidden: failed quota: lab: must specify limits.cpu"
    event = {
        "kind": "Event",
        "metadata": {"name": "e"},
        "involvedObject": {"name": "lcc-s3"},
        "message": message,
    }
    cluster.put(event)

    (pod,) = found(cluster, "pod s3")

    assert pod.text == f"lcc-s3 can make none: {message}"
    assert pod.is_fault
    (bucket,) = found(cluster, "bucket")
    assert bucket.text == "not asked: its pod is not ready"


def test_an_account_that_sees_little_is_told_what_it_does_not_see() -> None:
    class Narrow(FakeCluster):
        def get(self, path: str) -> Object:
            if path != "version":
                message = "this account may not look. Ask."
                raise ConfigError(message)
            return super().get(path)

    cluster = Narrow()
    cluster.objects = an_installed_cluster().objects

    unknown = [finding.name for finding in findings(cluster) if not finding.is_known]

    assert unknown == ["storage", "GPUs"]
    assert faults(cluster) == []


def test_where_nobody_answers_one_line_says_so() -> None:
    class Away(FakeCluster):
        def get(self, path: str) -> Object:
            message = "https://lab: the API server must answer, got refused. Wait."
            raise UnavailableError(message)

    (only,) = findings(Away())

    assert only.text == "https://lab: the API server must answer, got refused"
    assert only.remedy == "Wait."


def test_the_table_has_a_row_and_a_remedy_each(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(sources: SettingsSources, settings: Settings) -> list[Finding]:
        return [
            Finding(name="quota", text="none set"),
            Finding(name="chart", text="got none", remedy="helm", is_fault=True),
            Finding(name="MLflow", text="not asked", is_known=False),
        ]

    monkeypatch.setattr(KubernetesBackend, "check", told)

    result = CliRunner().invoke(cli, ["check", "-n", "lab"])

    assert result.exit_code == 4
    assert result.stdout.splitlines() == [
        "✓ quota           none set",
        "✗ chart           got none",
        "                  → helm",
        "· MLflow          not asked",
    ]


def test_without_a_kubeconfig_that_alone_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/none")

    (only,) = KubernetesBackend.check(SettingsSources(), load_settings())

    assert (only.name, only.is_fault) == ("kubeconfig", True)


def test_a_clean_up_that_failed_hinders_no_launch() -> None:
    cluster = an_installed_cluster()
    cluster.put(a_server_pod("cleanup", phase="Failed"))

    assert faults(cluster) == []
