"""Brings MLflow in line with runs: while they go, at their end, and after a crash.

Knows when reports are sent, and for whom; what is sent, and how, is in
`lcc.tracking.sender`. A server that is away never holds a run up.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from lcc.config.settings import Settings
from lcc.errors import LccError
from lcc.launch.backend import Backend
from lcc.launch.claim import claimed
from lcc.launch.state import DIED, RunState, RunStatus, read_run_settings, write_state
from lcc.storage.store import Store
from lcc.tracking.mlflow import MlflowServer, open_mlflow
from lcc.tracking.sender import Sender
from lcc.tracking.server import TrackingServer
from lcc.tracking.tracker import Tracker

logger = logging.getLogger(__name__)
INTERVAL_SECONDS = 2.0

ServerOf = Callable[[Settings], TrackingServer]


def tracking_server(backend: Backend, settings: Settings) -> MlflowServer:
    """Return the tracking server that settings name, as it is reached from here."""
    return open_mlflow(backend.reachable(settings).tracking, backend.store.uri)


@contextmanager
def syncing(sender: Sender) -> Iterator[None]:
    """Send new reports every two seconds until the end of `with`."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(INTERVAL_SECONDS):
            send_safely(sender)

    thread = threading.Thread(target=work, name="syncing", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def send_safely(sender: Sender) -> int | None:
    """Send new reports once; a store that is away is met like a server that is.

    Returns:
        Chunks that still wait, None where even that is unknown.
    """
    return _safely(sender, sender.forward)


def finish_safely(sender: Sender) -> int | None:
    """Send the last reports and end what died; to be called once nobody reports."""
    return _safely(sender, sender.finish)


def _safely(sender: Sender, send: Callable[[], int]) -> int | None:
    try:
        return send()
    except LccError as err:
        logger.warning("event=forwarding_failed run=%s reason=%s", sender.run_id, err)
        return None


def reconcile(store: Store, states: list[RunState], server_of: ServerOf) -> int:
    """Send what earlier drivers could not; a lost run is reported as killed.

    A run that somebody drives is left to its driver.

    Args:
        store: The root.
        states: The runs as they stand now, Jobs without a driver included.
        server_of: Returns the tracking server of a run's settings.

    Returns:
        Chunks of reports that still wait.
    """
    waiting = 0
    for state in states:
        if _is_unsettled(state):
            waiting += settle(store, state, server_of)
        elif state.status is not RunStatus.RUNNING and state.steps:
            waiting += finish_run(store, state.run_id, server_of) or 0
    return waiting


def settle_all(store: Store, states: Iterable[RunState], server_of: ServerOf) -> None:
    """Settle all lost runs, which MLflow shows as running else."""
    for state in states:
        if _is_unsettled(state):
            settle(store, state, server_of)


def _is_unsettled(state: RunState) -> bool:
    return state.status is RunStatus.LOST and state.message is None


def settle(store: Store, state: RunState, server_of: ServerOf) -> int:
    """Record that a run was lost whose driver died: in MLflow, and then in its state.

    What MLflow did not take is left to whoever looks next, and a run that somebody
    goes on with at this moment to them.

    Returns:
        Chunks of reports that still wait.
    """
    try:
        with claimed(store, state.run_id):
            # A pipeline has no run of its own in MLflow.
            waiting = _end_killed(store, state.run_id, server_of) if state.steps else 0
            if not waiting:
                state.message = DIED
                write_state(store, state)
            return waiting
    except LccError as err:
        logger.info("event=not_settled run=%s reason=%s", state.run_id, err)
        return 0


def _end_killed(store: Store, run_id: str, server_of: ServerOf) -> int:
    report_killed(store, run_id)
    waiting = finish_run(store, run_id, server_of)
    return 1 if waiting is None else waiting


def report_killed(store: Store, run_id: str) -> None:
    """Report a run as killed whose own processes cannot: they are gone."""
    writer = f"killed-{os.getpid()}-{time.time_ns()}"
    with Tracker(store, run_id=run_id, writer=writer) as tracker:
        tracker.set_status("KILLED")


def finish_run(store: Store, run_id: str, server_of: ServerOf) -> int | None:
    """Send what is left of a run that nobody drives any more.

    Returns:
        Chunks that still wait, None where even that is unknown.
    """
    server = server_of(read_run_settings(store, run_id))
    return finish_safely(Sender(store=store, server=server, run_id=run_id))
