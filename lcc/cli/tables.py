"""Text about runs: a table of many, a tree of one, as wide as the terminal at most."""

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

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


def run_table(states: Sequence[RunState]) -> Iterator[str]:
    """Yield a header and a line per run."""
    rows = [("RUN", "STATUS", "STARTED (UTC)", "TOOK", "NOTE")]
    rows += [
        (
            state.run_id,
            str(state.status),
            state.created[:16].replace("T", " "),
            took(state.created, state.ended, status=state.status),
            state.message or (f"pipeline {state.pipeline}" if state.pipeline else ""),
        )
        for state in states
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row, widths, strict=False)]
        yield fit("  ".join((*cells, row[4].partition("\n")[0])))


def run_tree(state: RunState, parts: Sequence[RunState]) -> Iterator[str]:
    """Yield a run and its steps, or a pipeline, its runs and their steps."""
    elapsed = took(state.created, state.ended, status=state.status)
    yield fit(f"{MARKS[state.status]} {state.run_id}  {state.status}  {elapsed}")
    yield from _message_lines(state.message, "  ")
    for part in parts:
        for line in run_tree(part, ()):
            yield f"  {line}"
    for step in state.steps:
        yield from _step_lines(step)


def _step_lines(step: StepState) -> Iterator[str]:
    counts = f"{step.done}/{step.total}" if step.total else ""
    elapsed = took(step.started, step.ended, status=step.status)
    mark = MARKS[step.status]
    yield fit(f"  {mark} {step.name:<10} {step.status:<8} {counts:>13}  {elapsed}")
    if step.reason and step.status is RunStatus.RUNNING:
        yield from _message_lines(f"waits: {step.reason}", "      ")
    if step.exit_code:
        yield f"      exit {step.exit_code}"
    yield from _message_lines(step.message, "      ")
    if step.log:
        yield f"      log: {step.log}"


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


def fit(line: str) -> str:
    """Return the line cut to the terminal's width."""
    width = shutil.get_terminal_size((80, 24)).columns
    line = line.rstrip()
    return line if len(line) <= width else f"{line[: width - 1]}…"
