"""Services of a cluster on this machine, through the API server."""

import socket
from contextlib import ExitStack

import pytest

from lcc.backends.kubernetes.client import KubernetesCluster
from lcc.backends.kubernetes.interface import Object
from lcc.backends.kubernetes.port_forward import (
    AddressRewriter,
    find_pod,
    forward_port,
    service_of,
)
from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError, UnavailableError
from tests.builders.api_server import ApiServer, Tunnel, a_refusal, an_object
from tests.builders.clusters import FakeCluster


def a_service(port: int, target: int | str) -> Object:
    return {
        "kind": "Service",
        "metadata": {"name": "lcc-s3"},
        "spec": {
            "selector": {"app": "s3"},
            "ports": [{"port": port, "targetPort": target}],
        },
    }


def a_server(*, is_ready: bool) -> Object:
    return {
        "kind": "Pod",
        "metadata": {"name": "s3-0", "labels": {"app": "s3"}},
        "spec": {"containers": [{"ports": [{"name": "http", "containerPort": 8333}]}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True" if is_ready else "False"}]
        },
    }


@pytest.mark.parametrize("target", [8333, "http"], ids=["number", "name"])
def test_a_service_leads_to_a_ready_pod_and_its_port(target: int | str) -> None:
    cluster = FakeCluster()
    cluster.put(a_service(80, target))
    cluster.put(a_server(is_ready=True))

    assert find_pod(cluster, "lcc-s3", 80) == ("s3-0", 8333)


def test_a_service_without_a_ready_pod_is_temporary() -> None:
    cluster = FakeCluster()
    cluster.put(a_service(80, 8333))
    cluster.put(a_server(is_ready=False))

    with pytest.raises(UnavailableError, match="needs a ready pod"):
        find_pod(cluster, "lcc-s3", 80)


def test_a_service_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(ConfigError, match="Install the chart"):
        find_pod(FakeCluster(), "lcc-s3", 80)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://lcc-s3.lab.svc:8333", ("lcc-s3", 8333)),
        ("http://lcc-mlflow.lab.svc.cluster.local", ("lcc-mlflow", 80)),
        ("https://s3.eu-central-1.amazonaws.com", None),
        ("sqlite:////tmp/mlflow.db", None),
    ],
)
def test_only_addresses_of_the_cluster_are_forwarded(
    url: str, expected: tuple[str, int] | None
) -> None:
    assert service_of(url) == expected


def a_ready_service(server: ApiServer) -> None:
    pods = {"metadata": {"resourceVersion": "1"}, "items": [a_server(is_ready=True)]}
    server.will(an_object(a_service(80, "http")), an_object(pods))


def ask(port: int, text: bytes) -> bytes:
    """Return what a server answers to one text before it closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(text)
        return b"".join(iter(lambda: sock.recv(1024), b""))


def test_a_local_port_leads_to_a_pod_of_the_service(
    cluster: KubernetesCluster, server: ApiServer
) -> None:
    reached = []

    def answer(port: int, far: Tunnel) -> None:
        reached.append(port)
        far.send(0, b"pod says " + far.receive())

    server.tunnel = answer

    with forward_port(cluster, "lcc-s3", 80) as local:
        for text in (b"one", b"two"):  # each connection finds its pod anew
            a_ready_service(server)
            assert ask(local, text) == b"pod says " + text

    assert reached == [8333, 8333]


def test_a_connection_that_leads_nowhere_is_closed_and_the_reason_told(
    cluster: KubernetesCluster, server: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.will(a_refusal(404, 'services "lcc-s3" not found'))

    with (
        forward_port(cluster, "lcc-s3", 80) as local,
        socket.create_connection(("127.0.0.1", local), timeout=10) as sock,
    ):
        assert sock.recv(1024) == b""

    assert "event=forward_failed service=lcc-s3 reason=service lcc-s3: must" in (
        caplog.text
    )


def test_nobody_listens_after_the_end() -> None:
    with forward_port(FakeCluster(), "lcc-s3", 80) as local:
        pass

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", local), timeout=10)


def test_a_local_port_that_is_taken_is_named() -> None:
    with ExitStack() as stack:
        first = stack.enter_context(forward_port(FakeCluster(), "lcc-s3", 80))
        second = forward_port(FakeCluster(), "lcc-s3", 80, local_port=first)

        with pytest.raises(ConfigError, match=f"port {first}: must be free"):
            stack.enter_context(second)


def test_addresses_inside_the_cluster_are_rewritten_and_others_left_alone() -> None:
    settings = changed_settings(
        Settings(),
        {
            "storage.endpoint_url": "http://lcc-s3.lab.svc:8333",
            "tracking.uri": "https://mlflow.example.org",
        },
    )

    with ExitStack() as stack:
        rewriter = AddressRewriter(FakeCluster(), stack)
        found, again = rewriter.rewrite(settings), rewriter.rewrite(settings)

    url = str(found.storage.endpoint_url)
    assert url.startswith("http://127.0.0.1:")
    assert found.tracking == settings.tracking
    assert again == found  # one listener, however often it is asked for
