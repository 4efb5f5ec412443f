"""Text about runs: a table of many, a tree of one, as wide as the terminal at most."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from lcc.config.commands import command_line
from lcc.errors import ConfigError
from lcc.launch.state import RunState, RunStatus, StepState
from lcc.storage.patient import read_waits
from lcc.storage.store import Store

MARKS = {
    RunStatus.WAITING: "·",
    RunStatus.RUNNING: "▸",
    RunStatus.DONE: "✓",
    RunStatus.FAILED: "✗",
    RunStatus.STOPPED: "■",
    RunStatus.LOST: "?",
}


def run_table(states: Sequence[RunState], *, width: int | None = None) -> Iterator[str]:
    """Yield a header and a line per run.

    Args:
        states: Of the runs.
        width: That no line exceeds; None for all of it.
    """
    rows = [("RUN", "STATUS", "STARTED (UTC)", "TOOK", "MACRO F1", "NOTE")]
    rows += [
        (
            state.run_id,
            str(state.status),
            state.created[:16].replace("T", " "),
            took(state.created, state.ended, status=state.status),
            "" if state.score is None else f"{state.score:.3f}",
            state.note or (f"pipeline {state.pipeline}" if state.pipeline else ""),
        )
        for state in states
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
        yield fit("  ".join((*cells, _first_line(row[5]))), width)


def run_tree(state: RunState, parts: Sequence[RunState]) -> Iterator[str]:
    """Yield a run and its steps, or a pipeline, its runs and their steps.

    At the end stands how to go on, where the run has ended without its result.
    """
    yield from _branch(state, parts)
    yield from how_to_go_on(state)


def how_to_go_on(state: RunState) -> Iterator[str]:
    """Yield the command that goes on with a run that has ended without its result.

    None where its settings are wrong: those of a run never change.
    """
    run_id = state.pipeline or state.run_id  # a stage leaves its pipeline unfinished
    resume = command_line("resume", run_id)
    if state.status in {RunStatus.LOST, RunStatus.STOPPED}:
        yield f"  go on: {resume}"
    elif state.status is RunStatus.FAILED and state.exit_code != ConfigError.exit_code:
        yield f"  after mending it: {resume}"


def _branch(
    state: RunState, parts: Sequence[RunState], turn: str = ""
) -> Iterator[str]:
    elapsed = took(state.created, state.ended, status=state.status)
    cells = (MARKS[state.status], state.run_id, "", state.status, "", elapsed, "", turn)
    yield " ".join(cells).rstrip()
    messages = [part.note for part in parts] + [step.message for step in state.steps]
    if _first_line(state.note) not in map(_first_line, messages):  # else said there
        yield from _message_lines(state.note, "  ")
    turns = {run_id: name.partition(" ")[2] for name, run_id in state.stages.items()}
    for part in parts:
        for line in _branch(part, (), turns.get(part.run_id, "")):
            yield f"  {line}"
    for step in state.steps:
        yield from _step_lines(step)


def _step_lines(step: StepState) -> Iterator[str]:
    counts = f"{step.done}/{step.total}" if step.total else ""
    elapsed = took(step.started, step.ended, status=step.status)
    mark = MARKS[step.status]
    line = f"  {mark} {step.name:<10} {step.status:<8} {counts:>13}  {elapsed}"
    yield line.rstrip()
    if step.status is RunStatus.RUNNING:
        for index, progress in step.running.items():
            yield f"      process {index:<6} {progress:>18}"
    if step.reason and step.status is RunStatus.RUNNING:
        yield from _message_lines(f"waits: {step.reason}", "      ")
    if step.exit_code:
        yield f"      exit {step.exit_code}"
    yield from _message_lines(step.message, "      ")
    if step.log:
        yield f"      log: {step.log}"


def _first_line(message: str | None) -> str:
    return (message or "").partition("\n")[0]


def _message_lines(message: str | None, indent: str) -> Iterator[str]:
    for line in (message or "").splitlines():
        yield f"{indent}{line}"


def wait_lines(store: Store, states: Sequence[RunState]) -> Iterator[str]:
    """Yield how often and how long processes of runs have waited for the store."""
    found = [read_waits(store, state.run_id) for state in states]
    if count := sum(number for number, _ in found):
        longest = max(seconds for _, seconds in found)
        yield f"  storage was away: {count} waits, {longest:.0f} s of a process at most"


def took(started: str | None, ended: str | None, *, status: RunStatus) -> str:
    """Return how long something took, or has taken so far.

    Example:
        >>> took(
        ...     "2026-01-01T00:00:00+00:00", "2026-01-01T01:02:03+00:00", status="done"
        ... )
        '1 h 02 min'
    """
    if started is None or (ended is None and status is not RunStatus.RUNNING):
        return ""
    end = datetime.fromisoformat(ended) if ended else datetime.now(UTC)
    seconds = int((end - datetime.fromisoformat(started)).total_seconds())
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds} s"
    if seconds < 3600:  # noqa: PLR2004 - an hour
        return f"{seconds // 60} min {seconds % 60:02} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"


def terminal_width() -> int | None:
    """Return the width of the terminal, None where stdout is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def fit(line: str, width: int | None) -> str:
    """Return the line without spaces at its end, cut to a width.

    Example:
        >>> fit("as wide as this", 8), fit("as wide as this", None)
        ('as wide…', 'as wide as this')
    """
    line = line.rstrip()
    if width is None or len(line) <= width:
        return line
    return f"{line[: width - 1]}…"
