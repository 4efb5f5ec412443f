"""A real cluster: whichever KUBECONFIG names, with this checkout's images and chart."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lcc.config.cluster import ClusterSettings
from lcc.errors import UnavailableError
from lcc.launch.api_server import KubernetesCluster
from lcc.launch.forward import forwarding
from tests.conftest import REPOSITORY

VALUES = Path(__file__).with_name("values.yaml")
BIN = Path(sys.executable).parent
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"

SMALL_DATA = (
    *("--set", "data.tile_size_px=32", "--set", "data.num_folds=2"),
    *("--set", "data.num_slices=2", "--parallelism", "2"),
)
BACKBONE = "s3://lcc/backbones/tiny.keras"
SMALL = (  # a training of seconds
    *("--set", "data.tile_size_px=32", "--set", f"model.backbone={BACKBONE}"),
    *("--name", "tiles", "--batch-size", "16", "--epochs", "1"),
)

Done = subprocess.CompletedProcess[str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


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

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `lcc-launch` and go on."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=_environment(),
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
            closing(KubernetesCluster(own)) as cluster,
            forwarding(cluster, "lcc-mlflow", 5000) as port,
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


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    """Return the kubeconfig in force, or skip."""
    path = os.environ.get("KUBECONFIG")
    if path is None or shutil.which("kubectl") is None or shutil.which("helm") is None:
        pytest.skip("no cluster: set KUBECONFIG, and put kubectl and helm on the PATH")
    return path


@pytest.fixture(scope="session")
def new_namespace(kubeconfig: str) -> Iterator[Callable[[], str]]:
    """Make namespaces that enforce the restricted Pod Security Standard."""
    made = []

    def make() -> str:
        name = f"lcc-test-{secrets.token_hex(3)}"
        kubectl("create", "namespace", name)
        kubectl("label", "namespace", name, RESTRICTED)
        made.append(name)
        return name

    yield make
    if made:
        kubectl("delete", "namespace", *made, "--wait=false")


@pytest.fixture(scope="session")
def lab(
    new_namespace: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Lab:
    """Return a namespace with the chart installed; shared by all tests."""
    namespace = new_namespace()
    done = subprocess.run(
        ["helm", "install", "lcc", str(REPOSITORY / "charts" / "lcc"), "-n", namespace,
         "--wait", "--timeout", "5m", "--values", str(VALUES)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Lab(namespace, tmp_path_factory.mktemp("laptop"))


@pytest.fixture(scope="session")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small synthetic set: 8 sources of 6 tiles in each class."""
    folder = tmp_path_factory.mktemp("source") / "tiles"
    command = [BIN / "lcc-launch", "sample", folder, "-q", "--size-px", "96"]
    subprocess.run([*command, "--sources", "8", "--copies", "6"], check=True)
    return folder


@pytest.fixture(scope="session")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `tiny.keras`: two convolutions, each normalised."""
    import keras

    keras.utils.set_random_seed(0)
    images = keras.Input((32, 32, 3))
    features = keras.layers.Rescaling(1 / 255)(images)
    for filters in (8, 16):
        features = keras.layers.Conv2D(filters, 3, strides=2)(features)
        features = keras.layers.BatchNormalization(momentum=0.5)(features)
        features = keras.layers.ReLU()(features)
    folder = tmp_path_factory.mktemp("backbones")
    keras.Model(images, features).save(folder / "tiny.keras")
    return folder


@pytest.fixture(scope="session")
def prepared(lab: Lab, tiles: Path, backbones: Path) -> Lab:
    """Return the lab with a tiny backbone, and the small set prepared."""
    for folder, uri in ((backbones, BACKBONE), (tiles, "s3://lcc/sources/tiles/.")):
        done = lab.launch("upload", str(folder), uri.rpartition("/")[0])
        assert done.returncode == 0, done.stderr
    done = lab.launch("prepare", "s3://lcc/sources/tiles", *SMALL_DATA)
    assert done.returncode == 0, done.stderr
    return lab


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
