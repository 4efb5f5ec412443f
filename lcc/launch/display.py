"""The display on stderr while steps run: a bar each, or plain lines."""

import os
import re
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from lcc.launch.outcome import Outcome
from lcc.launch.plan import Step

LOCAL_MODES = 3  # the place of these flags in what `tcgetattr` returns
LINE_SECONDS = 10.0  # between two plain lines of one step


COUNTED = re.compile(r"^(\d+ )?pods? waits?: ")


def told_reason(reason: str) -> str:
    """Return what of a reason is news: not how many pods wait for it.

    Example:
        >>> told_reason("2 pods wait: Unschedulable") == told_reason(
        ...     "pod waits: Unschedulable"
        ... )
        True
    """
    return COUNTED.sub("", reason)


class Display(Protocol):
    """Shows how steps go."""

    def say(self, text: str) -> None:
        """Show a line."""

    def start(self, step: Step) -> None:
        """Show that a step starts."""

    def advance(self, done: int, total: int, *, found: int = 0) -> None:
        """Show how far it is; what was found done says nothing about the pace."""

    def wait(self, reason: str) -> None:
        """Show what is waited for; empty: nothing any more."""

    def end(self, outcome: Outcome) -> None:
        """Show that it ended."""


class Bars:
    """A bar per step, for a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._reason = ""  # of the last wait
        self._step: Step | None = None
        self._found = 0

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        # Soft: a command that the terminal's width broke could not be pasted.
        self._progress.console.print(
            text, markup=False, highlight=False, soft_wrap=True
        )

    def start(self, step: Step) -> None:
        """Add a bar that pulses until counts arrive."""
        self._step, self._found = step, 0
        self._task = self._progress.add_task(step.name, total=None)

    def advance(self, done: int, total: int, *, found: int = 0) -> None:
        """Move the bar; a leap over what was found done begins a new pace."""
        if self._task is None or not total:
            return
        if found > self._found:
            self._found = found
            self._leap(self._task, done)
        self._progress.update(self._task, completed=done, total=total)

    def _leap(self, task: TaskID, done: int) -> None:
        """Forget the pace so far, not the time that was taken."""
        [shown] = (own for own in self._progress.tasks if own.id == task)
        began = shown.start_time
        self._progress.reset(task, completed=done, total=shown.total)
        shown.start_time = began

    def wait(self, reason: str) -> None:
        """Print above the bars what is waited for, once."""
        if reason not in {"", self._reason}:
            self.say(f"  waits: {reason}")
        self._reason = reason

    def end(self, outcome: Outcome) -> None:
        """Leave the bar as it ended."""
        if self._task is None or self._step is None:
            return
        if outcome.exit_code:
            name = f"{self._step.name} {'■' if outcome.is_stop else '✗'}"
            self._progress.update(self._task, description=name)
        else:
            task = self._progress.tasks[-1]
            total = task.total or 1
            self._progress.update(self._task, completed=total, total=total)
        self._progress.stop_task(self._task)


class Lines:
    """A line now and then, for a file or a pipe; no escape codes.

    Args:
        quiet: Whether to print nothing at all.
        clock: Seconds that never go back.
    """

    def __init__(
        self, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._quiet, self._clock = quiet, clock
        self._step: Step | None = None
        self._started = self._printed = 0.0
        self._shown = (0, 0)
        self._reason = ""  # of the last wait

    def say(self, text: str) -> None:
        """Print a line."""
        if not self._quiet:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def start(self, step: Step) -> None:
        """Print that a step starts."""
        self._step, self._started = step, self._clock()
        self._printed, self._shown = self._started, (0, 0)
        self.say(f"step={step.name} event=started processes={step.num_processes}")

    def advance(self, done: int, total: int, *, found: int = 0) -> None:  # noqa: ARG002 - shows no pace
        """Print how far it is, every few seconds."""
        now = self._clock()
        is_due = now - self._printed >= LINE_SECONDS and (done, total) != self._shown
        if self._step is not None and total and is_due:
            self._printed, self._shown = now, (done, total)
            self.say(f"step={self._step.name} done={done} total={total}")

    def wait(self, reason: str) -> None:
        """Print what is waited for, once."""
        if self._step is not None and reason not in {"", self._reason}:
            self.say(f"step={self._step.name} event=waiting reason={reason}")
        self._reason = reason

    def end(self, outcome: Outcome) -> None:
        """Print how it ended."""
        if self._step is not None:
            seconds = self._clock() - self._started
            event = _event(outcome)
            self.say(f"step={self._step.name} event={event} seconds={seconds:.1f}")


def _event(outcome: Outcome) -> str:
    if not outcome.exit_code:
        return "done"
    return "stopped" if outcome.is_stop else "failed"


def columns() -> tuple[ProgressColumn, ...]:
    """Return what a bar shows: name, bar, counts, time taken and left."""
    return (
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
    )


@contextmanager
def open_display(*, quiet: bool) -> Iterator[Display]:
    """Give bars on a terminal, lines elsewhere."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield Lines(quiet=quiet)
        return
    with silent_keys(), Progress(*columns(), console=console) as progress:
        yield Bars(progress)


@contextmanager
def silent_keys() -> Iterator[None]:
    """Keep the terminal from writing ^C into the bars, which would then stay doubled.

    Only of the terminal that this process is in front of: another may not set it.
    """
    try:
        keys = sys.stdin.fileno()
        before = termios.tcgetattr(keys)
        is_ours = os.tcgetpgrp(keys) == os.getpgrp()
    except (OSError, ValueError, termios.error):  # no terminal
        is_ours = False
    if not is_ours:
        yield
        return
    quiet = [*before]
    quiet[LOCAL_MODES] &= ~termios.ECHOCTL
    termios.tcsetattr(keys, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        if os.tcgetpgrp(keys) == os.getpgrp():
            termios.tcsetattr(keys, termios.TCSANOW, before)
