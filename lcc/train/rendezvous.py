"""A bounded wait until all workers of one training are there at the same time.

Knows plain sockets; no TensorFlow, whose own wait has no end and which takes the server
of an attempt that is just ending for a worker of this one.
"""

import logging
import socket
import time
from contextlib import suppress

from lcc.config import environment
from lcc.errors import UnavailableError
from lcc.train.workers import Workers

logger = logging.getLogger(__name__)

WAIT_SECONDS = 120.0  # an image is pulled and a pod started in that time
PAUSE_SECONDS = 0.2
ANSWER_SECONDS = 2.0  # that a living worker needs for one line
HELLO, READY, GO = b"lcc", b"ready\n", b"go\n"
MAX_LINE = 64


def wait_for_workers(workers: Workers, *, seconds: float = WAIT_SECONDS) -> None:
    """Return once all workers are there at the same time.

    The chief listens on its own address until each of the others has called; then it
    frees the address for TensorFlow. A process that waits for the chief of an attempt
    that is just ending keeps trying.

    Args:
        workers: Who is to come.
        seconds: How long to wait.

    Raises:
        UnavailableError: Some did not come; it names them.
    """
    deadline = time.monotonic() + seconds
    index = workers.index
    logger.info("event=rendezvous index=%d workers=%s", index, workers.addresses)
    missing = _wait_for_names(workers, deadline)
    if not missing and workers.is_chief:
        missing = _collect_calls(workers, deadline)
    elif not missing:
        missing = _call_chief(workers, deadline)
    if missing:
        message = (
            f"{environment.WORKERS}: all processes of the training must come within "
            f"{seconds:g} s, got no answer from {', '.join(missing)}. See whether they "
            "started; the training goes on from its last checkpoint."
        )
        raise UnavailableError(message)
    logger.info("event=rendezvous_done index=%d", index)


def _wait_for_names(workers: Workers, deadline: float) -> list[str]:
    """Wait until every host name resolves; return the addresses that do not."""
    named = dict(zip(workers.addresses, workers.hosts, strict=True))
    missing = list(workers.addresses)
    while missing and time.monotonic() < deadline:
        missing = [a for a, (host, port) in named.items() if not _resolves(host, port)]
        if missing:
            time.sleep(PAUSE_SECONDS)
    return missing


def _resolves(host: str, port: int) -> bool:
    try:
        return bool(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except OSError:
        return False


def _collect_calls(workers: Workers, deadline: float) -> list[str]:
    """Listen until all others have called and still answer; return who did not."""
    others = set(range(1, len(workers.addresses)))
    calls: dict[int, socket.socket] = {}
    try:
        with _listen(workers.hosts[0][1], deadline) as server:
            while set(calls) != others or not _all_ready(calls):
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return [workers.addresses[n] for n in sorted(others - set(calls))]
                server.settimeout(remaining)
                with suppress(TimeoutError):
                    _accept(server, calls, others)
        for call in calls.values():  # the address is free from here on
            call.sendall(GO)
    except OSError:
        return [workers.addresses[0]]
    finally:
        for call in calls.values():
            call.close()
    return []


def _listen(port: int, deadline: float) -> socket.socket:
    """Return a listening socket; the last attempt may still hold the address."""
    is_dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if is_dual else socket.AF_INET
    while True:
        try:
            return socket.create_server(
                ("", port), family=family, dualstack_ipv6=is_dual
            )
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


def _accept(
    server: socket.socket, calls: dict[int, socket.socket], others: set[int]
) -> None:
    """Take one call; of two from one worker the later still lives."""
    call, _ = server.accept()
    call.settimeout(ANSWER_SECONDS)
    try:
        words = call.recv(MAX_LINE).split()
    except OSError:
        words = []
    known = {str(number).encode(): number for number in others}
    if (
        len(words) != len((HELLO, "index"))
        or words[0] != HELLO
        or words[1] not in known
    ):
        call.close()
        return
    earlier = calls.pop(known[words[1]], None)
    if earlier is not None:
        earlier.close()
    calls[known[words[1]]] = call


def _all_ready(calls: dict[int, socket.socket]) -> bool:
    """Ask all whether they are still there; forget those that are not."""
    for number, call in list(calls.items()):
        try:
            call.sendall(READY)
            is_there = call.recv(MAX_LINE) == READY
        except OSError:
            is_there = False
        if not is_there:
            calls.pop(number).close()
            return False
    return True


def _call_chief(workers: Workers, deadline: float) -> list[str]:
    """Call the chief until it says that all are there; return it where it does not."""
    while (remaining := deadline - time.monotonic()) > 0:
        with suppress(OSError):
            address = workers.hosts[0]
            with socket.create_connection(address, timeout=remaining) as call:
                call.sendall(b"%s %d\n" % (HELLO, workers.index))
                if _wait_for_go(call, deadline):
                    return []
        time.sleep(PAUSE_SECONDS)
    return [workers.addresses[0]]


def _wait_for_go(call: socket.socket, deadline: float) -> bool:
    while (remaining := deadline - time.monotonic()) > 0:
        call.settimeout(remaining)
        line = call.recv(MAX_LINE)
        if line != READY:
            return line.endswith(GO)
        call.sendall(READY)
    return False
