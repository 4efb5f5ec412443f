"""Live output: a bar for work done here, and a run's tree until the run ends."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from lcc.cli.tables import run_tree
from lcc.cli.verbosity import level
from lcc.errors import UnavailableError
from lcc.launch.backend import Backend
from lcc.launch.display import Display, open_display, silent_keys, told_reason
from lcc.launch.outcome import Outcome
from lcc.launch.plan import Step
from lcc.launch.state import RunState, RunStatus
from lcc.tracking.progress import parse_progress


class _Listener:
    """Stands in for stdout: progress lines move the bar."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def write(self, text: str) -> int:
        """Take a line."""
        if progress := parse_progress(text):
            done, total, found = progress
            self._display.advance(done, total, found=found)
        return len(text)

    def flush(self) -> None:
        """Do nothing: lines are shown as they come."""


@contextmanager
def watch_progress(name: str) -> Iterator[None]:
    """Show the progress lines of the work inside `with` as one bar."""
    with open_display(quiet=level() < 0) as display:
        display.start(Step(name=name))
        with redirect_stdout(_Listener(display)):
            yield
        display.end(Outcome())


WATCH_SECONDS = 2.0


def watch_run(
    backend: Backend, run_id: str, *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Show a run's tree until it ends; on no terminal whenever it changes, but its end.

    A cluster or store that is away is waited for.

    Args:
        backend: Where the run is.
        run_id: The run.
        sleep: Waits so many seconds.
    """
    console = Console(stderr=True)
    known, told = "", None
    with (
        silent_keys(),
        Live(console=console, transient=True, auto_refresh=False) as live,
    ):
        while True:
            try:
                states = backend.describe(run_id)
            except UnavailableError as err:
                text, news, is_over = f"{known}\n{err}".lstrip(), str(err), False
            else:
                text = known = "\n".join(run_tree(states[0], states[1:]))
                news = _all_but_time(states)
                is_over = states[0].status is not RunStatus.RUNNING
            if console.is_terminal:
                # What is cut is whole in the last words, where it can be pasted.
                shown = Text(text, no_wrap=True, overflow="ellipsis")
                live.update(shown, refresh=True)
            elif news != told and not is_over:
                click.echo(text, err=True)
            told = news
            if is_over:
                return
            sleep(WATCH_SECONDS)


def _all_but_time(states: Sequence[RunState]) -> str:
    """Return what must change before a tree is worth another line of a log."""
    steps = [
        (step.status, step.done, told_reason(step.reason))
        for state in states
        for step in state.steps
    ]
    return str(([state.status for state in states], steps))
