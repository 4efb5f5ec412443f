"""What a watched run tells a log, where nothing can be redrawn."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lcc.cli import watching
from lcc.cli.site import Site
from lcc.launch.state import Status, StepState, write_state
from tests.builders.launches import a_state, a_store, local_settings

LONG_AGO = "2026-11-23T09:15:00+00:00"


def test_a_tree_is_told_when_more_than_the_clock_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = a_store(tmp_path)
    step = StepState(name="hash", status=Status.RUNNING, done=1, total=4)
    state = a_state(status=Status.RUNNING, created=LONG_AGO, ended=None, steps=[step])

    def advance() -> None:
        step.done = 2

    def end() -> None:
        step.status, state.status = Status.DONE, Status.DONE

    happens: list[Callable[[], None]] = [
        lambda: None, lambda: None, advance, lambda: None, end
    ]  # fmt: skip

    def sleep(_: float) -> None:
        happens.pop(0)()
        state.created = f"{LONG_AGO[:11]}10:{len(happens):02}:00+00:00"  # another clock
        write_state(store, state)

    monkeypatch.setattr(watching.time, "sleep", sleep)
    write_state(store, state)
    site = Site(
        settings=local_settings(store), store=store, reach=lambda own: own, cluster=None
    )

    watching.watch_run(site, state.run_id)

    told = [line for line in capsys.readouterr().err.splitlines() if "hash" in line]
    assert [line.split()[1:4] for line in told] == [
        ["hash", "running", "1/4"],
        ["hash", "running", "2/4"],
        ["hash", "done", "2/4"],
    ]
    assert happens == []
