"""Progress lines on stdout: printed by a step, parsed by whoever started it."""

import sys
import time

PREFIX = "progress"
INTERVAL_SECONDS = 0.2  # finer is not seen, and would cost time


class ProgressPrinter:
    """Print `progress <done> <total>` now and then; always the first and the last.

    Args:
        total: Units of work of this process.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self._printed = 0.0
        self._print()

    def advance(self, count: int = 1) -> None:
        """Count finished units."""
        self.done += count
        now = time.monotonic()
        if self.done >= self.total or now - self._printed >= INTERVAL_SECONDS:
            self._print()
            self._printed = now

    def _print(self) -> None:
        sys.stdout.write(f"{PREFIX} {self.done} {self.total}\n")
        sys.stdout.flush()


def parse_progress(line: str) -> tuple[int, int] | None:
    """Return (done, total) of a progress line, None for any other line.

    Example:
        >>> parse_progress("progress 3 10")
        (3, 10)
        >>> parse_progress("progress is good") is None
        True
    """
    words = line.split()
    match words:
        case [name, done, total] if name == PREFIX and (done + total).isdecimal():
            return int(done), int(total)
    return None
