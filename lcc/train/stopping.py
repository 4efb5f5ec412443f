"""SIGTERM as a question that the loop asks after each step."""

import signal
from types import FrameType


class StopSignal:
    """Remember whether SIGTERM has arrived; the step in progress is finished first."""

    def __init__(self) -> None:
        self._is_set = False
        signal.signal(signal.SIGTERM, self._set)

    def __call__(self) -> bool:
        """Return whether to stop now."""
        return self._is_set

    def _set(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._is_set = True
