"""Forwards ports of this machine to Services of the cluster, through the API server.

Knows sockets and how a Service leads to a pod; not what is spoken over them.
"""

import logging
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from lcc.backends.kubernetes.interface import Cluster, Object
from lcc.backends.kubernetes.websocket import pump
from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError, LccError, UnavailableError

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.1  # how long the end of a forward takes at most
ADDRESSES = ("storage.endpoint_url", "tracking.uri")


class AddressRewriter:
    """Makes addresses inside a cluster work from here; opens each listener once.

    An address inside the cluster ends in `.svc`; all others are left alone.

    Args:
        cluster: Where the Services are.
        stack: Closes the listeners.
    """

    def __init__(self, cluster: Cluster, stack: ExitStack) -> None:
        self._cluster = cluster
        self._stack = stack
        self._urls: dict[str, str] = {}

    def rewrite(self, settings: Settings) -> Settings:
        """Return the settings with addresses that work from here."""
        changes: dict[str, object] = {}
        for path in ADDRESSES:
            section, _, name = path.partition(".")
            url = getattr(getattr(settings, section), name)
            if url and service_of(url):
                changes[path] = self.url(url)
        return changed_settings(settings, changes) if changes else settings

    def url(self, url: str) -> str:
        """Return a loopback URL that leads where `url` leads inside the cluster."""
        if url not in self._urls:
            name, port = service_of(url) or ("", 0)
            listener = forward_port(self._cluster, name, port)
            local = self._stack.enter_context(listener)
            self._urls[url] = f"{urlsplit(url).scheme}://127.0.0.1:{local}"
        return self._urls[url]


class _Listener(socketserver.ThreadingTCPServer):
    """Calls its handler in a thread for each connection, and closes that afterwards."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # a connection that hangs must not hold up the end
    request_queue_size = 64


@contextmanager
def forward_port(
    cluster: Cluster, service: str, port: int, *, local_port: int = 0
) -> Iterator[int]:
    """Give a loopback port that leads to a Service until the end of `with`.

    Raises:
        ConfigError: The local port is taken.
    """

    def carry(near: socket.socket, *_: object) -> None:
        _carry(cluster, service, port, near)

    try:
        listener = _Listener(("127.0.0.1", local_port), carry)  # type: ignore[arg-type]
    except OSError as err:
        message = (
            f"port {local_port}: must be free on this machine, got {err.strerror}. "
            "Pass another --port."
        )
        raise ConfigError(message) from err
    with listener:
        threading.Thread(
            target=listener.serve_forever, args=(POLL_SECONDS,), daemon=True
        ).start()
        try:
            yield listener.server_address[1]
        finally:
            listener.shutdown()


def _carry(cluster: Cluster, service: str, port: int, near: socket.socket) -> None:
    """Carry one connection; one that leads nowhere ends, as that of a dead server."""
    try:
        pod, target = find_pod(cluster, service, port)
        far = cluster.connect(pod, target)
    except LccError as err:
        logger.warning("event=forward_failed service=%s reason=%s", service, err)
        return
    pump(near, far)


def find_pod(cluster: Cluster, service: str, port: int) -> tuple[str, int]:
    """Return a ready pod of a Service, and the port it listens on.

    Raises:
        ConfigError: There is no such Service.
        UnavailableError: None of its pods is ready.
    """
    found = cluster.read("Service", service)
    if found is None:
        message = (
            f"service {service}: must exist in namespace {cluster.namespace}, got "
            "none. Install the chart, or check --namespace."
        )
        raise ConfigError(message)
    spec = found["spec"]
    selector = ",".join(f"{key}={value}" for key, value in spec["selector"].items())
    for page in cluster.pages("Pod", selector):
        for pod in page.items:
            if _is_ready(pod):
                return pod["metadata"]["name"], _target(spec, pod, port)
    message = f"service {service}: needs a ready pod, got none. Try again in a moment."
    raise UnavailableError(message)


def _is_ready(pod: Object) -> bool:
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = pod.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _target(spec: Object, pod: Object, port: int) -> int:
    """Return the number of a Service's target port, which may be a name."""
    rule: Object = next((rule for rule in spec["ports"] if rule["port"] == port), {})
    target = rule.get("targetPort", port)
    named = {
        own.get("name"): own["containerPort"]
        for container in pod["spec"]["containers"]
        for own in container.get("ports", ())
    }
    return int(named.get(target) or target)


def service_of(url: str) -> tuple[str, int] | None:
    """Return the Service and port of an address inside a cluster, None for others.

    Example:
        >>> service_of("http://lcc-s3.lab.svc:8333"), service_of("https://s3.lab.org")
        (('lcc-s3', 8333), None)
    """
    parts = urlsplit(url)
    words = (parts.hostname or "").split(".")
    if words[2:3] != ["svc"]:
        return None
    return words[0], parts.port or (443 if parts.scheme == "https" else 80)
