"""Sending the spool to MLflow beside the run, in a thread that never holds it up."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lcc.config.tracking import TrackingSettings
from lcc.errors import LccError
from lcc.storage.store import Store
from lcc.tracking.mlflow import MlflowServer
from lcc.tracking.sender import Sender

logger = logging.getLogger(__name__)
INTERVAL_SECONDS = 2.0


def open_sender(store: Store, settings: TrackingSettings, run_id: str) -> Sender:
    """Return the sender of one run."""
    server = MlflowServer(settings, store.uri)
    return Sender(store=store, server=server, run_id=run_id)


@contextmanager
def syncing(sender: Sender) -> Iterator[None]:
    """Forward every two seconds until the end of `with`."""
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
    """Forward once; a store that is away is met like a server that is.

    Returns:
        Chunks that still wait, None where even that is unknown.
    """
    return _safely(sender, sender.forward)


def finish_safely(sender: Sender) -> int | None:
    """Forward the last reports and end what died; to be called once nobody reports."""
    return _safely(sender, sender.finish)


def _safely(sender: Sender, send: Callable[[], int]) -> int | None:
    try:
        return send()
    except LccError as err:
        logger.warning("event=forwarding_failed run=%s reason=%s", sender.run_id, err)
        return None
