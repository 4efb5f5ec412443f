"""What MLflow is told of runs that nobody drives any more."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lcc.config.load import dump_settings
from lcc.launch.claim import claimed
from lcc.launch.mlflow_sync import ServerOf, reconcile, report_killed, settle_all
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


class TakesAll:
    """A `TrackingServer` that takes every report, and remembers the last status."""

    def __init__(self) -> None:
        self.status = ""

    @contextmanager
    def session(self) -> Iterator[None]:
        yield

    def ensure_run(self, run_id: str, trial: str | None, *, start_ms: int) -> None:
        return

    log_params = set_tags = log_metrics = ensure_run

    def open_trials(self, run_id: str) -> list[str]:
        return []

    def set_status(
        self, run_id: str, trial: str | None, status: str, *, time_ms: int
    ) -> None:
        self.status = status


def always(server: object) -> ServerOf:
    return lambda _: server  # type: ignore[return-value]


def a_lost_run(store: LocalStore) -> RunState:
    return written(store, a_state(status=RunStatus.RUNNING, driver=a_dead_driver()))


def test_a_lost_run_is_reported_as_killed(tmp_path: Path) -> None:
    store, server = a_store(tmp_path), TakesAll()
    lost = a_lost_run(store)

    settle_all(store, [lost], always(server))

    assert server.status == "KILLED"
    assert read_state(store, lost.run_id).message == "its driver died"


def test_a_lost_run_that_mlflow_did_not_take_is_left_to_whoever_looks_next(
    tmp_path: Path,
) -> None:
    store, server = a_store(tmp_path), TakesAll()
    lost = a_lost_run(store)

    assert reconciled(store, lost) == 1  # the server is away

    [event] = spooled(store, lost.run_id)
    assert '"status": "KILLED"' in event
    settle_all(store, [read_state(store, lost.run_id)], always(server))
    assert server.status == "KILLED"


def test_a_lost_run_that_somebody_goes_on_with_is_theirs(tmp_path: Path) -> None:
    store, server = a_store(tmp_path), TakesAll()
    lost = a_lost_run(store)

    with claimed(store, lost.run_id):
        settle_all(store, [lost], always(server))

    assert (server.status, spooled(store, lost.run_id)) == ("", [])
    assert read_state(store, lost.run_id).message is None


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
