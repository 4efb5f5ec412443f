"""The progress of a step: shown to the user, and written for all others."""

import time
from contextlib import suppress

from lcc.errors import UnavailableError
from lcc.launch.backend import StepStatus
from lcc.launch.display import Display
from lcc.launch.state import RunState, StepState, this_driver, write_state
from lcc.storage.store import Store

STATE_SECONDS = 2.0  # how stale the counts of `status` may be
BEAT_SECONDS = 15.0  # how often the state says that its driver lives


class ProgressRecorder:
    """Shows how a step goes, and keeps the state that others read fresh."""

    def __init__(
        self, store: Store, display: Display, *, state: RunState, step: StepState
    ) -> None:
        self._store, self._display = store, display
        self._state, self._step = state, step
        self._written = time.monotonic()

    def record(self, status: StepStatus) -> None:
        """Show how the step stands, and write it down now and then."""
        self._display.advance(status.done, status.total)
        step = self._step
        if status.reason != step.reason:
            self._display.wait(status.reason)
        now = (status.done, status.total, status.reason)
        is_new = now != (step.done, step.total, step.reason)
        step.done, step.total, step.reason = now
        age = time.monotonic() - self._written
        if age > BEAT_SECONDS or (is_new and age > STATE_SECONDS):
            self._write()

    def _write(self) -> None:
        """Write the state; a store that is away for a while costs only freshness."""
        self._state.driver = this_driver()
        with suppress(UnavailableError):
            write_state(self._store, self._state)
        self._written = time.monotonic()
