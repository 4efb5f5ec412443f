"""The chart on a real cluster: installed, tested, upgraded, removed, found again."""

import base64
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.rendering import CHART, Done, run_helm

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
SMALL = "resources.requests.cpu=50m"  # the cluster of a laptop has few CPUs
KEPT = ("lcc-s3", "lcc-postgresql")


def kubectl(*arguments: str, text: str | None = None) -> str:
    done = subprocess.run(
        ["kubectl", *arguments], capture_output=True, text=True, check=False, input=text
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def read(namespace: str, *what: str) -> Any:
    return json.loads(kubectl("get", "-n", namespace, *what, "-o", "json"))


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """Make a namespace that enforces restricted Pod Security; delete it afterwards."""
    if "KUBECONFIG" not in os.environ:
        pytest.skip("no cluster: set KUBECONFIG to one that has the images")
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl: install it and put it on the PATH")
    name = f"chart-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    kubectl("label", "ns", name, "pod-security.kubernetes.io/enforce=restricted")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def helm(*arguments: str) -> Done:
    done = run_helm(*arguments)
    assert done.code == 0, done.out + done.err
    return done


def install(namespace: str, release: str, *flags: str) -> Done:
    sizes = [f"--set={server}.{SMALL}" for server in ("s3", "mlflow", "postgresql")]
    return helm(
        *("upgrade", "--install", release, str(CHART), "-n", namespace),
        *("--wait", "--timeout", "5m", *sizes, *flags),
    )


def passwords(namespace: str) -> dict[str, dict[str, str]]:
    return {name: read(namespace, "secret", name)["data"] for name in KEPT}


def in_a_pod(namespace: str, script: str) -> str:
    """Run Python in the bundled MLflow pod, with the keys and places of the servers."""
    pod = "deployment/lcc-mlflow"
    return kubectl(
        *("exec", "-i", "-n", namespace, pod, "-c", "mlflow", "--", "python", "-"),
        text=script,
    )


def may(namespace: str, who: str, verb: str, what: str) -> bool:
    """Return whether somebody may do so; `what` is a kind, kind/name or kind:part."""
    kind, _, part = what.partition(":")
    done = subprocess.run(
        [
            *("kubectl", "auth", "can-i", verb, kind, "-n", namespace, "--as", who),
            *(["--subresource", part] if part else []),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() == "yes"


WRITE = """
import boto3
from mlflow import MlflowClient
boto3.client("s3").put_object(Bucket="lcc", Key="study/kept", Body=b"kept")
MlflowClient("http://127.0.0.1:5000").create_experiment("kept")
"""
READ = """
import boto3
from mlflow import MlflowClient
print(boto3.client("s3").get_object(Bucket="lcc", Key="study/kept")["Body"].read())
print(MlflowClient("http://127.0.0.1:5000").get_experiment_by_name("kept").name)
"""


def test_a_release_lives_and_comes_back(namespace):
    install(namespace, "lcc")
    tested = helm("test", "lcc", "-n", namespace)
    in_a_pod(namespace, WRITE)
    made = passwords(namespace)

    install(namespace, "lcc", "--set=settings.train.epochs=7")
    upgraded = passwords(namespace)
    helm("uninstall", "lcc", "-n", namespace, "--wait")
    removed = passwords(namespace)
    install(namespace, "lcc")

    assert tested.out.count("Succeeded") == 3
    assert made == upgraded == removed == passwords(namespace)
    assert in_a_pod(namespace, READ) == "b'kept'\nkept\n"
    keys = {name: base64.b64decode(text) for name, text in made["lcc-s3"].items()}
    assert {name: len(key) for name, key in keys.items()} == {
        "AWS_ACCESS_KEY_ID": 20,
        "AWS_SECRET_ACCESS_KEY": 40,
    }


def test_a_person_with_the_launcher_role_may_launch_and_no_more(namespace):
    install(
        namespace,
        "lcc",
        "--set=launcher.subjects[0].kind=User,launcher.subjects[0].name=ada",
    )

    for verb, what in (
        ("create", "jobs.batch"),
        ("create", "pods:portforward"),
        ("get", "secrets/lcc-s3"),
        ("list", "resourcequotas"),
    ):
        assert may(namespace, "ada", verb, what), f"{verb} {what}"
    for verb, what in (
        ("get", "secrets/lcc-postgresql"),
        ("list", "secrets"),
        ("create", "pods"),
        ("create", "pods:exec"),
        ("update", "configmaps"),
    ):
        assert not may(namespace, "ada", verb, what), f"{verb} {what}"


def test_the_servers_of_s3_stay_on_loopback(namespace):
    install(namespace, "lcc")
    address = read(namespace, "pod", "lcc-s3-0")["status"]["podIP"]
    script = f"""
import socket
for port in (8333, 8080, 8888, 9333):
    probe = socket.socket()
    probe.settimeout(3)
    print(port, probe.connect_ex(("{address}", port)) == 0)
"""

    answers = in_a_pod(namespace, script).splitlines()

    assert answers == ["8333 True", "8080 False", "8888 False", "9333 False"]


def test_what_users_add_is_in_every_server_that_runs(namespace):
    pods = {"s3": "lcc-s3-0", "postgresql": "lcc-postgresql-0"}
    kubectl("create", "configmap", "greeting", "-n", namespace, "--from-literal=a=hi")
    added = {
        "extraEnv": [{"name": "GREETING", "value": "hello"}],
        "podLabels": {"team": "pathology"},
        "podAnnotations": {"example.org/note": "kept"},
        "extraVolumes": [{"name": "greeting", "configMap": {"name": "greeting"}}],
        "extraVolumeMounts": [{"name": "greeting", "mountPath": "/greeting"}],
    }
    flags = [
        f"--set-json={server}.{field}={json.dumps(value)}"
        for server in ("s3", "mlflow", "postgresql")
        for field, value in added.items()
    ]

    install(namespace, "lcc", *flags, "--set=podLabels.cost-center=lab")
    tested = helm("test", "lcc", "-n", namespace)

    assert tested.out.count("Succeeded") == 3
    (mlflow,) = read(namespace, "pods", "-lapp.kubernetes.io/component=mlflow")["items"]
    pods["mlflow"] = mlflow["metadata"]["name"]
    for server, name in pods.items():
        metadata = read(namespace, "pod", name)["metadata"]
        assert metadata["labels"]["team"] == "pathology"
        assert metadata["labels"]["cost-center"] == "lab"
        assert metadata["annotations"]["example.org/note"] == "kept"
        look = "printenv GREETING && cat /greeting/a"
        said = kubectl(
            *("exec", "-n", namespace, name, "-c", server, "--", "sh", "-c", look)
        )
        assert said == "hello\nhi"


def test_a_release_with_a_long_name_works_and_goes_without_a_trace(namespace):
    release = "lung-histopathology-study-of-the-university-hospitals"
    keep = "--set=s3.persistence.keep=false,postgresql.persistence.keep=false"
    selector = f"-lapp.kubernetes.io/instance={release}"

    install(namespace, release, keep)
    tested = helm("test", release, "-n", namespace)
    helm("uninstall", release, "-n", namespace, "--wait")
    kubectl("wait", "-n", namespace, "--for=delete", "pvc", selector, "--timeout=120s")

    assert tested.out.count("Succeeded") == 3
    kinds = "all,secret,configmap,pvc,job,role,rolebinding,serviceaccount,networkpolicy"
    assert read(namespace, kinds, selector)["items"] == []
