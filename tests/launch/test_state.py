from dataclasses import replace
from pathlib import Path

import pytest

from lcc.launch.state import (
    RunStatus,
    StepState,
    create_state,
    is_driven,
    read_state,
    read_states,
    this_driver,
    write_state,
)
from tests.builders.launches import a_dead_driver, a_state, a_store


def test_a_state_survives_being_written(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    state = a_state()

    write_state(store, state)

    assert read_state(store, state.run_id) == state


def test_a_run_is_made_once(tmp_path: Path) -> None:
    store = a_store(tmp_path)

    assert create_state(store, a_state())
    assert not create_state(store, a_state(message="another"))
    assert read_state(store, a_state().run_id).message is None


def test_runs_come_in_the_order_of_their_making(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    write_state(store, a_state("train-b", created="2026-11-23T10:00:00+00:00"))
    write_state(store, a_state("prepare-c", created="2026-11-23T09:00:00+00:00"))

    assert [state.run_id for state in read_states(store)] == ["prepare-c", "train-b"]


def test_a_run_of_another_format_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = a_store(tmp_path)
    write_state(store, a_state("train-b"))
    write_state(store, a_state("train-a", format=0))

    assert [state.run_id for state in read_states(store)] == ["train-b"]
    assert "train-a: must have format" in caplog.text


def test_a_run_whose_driver_died_is_lost(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    step = StepState(name="hash", status=RunStatus.RUNNING)
    lost = a_state(status=RunStatus.RUNNING, driver=a_dead_driver(), steps=[step])

    write_state(store, lost)

    found = read_state(store, lost.run_id)
    assert (found.status, found.steps[0].status) == (RunStatus.LOST, RunStatus.LOST)


def test_a_process_id_that_came_again_is_not_the_driver() -> None:
    state = a_state(driver=replace(this_driver(), start="1"))

    assert not is_driven(state)


def test_a_driver_on_another_host_is_believed() -> None:
    state = a_state(driver=replace(a_dead_driver(), host="elsewhere"))

    assert is_driven(state)
