"""Turns SIGINT and SIGTERM into a request to stop: a second signal insists."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lcc.errors import Stopped


class StopRequest:
    """Whether and by which signal the driver was asked to stop."""

    def __init__(self) -> None:
        self.signals: list[int] = []

    def __bool__(self) -> bool:
        """Return whether to stop."""
        return bool(self.signals)

    @property
    def insists(self) -> bool:
        """Whether it was asked twice: do not wait any longer."""
        return len(self.signals) > 1

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + self.signals[0] if self.signals else Stopped.exit_code


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Give a request that SIGINT and SIGTERM make true; old handlers come back."""
    request = StopRequest()

    def ask(number: int, _: FrameType | None) -> None:
        request.signals.append(number)

    before = {number: signal.signal(number, ask) for number in _SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)
