"""A namespace of a real cluster, and what tests do and ask there."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lcc.backends.kubernetes.client import open_cluster
from lcc.backends.kubernetes.port_forward import forward_port
from lcc.config.cluster import ClusterSettings
from lcc.errors import UnavailableError

VALUES = Path(__file__).with_name("values.yaml")
BIN = Path(sys.executable).parent
QUOTA = "limits.cpu=200,limits.memory=400Gi,requests.cpu=100,requests.memory=400Gi"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"

SMALL_DATA = (
    *("--set", "data.tile_size_px=32", "--set", "data.num_folds=2"),
    *("--set", "data.num_shards=2", "--parallelism", "2"),
)
BACKBONE = "s3://lcc/backbones/tiny.keras"
SMALL = (  # a training of seconds
    *("--set", "data.tile_size_px=32", "--set", f"model.backbone={BACKBONE}"),
    *("--name", "tiles", "--batch-size", "16", "--epochs", "1"),
)

LONG = ("--epochs", "40", "--set", "train.early_stopping_patience=null")

Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Lab:
    """A namespace, and the commands that act in it."""

    namespace: str
    folder: Path

    def launch(self, *arguments: str, seconds: float = 300, **environ: str) -> Done:
        """Run `lcc-launch` as a user's laptop would, to its end."""
        return self.run([*self.command(*arguments)], seconds=seconds, **environ)

    def command(self, *arguments: str) -> list[str]:
        return [str(BIN / "lcc-launch"), *arguments, "-n", self.namespace]

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start `lcc-launch` and go on."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=_environment() | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: list[str], *, seconds: float = 300, **environ: str) -> Done:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=_environment() | environ,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        done = kubectl("-n", self.namespace, *arguments)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, manifest: dict[str, Any]) -> None:
        command = ["kubectl", "-n", self.namespace, "apply", "-f", "-"]
        subprocess.run(
            command, input=json.dumps(manifest), text=True, check=True,
            capture_output=True, env=_environment(),
        )  # fmt: skip

    def items(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        text = self.kubectl("get", kind, "-l", selector, "-o", "json")
        found: list[dict[str, Any]] = json.loads(text)["items"]
        return found

    @contextmanager
    def tracking(self) -> Iterator[tuple[Any, str]]:
        """Give a client of the lab's MLflow, and the id of the experiment."""
        from mlflow import MlflowClient

        own = ClusterSettings(namespace=self.namespace)
        with (
            closing(open_cluster(own)) as cluster,
            forward_port(cluster, "lcc-mlflow", 5000) as port,
        ):
            client = MlflowClient(f"http://127.0.0.1:{port}")
            experiment = client.get_experiment_by_name("lcc")
            assert experiment is not None
            yield client, experiment.experiment_id

    def runs(self) -> list[str]:
        """Return the run ids of the root, oldest first."""
        done = self.launch("list")
        return [line.split()[0] for line in done.stdout.splitlines()[1:]]


def _environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "200"}


def kubectl(*arguments: str) -> Done:
    return subprocess.run(
        ["kubectl", *arguments], capture_output=True, text=True, check=False
    )


def wait_until(
    condition: Callable[[], object], *, seconds: float = 60, what: str = "it"
) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except UnavailableError:
            pass
        time.sleep(0.5)
    pytest.fail(f"waited {seconds:.0f} s for {what}")


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


def a_kubeconfig(lab: Lab, folder: Path, **changes: str) -> str:
    """Write the kubeconfig in force with one thing changed."""
    text = kubectl("config", "view", "--raw", "--minify").stdout
    server = kubectl(
        "config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"
    ).stdout
    text = text.replace(server, changes.get("server", server))
    if token := changes.get("token"):
        head, _, _ = text.partition("users:")
        name = kubectl(
            "config", "view", "--minify", "-o", "jsonpath={.users[0].name}"
        ).stdout
        text = f"{head}users:\n- name: {name}\n  user:\n    token: {token}\n"
    path = folder / "kubeconfig"
    path.write_text(text)
    return str(path)
