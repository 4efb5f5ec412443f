"""A real cluster: whichever KUBECONFIG names, with this checkout's images and chart."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lcc.backends.kubernetes.client import open_cluster
from lcc.backends.kubernetes.port_forward import forward_port
from lcc.config.cluster import ClusterSettings
from lcc.config.storage import StorageSettings
from lcc.storage.uri import open_store
from tests.cluster.lab import (
    BACKBONE,
    BIN,
    QUOTA,
    RESTRICTED,
    SMALL_DATA,
    VALUES,
    Lab,
    kubectl,
)
from tests.conftest import REPOSITORY


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


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
    """Return a namespace with the chart installed; shared by all tests.

    It has a quota of all that pods ask for: nothing in it may go without a limit.
    """
    namespace = new_namespace()
    kubectl("create", "quota", "all", f"--hard={QUOTA}", "-n", namespace)
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


@pytest.fixture(scope="module")
def store(lab: Lab, monkeymodule: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give the lab's bucket, through the API server."""
    secret = {
        key: lab.kubectl("get", "secret", "lcc-s3", "-o",
                         f"go-template={{{{.data.{key} | base64decode}}}}")
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    }  # fmt: skip
    for key, value in secret.items():
        monkeymodule.setenv(key, value)
    own = ClusterSettings(namespace=lab.namespace)
    with (
        closing(open_cluster(own)) as cluster,
        forward_port(cluster, "lcc-s3", 8333) as port,
    ):
        endpoint = f"http://127.0.0.1:{port}"
        yield open_store("s3://lcc/study", StorageSettings(endpoint_url=endpoint))


@pytest.fixture(scope="module")
def monkeymodule() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch
