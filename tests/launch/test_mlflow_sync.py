"""What MLflow is told of runs that nobody drives any more."""

from pathlib import Path

import pytest

from lcc.config.load import dump_settings
from lcc.launch.mlflow_sync import reconcile, report_killed
from lcc.launch.state import RunState, RunStatus, read_state, write_state
from lcc.storage.local import LocalStore
from tests.builders.launches import (
    TrackingAway,
    a_dead_driver,
    a_state,
    a_store,
    local_settings,
)


def written(store: LocalStore, state: RunState) -> RunState:
    """Return the state as it is read after it was written."""
    write_state(store, state)
    text = dump_settings(local_settings(store))
    store.write(f"runs/{state.run_id}/settings.yaml", text.encode())
    return read_state(store, state.run_id)


def spooled(store: LocalStore, run_id: str) -> list[str]:
    keys = [item.key for item in store.list_objects(f"runs/{run_id}/spool/")]
    return [store.read(key).decode() for key in keys]


def reconciled(store: LocalStore, *states: RunState) -> int:
    return reconcile(store, list(states), lambda _: TrackingAway())  # type: ignore[arg-type,return-value]


def test_a_lost_run_is_reported_as_killed(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    lost = written(store, a_state(status=RunStatus.RUNNING, driver=a_dead_driver()))

    waiting = reconciled(store, lost)

    [event] = spooled(store, lost.run_id)
    assert waiting == 1  # the server is away
    assert '"status": "KILLED"' in event
    assert read_state(store, lost.run_id).message == ("its driver died")


def test_reports_of_a_finished_run_are_sent_again(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    done = written(store, a_state())
    report_killed(store, done.run_id)

    assert reconciled(store, done) == 1


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"status": RunStatus.RUNNING}, id="driven"),
        pytest.param({"status": RunStatus.LOST, "steps": []}, id="a pipeline"),
        pytest.param({"status": RunStatus.LOST, "message": "x"}, id="settled before"),
    ],
)
def test_a_run_that_has_nothing_to_report_is_left_alone(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    store = a_store(tmp_path)
    state = written(store, a_state(**changes))

    assert reconciled(store, state) == 0
    assert spooled(store, state.run_id) == []
