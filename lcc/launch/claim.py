"""Who works on a run: one process at a time, whatever back end runs its steps.

Knows claims, objects that are created and never over another: of two processes that
claim one run at once, one gets it. A claim whose process is dead is taken over.
"""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace

from lcc.config import environment
from lcc.errors import ConfigError, LccError, UnavailableError
from lcc.launch.state import DriverIdentity, is_here, lives, silence_of, this_driver
from lcc.storage import layout
from lcc.storage.patient import impatient
from lcc.storage.store import Store

BEAT_SECONDS = 15.0  # how often a claim says that its process lives


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim of a run; the one with the highest number counts.

    Attributes:
        number: From 1.
        holder: The process.
        job: Its Job, of which never two pods live; empty on no cluster.
        is_released: Whether it was given up in order.
    """

    number: int
    holder: DriverIdentity
    job: str = ""
    is_released: bool = False

    def is_held(self, *, job: str) -> bool:
        """Return whether its process may still work, as seen by one of a Job."""
        is_replaced = bool(job) and self.job == job
        return not self.is_released and not is_replaced and lives(self.holder)


@contextmanager
def claimed(store: Store, run_id: str) -> Iterator[None]:
    """Hold the claim of a run until the end of `with`.

    Raises:
        ConfigError: A process of this machine works on it.
        UnavailableError: One elsewhere does, or did a moment ago.
    """
    claim = _take(store, run_id)
    is_over = threading.Event()
    thread = threading.Thread(
        target=_beat, args=(impatient(store), run_id, claim, is_over), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        with suppress(LccError):  # then it is found dead, a minute later
            _write(impatient(store), run_id, replace(claim, is_released=True))


def _take(store: Store, run_id: str) -> Claim:
    """Return a claim of this process; who is a moment late finds the other's."""
    job = os.environ.get(environment.JOB_NAME, "")
    while True:
        keys = _keys(store, run_id)
        last = _parse(store.read(keys[-1])) if keys else None
        if last is not None and last.is_held(job=job):
            raise _taken(run_id, last.holder)
        number = last.number + 1 if last else 1
        claim = Claim(number=number, holder=this_driver(), job=job)
        if store.create(layout.claim(run_id, claim.number), _dump(claim)):
            return claim  # earlier ones stay: without them a number would come again


def _keys(store: Store, run_id: str) -> list[str]:
    return [item.key for item in store.list_objects(layout.claims_prefix(run_id))]


def _beat(store: Store, run_id: str, claim: Claim, is_over: threading.Event) -> None:
    while not is_over.wait(BEAT_SECONDS):
        with suppress(LccError):  # a store that is away learns it later
            _write(store, run_id, replace(claim, holder=this_driver()))


def _write(store: Store, run_id: str, claim: Claim) -> None:
    store.write(layout.claim(run_id, claim.number), _dump(claim))


def _dump(claim: Claim) -> bytes:
    return json.dumps(asdict(claim)).encode()


def _parse(content: bytes) -> Claim:
    document = json.loads(content)
    holder = DriverIdentity(**document["holder"])
    return Claim(**{**document, "holder": holder})


def _taken(run_id: str, holder: DriverIdentity) -> LccError:
    who = f"process {holder.pid} on {holder.host}"
    rule = f"run {run_id}: one process at a time works on a run, got {who}"
    if is_here(holder):
        return ConfigError(f"{rule}. Stop that first: kill {holder.pid}")
    seconds = silence_of(holder)
    return UnavailableError(
        f"{rule}, heard of {seconds:.0f} s ago. Stop that first; if it was killed, try "
        "again in a minute."
    )
