"""What goes wrong on every cluster: a reason, an exit code, and nothing left behind."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.lab import SMALL, Lab, a_kubeconfig, wait_until

TYPO = "cluster.image=lcc:0.0.0-typo"


@pytest.fixture
def bare(new_namespace: Callable[[], str], tmp_path: Path) -> Lab:
    """Return a namespace without the chart."""
    return Lab(new_namespace(), tmp_path)


def failed(lab: Lab, *arguments: str, code: int, seconds: float = 90) -> str:
    """Run a command that must fail; return what it said."""
    done = lab.launch(*arguments, seconds=seconds)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def pods_of_runs(lab: Lab) -> list[str]:
    selector = "app.kubernetes.io/managed-by=lcc-launch"
    return [
        pod["metadata"]["name"]
        for pod in lab.items("pods", selector)
        if pod["status"]["phase"] in {"Pending", "Running"}
    ]


def test_an_image_that_does_not_exist_fails_within_a_minute(prepared: Lab) -> None:
    lab, started = prepared, time.monotonic()

    said = failed(lab, "prepare", "s3://lcc/sources/tiles", "--set", TYPO, code=2)

    assert "can never start" in said
    assert "image" in said.lower()
    assert time.monotonic() - started < 60
    wait_until(lambda: not pods_of_runs(lab), what="pods to go")


def test_more_gpus_than_any_node_has_name_resource_and_nodes(prepared: Lab) -> None:
    lab = prepared

    said = failed(
        lab, "train", *SMALL, "--gpus", "16", "--set", "train.device=gpu", code=2
    )

    assert "launch.gpus: must fit on one node, got 16 nvidia.com/gpu of 8" in said
    wait_until(lambda: not pods_of_runs(lab), what="pods to go")


def test_a_prefix_that_holds_nothing_is_refused_rehearsed_or_not(lab: Lab) -> None:
    for mode in ([], ["--dry-run", "server"]):
        said = failed(lab, "prepare", "s3://lcc/none", *mode, code=3)

        assert "must hold images, got no object below s3://lcc/none/" in said


def test_a_quota_that_leaves_no_room_is_named(prepared: Lab) -> None:
    lab = prepared
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "tight"},
        "spec": {"hard": {"requests.memory": "1Mi"}},
    }
    lab.apply(quota)
    try:
        said = failed(lab, "prepare", "s3://lcc/sources/tiles", code=2)
    finally:
        lab.kubectl("delete", "resourcequota", "tight")

    assert "exceeded quota: tight" in said
    assert "requests.memory" in said


def test_a_missing_secret_is_named_with_the_command_that_makes_it(lab: Lab) -> None:
    said = failed(
        lab, "prepare", "s3://lcc/none", "--set", "cluster.s3_secret=gone", code=2
    )

    assert "Secret gone must exist" in said
    assert "kubectl create secret generic gone" in said


def test_what_no_pod_could_reach_is_refused_before_anything_is_made(lab: Lab) -> None:
    jobs = len(lab.items("jobs"))

    said = failed(
        lab, "prepare", "pvc://nobody/tiles", "--set", "cluster.queue=nobody",
        "--set", "data.split_csv=split.csv", code=2,
    )  # fmt: skip

    assert "LocalQueue nobody must exist" in said
    assert "PersistentVolumeClaim nobody must exist" in said
    assert "data.split_csv: must be s3://" in said
    assert len(lab.items("jobs")) == jobs


def test_an_empty_namespace_is_told_to_install_the_chart(bare: Lab) -> None:
    said = failed(bare, "list", code=2)

    assert f"helm install lcc charts/lcc -n {bare.namespace}" in said


def test_a_namespace_that_does_not_exist_is_named(lab: Lab) -> None:
    said = failed(Lab("no-such-place", lab.folder), "prepare", "s3://lcc/x", code=2)

    assert "no-such-place" in said


def test_no_kubeconfig_says_what_to_set(lab: Lab) -> None:
    done = lab.launch("list", KUBECONFIG="/no/such/file", HOME="/nowhere")

    assert done.returncode == 2
    assert "Set KUBECONFIG" in done.stderr


def test_an_api_server_that_is_away_is_temporary(lab: Lab, tmp_path: Path) -> None:
    config = a_kubeconfig(lab, tmp_path, server="https://127.0.0.1:9")

    done = lab.launch("list", KUBECONFIG=config)

    assert done.returncode == 75
    assert "https://127.0.0.1:9: the API server must answer" in done.stderr


def test_expired_credentials_say_to_log_in(lab: Lab, tmp_path: Path) -> None:
    config = a_kubeconfig(lab, tmp_path, token="expired")  # noqa: S106 - of nobody

    done = lab.launch("list", KUBECONFIG=config)

    assert done.returncode == 2
    assert "Log in again" in done.stderr


def test_a_missing_permission_names_verb_and_resource(lab: Lab, tmp_path: Path) -> None:
    token = lab.kubectl("create", "token", "lcc-worker").strip()
    config = a_kubeconfig(lab, tmp_path, token=token)

    done = lab.launch("list", KUBECONFIG=config)

    assert done.returncode == 2
    assert "may not list configmaps" in done.stderr
    assert "launcher Role" in done.stderr


def test_the_chart_passes_its_own_tests(lab: Lab) -> None:
    done = lab.run(["helm", "test", "lcc", "-n", lab.namespace, "--timeout", "3m"])

    assert done.returncode == 0, done.stdout + done.stderr


def test_check_finds_an_installed_chart_whole(lab: Lab) -> None:
    done = lab.launch("check")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗" not in done.stdout


def test_check_of_a_stranger_says_what_to_ask_for(lab: Lab, tmp_path: Path) -> None:
    rights = ["--verb=get,list", "--resource=configmaps,services,secrets,pods"]
    lab.kubectl("create", "role", "onlooker", *rights, check=False)
    lab.kubectl(
        "create", "rolebinding", "onlooker", "--role=onlooker",
        f"--serviceaccount={lab.namespace}:default", check=False,
    )  # fmt: skip
    token = lab.kubectl("create", "token", "default").strip()

    done = lab.launch("check", KUBECONFIG=a_kubeconfig(lab, tmp_path, token=token))

    assert done.returncode == 4
    assert "may not create jobs" in done.stdout


def test_the_api_server_judges_a_dry_run(prepared: Lab) -> None:
    before = prepared.items("jobs")

    options = ["--name", "tiles", "--gpus", "4", "--pods", "2"]
    done = prepared.launch("train", "--dry-run", "server", *options)

    assert done.returncode == 0, done.stderr
    kinds = [line.partition("/")[0] for line in done.stdout.splitlines()]
    assert kinds == ["job", "service"]  # which its Job owns
    assert len(prepared.items("jobs")) == len(before)


def test_all_faults_of_settings_come_at_once_before_anything_is_made(lab: Lab) -> None:
    before = len(lab.items("jobs"))

    said = failed(
        lab, "train", "--set", "cluster.image=lcc", "--gpus", "-1",
        "--set", "cluster.resources.train.memory=lots",
        "--set", "launch.parallelism=-3",
        "--set", "cluster.node_selector={a b: c}", code=2,
    )  # fmt: skip

    for path in ("cluster.image", "launch.gpus", "cluster.resources.train.memory",
                 "launch.parallelism", "cluster.node_selector"):  # fmt: skip
        assert f"{path}: must be" in said
    assert len(lab.items("jobs")) == before


def test_a_pod_that_asked_for_gpus_and_sees_none_says_so(prepared: Lab) -> None:
    said = failed(
        prepared, "train", "--gpus", "1", "--set", "train.device=gpu", *SMALL, code=2
    )

    assert "asked for 1 and none seen" in said
