"""One connection to a port of a pod, through a real WebSocket."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lcc.backends.kubernetes.client import KubernetesCluster, open_cluster
from lcc.backends.kubernetes.websocket import pump
from lcc.config.cluster import ClusterSettings
from lcc.errors import ConfigError, UnavailableError
from tests.builders.api_server import (
    TOKEN,
    ApiServer,
    Tunnel,
    a_refusal,
    serving,
)

DATA, ERROR = 0, 1


@pytest.fixture(params=["https", "http"], autouse=True)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> Iterator[ApiServer]:
    """Give a server, with TLS and without: `kubectl proxy` has none."""
    file = tmp_path / "kubeconfig"
    with serving(tmp_path, tls=scheme == "https") as api:
        api.write_kubeconfig(file)
        monkeypatch.setenv("KUBECONFIG", str(file))
        yield api


def echo(_: int, far: Tunnel) -> None:
    while data := far.receive():
        far.send(DATA, data)


@contextmanager
def pumping(cluster: KubernetesCluster) -> Iterator[socket.socket]:
    """Give a socket that leads to port 8333 of a pod; the pump has ended afterwards."""
    here, near = socket.socketpair()
    here.settimeout(10)
    far = cluster.connect("s3-0", 8333)

    def work() -> None:
        with near:
            pump(near, far)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    with here:
        yield here
    thread.join(timeout=10)
    assert not thread.is_alive()


def read_all(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(1 << 20), b""))


def read_exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return data


def test_bytes_go_both_ways(cluster: KubernetesCluster, server: ApiServer) -> None:
    server.tunnel = echo

    with pumping(cluster) as here:
        for data in (b"one", b"\x00two\xff"):
            here.sendall(data)
            assert read_exactly(here, len(data)) == data

    [request] = server.requests
    assert request.path == "/api/v1/namespaces/lab/pods/s3-0/portforward"
    assert request.query == {"ports": "8333"}
    assert request.token == f"Bearer {TOKEN}"


def test_megabytes_arrive_whole(cluster: KubernetesCluster, server: ApiServer) -> None:
    data = bytes(range(256)) * (8 << 10)  # 2 MB: many frames, and more than a buffer

    def give(_: int, far: Tunnel) -> None:
        for start in range(0, len(data), 30_000):
            far.send(DATA, data[start : start + 30_000])

    server.tunnel = give

    with pumping(cluster) as here:
        assert read_all(here) == data


def test_small_frames_that_come_at_once_are_all_handed_on(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    def give(_: int, far: Tunnel) -> None:
        far.send(DATA, *(bytes([number]) for number in range(200)))
        far.receive()  # open until the client goes: no end pushes the last frames on

    server.tunnel = give

    with pumping(cluster) as here:
        assert read_exactly(here, 200) == bytes(range(200))


def test_a_pod_that_closes_ends_the_connection(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    server.tunnel = lambda _, far: far.send(DATA, b"bye")

    with pumping(cluster) as here:
        assert read_all(here) == b"bye"


def test_a_client_that_goes_ends_the_tunnel(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    ended = threading.Event()

    def wait(_: int, far: Tunnel) -> None:
        assert far.receive() == b""
        ended.set()

    server.tunnel = wait

    with pumping(cluster):
        pass

    assert ended.wait(10)


def test_an_error_of_the_pod_ends_the_connection_and_is_logged(
    cluster: KubernetesCluster, server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: int, far: Tunnel) -> None:
        far.send(ERROR, b"dial tcp 127.0.0.1:8333: connection refused")
        far.receive()

    server.tunnel = refuse

    with caplog.at_level("INFO"), pumping(cluster) as here:
        assert read_all(here) == b""

    assert "reason=dial tcp 127.0.0.1:8333: connection refused" in caplog.text


def test_a_tunnel_that_is_refused_says_why(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    message = 'User "ada" cannot create resource "pods/portforward" in API group ""'
    server.will(a_refusal(403, message))

    with pytest.raises(ConfigError, match=r"may not create pods/portforward\. Ask for"):
        cluster.connect("s3-0", 8333)


def test_a_tunnel_to_a_server_that_is_away_is_temporary(
    tmp_path: Path, server: ApiServer
) -> None:
    file = tmp_path / "kubeconfig"
    ApiServer(url="http://127.0.0.1:1", authority=None).write_kubeconfig(file)

    with (
        closing(open_cluster(ClusterSettings())) as cluster,
        pytest.raises(UnavailableError, match="Connection refused"),
    ):
        cluster.connect("s3-0", 8333)
