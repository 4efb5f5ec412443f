"""Carries one TCP connection through the API server, as `kubectl port-forward` does.

The Python client's own port-forward keeps all that it has received in one string and
copies it with every packet; this one hands each frame on as it comes.

Source: Kubernetes' `v4.channel.k8s.io` protocol. The first byte of a frame is its
channel, data on 0 and errors on 1; each begins with a frame of the port's number.
"""

import contextlib
import logging
import select
import socket
import ssl
from typing import Any
from urllib.parse import urlencode

from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.stream.ws_client import create_websocket, get_websocket_url
from websocket import ABNF, WebSocketBadStatusException, WebSocketException

logger = logging.getLogger(__name__)
CHUNK = 256 << 10
DATA, ERROR = 0, 1
OPENING = 3  # bytes of a channel's first frame


def open_tunnel(configuration: Configuration, path: str, port: int) -> Any:
    """Return a WebSocket to a port of a pod.

    Args:
        configuration: Of the API server.
        path: Of the pod, without `/portforward`.
        port: In the pod.

    Raises:
        ApiException: The API server refuses or is away.
    """
    headers: dict[str, str] = {}
    ApiClient(configuration).update_params_for_auth(headers, [], ["BearerToken"])
    query = urlencode({"ports": port})
    url = f"{configuration.host}{path}/portforward?{query}"
    try:
        return create_websocket(configuration, get_websocket_url(url), headers)
    except WebSocketBadStatusException as err:
        refusal = ApiException(status=err.status_code, reason=str(err))
        refusal.body = err.resp_body  # what the API server says
        raise refusal from err
    except (WebSocketException, OSError) as err:
        raise ApiException(status=0, reason=str(err)) from err


def pump(near: socket.socket, far: Any) -> None:
    """Carry bytes both ways until one side ends.

    Args:
        near: A connected socket.
        far: The WebSocket of a tunnel; closed at the end.
    """
    openings = 2  # the first frame of each channel holds the port's number
    try:
        while True:
            ready = _wait(near, far)
            if near in ready:
                data = near.recv(CHUNK)
                if not data:
                    return
                far.send_binary(bytes([DATA]) + data)
            if far in ready:
                data = _data_of(far.recv_data())
                if openings:
                    openings -= 1
                else:
                    near.sendall(data)
    except (OSError, WebSocketException):
        return
    finally:
        with contextlib.suppress(OSError, WebSocketException):
            far.close(timeout=1)
            far.shutdown()


def _data_of(message: tuple[int, bytes]) -> bytes:
    """Return the data of a frame.

    Raises:
        ConnectionError: The other side closed, or reports an error.
    """
    opcode, frame = message
    if opcode == ABNF.OPCODE_CLOSE or not frame:
        raise ConnectionResetError
    if frame[0] == ERROR and len(frame) > OPENING:
        logger.info("event=tunnel_failed reason=%s", frame[1:].decode())
        raise ConnectionAbortedError
    return frame[1:]


def _wait(near: socket.socket, far: Any) -> list[Any]:
    """Return the sides that have something to read."""
    # TLS takes in whole records: what is left of one no longer shows on the socket.
    if isinstance(far.sock, ssl.SSLSocket) and far.sock.pending():
        return [far]
    return select.select([near, far], [], [])[0]
