"""A bar for work done in this very process, which prints progress lines."""

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from lcc.cli.verbosity import level
from lcc.launch.display import Display, open_display
from lcc.launch.outcome import Outcome
from lcc.launch.plan import Step
from lcc.tracking.progress import parse_progress


class _Listener:
    """Stands in for stdout: progress lines move the bar."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def write(self, text: str) -> int:
        """Take a line."""
        if progress := parse_progress(text):
            self._display.advance(*progress)
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
