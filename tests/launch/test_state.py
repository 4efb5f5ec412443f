import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from lcc.launch.reconcile import reconcile
from lcc.launch.state import (
    DriverIdentity,
    RunState,
    RunStatus,
    StepState,
    create_state,
    is_driven,
    read_state,
    read_states,
    this_driver,
    write_state,
)
from lcc.storage import layout
from tests.builders.launches import a_state, a_store, local_settings


def a_dead_driver() -> DriverIdentity:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return replace(this_driver(), pid=str(process.pid))


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


def test_a_lost_run_is_reported_as_killed(tmp_path: Path, monkeypatch: object) -> None:
    store = a_store(tmp_path)
    lost = a_state(status=RunStatus.RUNNING, driver=a_dead_driver())
    write_state(store, lost)
    settings_of(store, lost)

    waiting = reconcile(store, [read_state(store, lost.run_id)], lambda own: own)

    spooled = [item.key for item in store.list_objects(f"runs/{lost.run_id}/spool/")]
    event = store.read(spooled[0]).decode()
    assert waiting == len(spooled) == 1  # nothing listens there
    assert '"status": "KILLED"' in event
    assert read_state(store, lost.run_id).message == (
        "its driver died; go on with `lcc-launch resume`"
    )


def settings_of(store: object, state: RunState) -> None:
    from lcc.config.load import dump_settings

    settings = local_settings(store, tracking__uri="http://127.0.0.1:9")  # type: ignore[arg-type]
    key = layout.run_settings(state.run_id)
    store.write(key, dump_settings(settings).encode())  # type: ignore[attr-defined]
