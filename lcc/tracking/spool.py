"""Chunks of events on the local disk, brought to the store in the background.

Knows where a chunk waits and how it is named in the store; not what an event is
(`tracker`).
"""

import logging
import shutil
import tempfile
import threading
from pathlib import Path

from lcc.errors import LccError
from lcc.storage import layout
from lcc.storage.store import Store

logger = logging.getLogger(__name__)


class Spool:
    """The chunks of one writer, in order; a thread brings them to the store.

    Guarantees that `put` waits for nobody, whatever the store does.

    Args:
        store: The root.
        run_id: Run that is reported on.
        writer: Name of this process, unique over all attempts.
    """

    def __init__(self, store: Store, *, run_id: str, writer: str) -> None:
        self._store = store
        self._run_id = run_id
        self._writer = writer
        self._waiting: list[Path] = []
        self._folder: Path | None = None
        self._num_put = 0
        self._num_sent = 0
        self._changed = threading.Condition()
        self._error: Exception | None = None
        self._is_sending = False

    def put(self, lines: bytes) -> None:
        """Keep a chunk on the local disk, and begin to send it.

        Raises:
            OSError: The disk takes no more.
        """
        with self._changed:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="lcc-spool-"))
            path = self._folder / f"{self._num_put:06d}.jsonl"
            path.write_bytes(lines)
            self._num_put += 1
            self._waiting.append(path)
            self._begin()

    def deliver(self, *, seconds: float | None = None) -> int:
        """Wait until all chunks so far are in the store, or the store gave up.

        Args:
            seconds: How long at most; none: as long as the store is patient.

        Returns:
            Chunks that are not there.

        Raises:
            LccError: The store is away, or refuses.
        """
        with self._changed:
            self._begin()
            self._changed.wait_for(lambda: not self._is_sending, timeout=seconds)
            error, self._error = self._error, None
            if error is not None:
                raise error
            return len(self._waiting)

    def close(self) -> None:
        """Remove the folder; what is not sent is lost."""
        with self._changed:
            self._waiting.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def _begin(self) -> None:
        if self._waiting and not self._is_sending:
            self._is_sending = True
            threading.Thread(target=self._send, name="spool", daemon=True).start()

    def _send(self) -> None:
        """Send chunk after chunk until none waits, or one cannot be sent."""
        error: Exception | None = None
        try:
            while path := self._first():
                self._send_one(path.read_bytes())
                self._remove(path)
        except (LccError, OSError) as err:
            error = err
            logger.info("event=reports_wait run=%s reason=%s", self._run_id, err)
        finally:
            with self._changed:
                self._error, self._is_sending = error, False
                self._changed.notify_all()

    def _first(self) -> Path | None:
        with self._changed:
            return self._waiting[0] if self._waiting else None

    def _send_one(self, lines: bytes) -> None:
        """Write a chunk, never over one that is there."""
        while True:
            key = layout.spool_chunk(self._run_id, self._writer, self._num_sent)
            self._num_sent += 1
            if self._store.create(key, lines):
                return  # else an earlier process had this writer's name: the next one

    def _remove(self, path: Path) -> None:
        with self._changed:
            if path in self._waiting:
                self._waiting.remove(path)
                path.unlink(missing_ok=True)
