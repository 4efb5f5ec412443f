"""An API server on loopback, and a client of it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lcc.backends.kubernetes.client import KubernetesCluster, open_cluster
from lcc.config.cluster import ClusterSettings
from tests.builders.api_server import ApiServer, serving


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """Give a server that KUBECONFIG leads to, with namespace lab."""
    file = tmp_path / "kubeconfig"
    with serving(tmp_path) as api:
        api.write_kubeconfig(file)
        monkeypatch.setenv("KUBECONFIG", str(file))
        yield api


@pytest.fixture
def cluster(server: ApiServer) -> Iterator[KubernetesCluster]:
    """Give a client of the server."""
    with closing(open_cluster(ClusterSettings())) as client:
        yield client
