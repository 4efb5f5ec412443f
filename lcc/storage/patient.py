"""A store that is waited for while it is away: with back-off, said once, counted.

Knows how long is waited and who is told; not when a store is away (`s3_errors`).
"""

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from lcc.config.storage import StorageSettings
from lcc.errors import NoRoomError, UnavailableError
from lcc.storage import layout
from lcc.storage.local import LocalStore
from lcc.storage.store import ObjectInfo, Store

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

FIRST_PAUSE_SECONDS = 0.5  # doubled with each try
LONGEST_PAUSE_SECONDS = 15.0  # a server that is back is noticed within that
TICK_SECONDS = 0.5  # in which a stop that was asked for is seen


@dataclass(kw_only=True)
class Waits:
    """What this process has waited for its store; several threads may wait at once.

    Attributes:
        tell: Called with what is waited for as a wait begins, with nothing at its end.
        clock: Seconds that never go back.
        count: Waits so far.
        seconds: How long they took in all.
    """

    tell: Callable[[str], None] = lambda what: None  # noqa: ARG005
    clock: Callable[[], float] = time.monotonic
    count: int = 0
    seconds: float = 0.0
    _since: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, what: str, *, since: float, reason: object) -> None:
        """Note that the store is away; only the first to notice says so.

        Args:
            what: What is waited for.
            since: When the call began that got no answer, by the clock.
            reason: Why it got none.
        """
        with self._lock:
            if self._since is not None:
                return
            self._since = since
            self.count += 1
        logger.info("event=storage_away reason=%s", reason)
        self.tell(what)

    def end(self) -> None:
        """Note that the store answers, which it mostly did before."""
        with self._lock:
            if self._since is None:
                return
            waited = self.clock() - self._since
            self.seconds += waited
            self._since = None
        logger.info("event=storage_back seconds=%.0f", waited)
        self.tell("")

    def dump(self) -> bytes:
        """Return how often and how long was waited, as JSON."""
        document = {"count": self.count, "seconds": round(self.seconds, 1)}
        return json.dumps(document).encode()


def read_waits(store: Store, run_id: str) -> tuple[int, float]:
    """Return how often the processes of a run waited, and the longest time of one."""
    items = store.list_objects(layout.waits_prefix(run_id))
    found = [json.loads(store.read(item.key)) for item in items]
    count = sum(note["count"] for note in found)
    return count, max((note["seconds"] for note in found), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a call waits for a store, and what ends a wait before.

    Attributes:
        seconds: From the call's first failure.
        is_hurried: Whether somebody asked to stop: then nothing is waited for.
        sleep: Waits so many seconds.
        clock: Seconds that never go back.
    """

    seconds: float
    is_hurried: Callable[[], bool] = lambda: False
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def pauses(self) -> Iterator[float]:
        """Yield the seconds until each further try, as long as there is time."""
        began = self.clock()
        longest = FIRST_PAUSE_SECONDS
        while self.clock() - began < self.seconds and not self.is_hurried():
            yield longest * random.uniform(0.5, 1)  # noqa: S311 - jitter
            longest = min(2 * longest, LONGEST_PAUSE_SECONDS)

    def pause(self, seconds: float) -> None:
        """Wait, but not on when asked to stop."""
        while seconds > 0 and not self.is_hurried():
            self.sleep(min(seconds, TICK_SECONDS))
            seconds -= TICK_SECONDS


class PatientStore:
    """A `Store` whose every call waits while the store is away.

    Guarantees what the store itself does; a create whose first answer was lost knows
    its own bytes.

    Args:
        store: The store itself, at `away`.
        patience: How long is waited.
        waits: Told of each wait.
    """

    def __init__(self, store: Store, *, patience: Patience, waits: Waits) -> None:
        self.impatient = store
        self._patience = patience
        self._waits = waits

    @property
    def uri(self) -> str:
        """Root as the store has it."""
        return self.impatient.uri

    def read(self, key: str) -> bytes:
        """Return the whole object."""
        return self._patiently(lambda: self.impatient.read(key))

    def read_marked(self, key: str) -> tuple[bytes, str]:
        """Return the whole object, and the change mark of these very bytes."""
        return self._patiently(lambda: self.impatient.read_marked(key))

    def read_range(self, key: str, *, start: int, length: int) -> bytes:
        """Return at most `length` bytes from offset `start`."""
        return self._patiently(
            lambda: self.impatient.read_range(key, start=start, length=length)
        )

    def write(self, key: str, data: bytes) -> None:
        """Write the object whole, replacing what was there."""
        self._patiently(lambda: self.impatient.write(key, data))

    def create(self, key: str, data: bytes) -> bool:
        """Write the object unless one exists; return whether this call wrote it."""
        num_tries = 0

        def try_once() -> bool:
            nonlocal num_tries
            num_tries += 1
            is_new = self.impatient.create(key, data)
            # An earlier try whose answer was lost may have written it.
            return is_new or (num_tries > 1 and self.impatient.read(key) == data)

        return self._patiently(try_once)

    def upload(self, key: str, path: Path) -> None:
        """Write a file as one object."""
        self._patiently(lambda: self.impatient.upload(key, path))

    def absorb(self, key: str, path: Path) -> None:
        """Make a local file the object; afterwards the file is gone."""
        self._patiently(lambda: self.impatient.absorb(key, path))

    def fetch(self, key: str, folder: Path) -> Path:
        """Return a local file with the object's bytes."""
        return self._patiently(lambda: self.impatient.fetch(key, folder))

    def exists(self, key: str) -> bool:
        """Return whether the object is there."""
        return self._patiently(lambda: self.impatient.exists(key))

    def list_objects(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose key starts with `prefix`, sorted by code points."""
        yield from self._patiently(lambda: list(self.impatient.list_objects(prefix)))

    def broken_links(self) -> Iterator[str]:
        """Yield the keys of links that lead to no object, sorted by code points."""
        yield from self._patiently(lambda: list(self.impatient.broken_links()))

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens where there is none."""
        self._patiently(lambda: self.impatient.delete(key))

    def end_stale_uploads(self, *, before: datetime) -> int:
        """End what killed processes left half written, unless the store is away."""
        return self.impatient.end_stale_uploads(before=before)

    def _patiently(self, call: Callable[[], Result]) -> Result:
        pauses, began = None, self._waits.clock()
        while True:
            try:
                result = call()
            except NoRoomError:
                raise
            except UnavailableError as err:
                pauses = pauses or self._patience.pauses()
                pause = next(pauses, None)
                if pause is None:
                    raise self._out_of_patience(err) from err
                self._waits.begin(self._awaited, since=began, reason=err)
                self._patience.pause(pause)
            else:
                self._waits.end()
                return result

    @property
    def _awaited(self) -> str:
        minutes = self._patience.seconds / 60
        return f"{self.uri} to answer, for {minutes:g} min at most"

    def _out_of_patience(self, err: UnavailableError) -> UnavailableError:
        seconds = self._patience.seconds
        if not seconds or self._patience.is_hurried():
            return err
        message = f"{err} Waited {seconds / 60:g} min (storage.patience_minutes)."
        return UnavailableError(message)


def make_patient(
    store: Store,
    settings: StorageSettings,
    *,
    waits: Waits | None = None,
    is_hurried: Callable[[], bool] = lambda: False,
) -> Store:
    """Return a store whose calls wait while it is away; a folder never is.

    Args:
        store: The store.
        settings: How long.
        waits: Told of each wait.
        is_hurried: Whether somebody asked to stop: then nothing is waited for.
    """
    store = impatient(store)
    if isinstance(store, LocalStore):
        return store
    patience = Patience(seconds=60 * settings.patience_minutes, is_hurried=is_hurried)
    return PatientStore(store, patience=patience, waits=waits or Waits())


def impatient(store: Store) -> Store:
    """Return the store itself, whose calls fail soon: for what may well be left out."""
    return store.impatient if isinstance(store, PatientStore) else store
