"""Lines on stdout of how far a step is and what it waits for.

Printed by a step, parsed by whoever started it.
"""

import json
import sys
import time
from dataclasses import dataclass

PREFIX = "progress"
WAIT_PREFIX = "waits "
INTERVAL_SECONDS = 0.2  # finer is not seen, and would cost time


@dataclass
class ProgressPrinter:
    """Prints `progress <done> <total>` now and then; always the last.

    Attributes:
        total: Units of work of this process.
        done: Of these, finished.
        found: Of these, how many were finished before this process began.
    """

    total: int
    done: int = 0
    found: int = 0
    _printed: float = 0.0

    def advance(self, count: int = 1) -> None:
        """Count finished units."""
        self.done += count
        now = time.monotonic()
        if self.done >= self.total or now - self._printed >= INTERVAL_SECONDS:
            self.show()
            self._printed = now

    def count_to(self, done: int) -> None:
        """Count up to a number of units; what lies before the first was found done."""
        if not self.done:
            self.done = self.found = done - 1
        self.advance(done - self.done)

    def show(self) -> None:
        """Print how far it is."""
        found = f" {self.found}" if self.found else ""
        sys.stdout.write(f"{PREFIX} {self.done} {self.total}{found}\n")
        sys.stdout.flush()


def start_progress(total: int, *, found: int = 0) -> ProgressPrinter:
    """Print how many of `total` units are found done; return what counts the rest."""
    printer = ProgressPrinter(total, done=found, found=found)
    printer.show()
    return printer


def parse_progress(line: str) -> tuple[int, int, int] | None:
    """Return (done, total, found) of a progress line, None for any other line.

    Example:
        >>> parse_progress("progress 3 10"), parse_progress("progress 3 10 2")
        ((3, 10, 0), (3, 10, 2))
        >>> parse_progress("progress is good") is None
        True
    """
    match line.split():
        case [name, *words] if name == PREFIX and all(map(str.isdecimal, words)):
            match list(map(int, words)):
                case [done, total]:
                    return done, total, 0
                case [done, total, found]:
                    return done, total, found
    return None


def print_wait(what: str) -> None:
    """Print what the step waits for, or nothing once it goes on."""
    sys.stdout.write(f"{WAIT_PREFIX}{json.dumps(what)}\n")
    sys.stdout.flush()


def parse_wait(line: str) -> str | None:
    """Return what a line says is waited for, None for any other line.

    Example:
        >>> parse_wait('waits "s3://lab to answer"'), parse_wait("progress 1 2")
        ('s3://lab to answer', None)
    """
    if not line.startswith(f'{WAIT_PREFIX}"'):
        return None
    return str(json.loads(line.removeprefix(WAIT_PREFIX)))
