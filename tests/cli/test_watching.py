"""What a watched run tells a log, where nothing can be redrawn."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lcc.backends.local.backend import LocalBackend
from lcc.cli import watching
from lcc.launch.state import RunStatus, StepState, write_state
from tests.builders.launches import a_state, a_store, local_settings

LONG_AGO = "2026-11-23T09:15:00+00:00"


def test_a_tree_is_told_when_more_than_the_clock_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = a_store(tmp_path)
    step = StepState(name="hash", status=RunStatus.RUNNING, done=1, total=4)
    state = a_state(
        status=RunStatus.RUNNING, created=LONG_AGO, ended=None, steps=[step]
    )

    def advance() -> None:
        step.done = 2

    def end() -> None:
        step.status, state.status = RunStatus.DONE, RunStatus.DONE

    happens: list[Callable[[], None]] = [
        lambda: None, lambda: None, advance, lambda: None, end
    ]  # fmt: skip

    def sleep(_: float) -> None:
        happens.pop(0)()
        state.created = f"{LONG_AGO[:11]}10:{len(happens):02}:00+00:00"  # another clock
        write_state(store, state)

    write_state(store, state)
    backend = LocalBackend(settings=local_settings(store), store=store)

    watching.watch_run(backend, state.run_id, sleep=sleep)

    told = [line for line in capsys.readouterr().err.splitlines() if "hash" in line]
    assert [line.split()[1:4] for line in told] == [
        ["hash", "running", "1/4"],
        ["hash", "running", "2/4"],
    ]  # its end is told by whoever watched
    assert happens == []
