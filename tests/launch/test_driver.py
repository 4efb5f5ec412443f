import json
from pathlib import Path

import pytest

from lcc.backends.local.backend import LocalBackend
from lcc.errors import Stopped
from lcc.launch.driver import Launch, create_run, run_stage
from lcc.launch.messages import StepFailed
from lcc.launch.outcome import Outcome, Watch
from lcc.launch.plan import Plan, Step
from lcc.launch.signals import StopRequest
from lcc.launch.state import Status, read_state
from lcc.storage.local import LocalStore
from tests.builders.launches import (
    RecordingDisplay,
    a_plan,
    a_step,
    a_store,
    entry_points,
    local_settings,
)


class Scripted:
    """A back end that ends each step as it is told, and remembers what ran."""

    def __init__(self, **outcomes: Outcome) -> None:
        self.outcomes = outcomes
        self.ran: list[str] = []
        self.retries: list[bool] = []

    def run_step(
        self, step: Step, *, run_id: str, watch: Watch, is_retry: bool
    ) -> Outcome:
        self.ran.append(step.name)
        self.retries.append(is_retry)
        watch(1, 2, "a reason")
        return self.outcomes.get(step.name, Outcome())


def a_launch(store: LocalStore, plan: Plan) -> Launch:
    settings = local_settings(store, tracking__uri="http://127.0.0.1:9")
    return Launch(
        plan=plan,
        settings=settings,
        tracking=settings.tracking,
        store=store,
        display=RecordingDisplay(),
        stop=StopRequest(),
    )


def events_of(store: LocalStore, run_id: str, kind: str) -> list[dict[str, object]]:
    keys = [item.key for item in store.list_objects(f"runs/{run_id}/spool/")]
    lines = [line for key in keys for line in store.read(key).splitlines()]
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lcc.launch.driver.finish_safely", lambda _: 0)
    monkeypatch.setattr("lcc.launch.mlflow_sync.forward_safely", lambda _: 0)


def test_steps_run_in_order_and_the_state_says_so(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    launch = a_launch(store, a_plan(a_step("list"), a_step("hash")))
    state, backend = create_run(launch), Scripted()

    run_stage(launch, backend, state)

    found = read_state(store, state.run_id)
    assert backend.ran == ["list", "hash"]
    assert (found.status, found.exit_code) == (Status.DONE, 0)
    assert [step.status for step in found.steps] == [Status.DONE, Status.DONE]


def test_a_failure_ends_the_run_with_its_code(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    launch = a_launch(store, a_plan(a_step("list"), a_step("hash"), a_step("link")))
    failure = Outcome(exit_code=3, message="no images", log="runs/x/logs/hash/0.log")
    state, backend = create_run(launch), Scripted(hash=failure)

    with pytest.raises(StepFailed) as caught:
        run_stage(launch, backend, state)

    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        "no images\nlog: runs/x/logs/hash/0.log\n"
        f"After mending it: lcc-launch resume {state.run_id} --root {store.uri}"
    )
    statuses = [step.status for step in read_state(store, state.run_id).steps]
    assert statuses == [Status.DONE, Status.FAILED, Status.WAITING]


def test_a_resumed_run_leaves_out_what_is_done(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    launch = a_launch(store, a_plan(a_step("list"), a_step("hash")))
    state = create_run(launch)
    with pytest.raises(StepFailed):
        run_stage(launch, Scripted(hash=Outcome(exit_code=1)), state)
    again = Scripted()

    run_stage(launch, again, read_state(store, state.run_id))

    assert again.ran == ["hash"]
    assert read_state(store, state.run_id).status is Status.DONE


def test_a_driver_that_comes_back_keeps_the_start_of_a_step(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    launch = a_launch(store, a_plan(a_step("hash")))
    state, long_ago = create_run(launch), "2026-01-01T00:00:00.000+00:00"
    state.steps[0].status, state.steps[0].started = Status.RUNNING, long_ago

    run_stage(launch, Scripted(), state)

    assert read_state(store, state.run_id).steps[0].started == long_ago


def test_a_stop_is_no_failure(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    launch = a_launch(store, a_plan(a_step("hash")))
    state = create_run(launch)
    stopped = Outcome(exit_code=143, message="stopped by a signal", is_stop=True)

    with pytest.raises(Stopped) as caught:
        run_stage(launch, Scripted(hash=stopped), state)

    assert caught.value.exit_code == 143
    assert read_state(store, state.run_id).status is Status.STOPPED
    statuses = [event["status"] for event in events_of(store, state.run_id, "status")]
    assert statuses == ["RUNNING", "KILLED"]


def test_settings_and_tags_are_reported(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    launch = a_launch(store, a_plan(a_step("hash")))
    state = create_run(launch)

    run_stage(launch, Scripted(), state)

    [params] = events_of(store, state.run_id, "params")
    [tags] = events_of(store, state.run_id, "tags")
    assert params["values"]["train.augmentation.rotation_degrees"] == "25.0"  # type: ignore[index]
    assert tags["values"] == {
        "lcc.stage": "prepare",
        "lcc.code": "0.1.0",
        "lcc.seed": "0",
    }


def test_two_runs_never_share_an_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(["prepare-x", "prepare-x", "prepare-y"])
    monkeypatch.setattr("lcc.launch.driver.new_run_id", lambda _: next(names))
    launch = a_launch(a_store(tmp_path), a_plan(a_step()))

    created = [create_run(launch).run_id for _ in range(2)]

    assert created == ["prepare-x", "prepare-y"]


def test_real_processes_move_the_bar(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    launch = a_launch(store, a_plan(a_step("hash", num_indexes=2)))
    state = create_run(launch)
    backend = LocalBackend(store=store, settings=launch.settings, stop=launch.stop)

    with entry_points(tmp_path, hash="print('progress 4 4')"):
        run_stage(launch, backend, state)

    display = launch.display
    assert isinstance(display, RecordingDisplay)
    assert (display.started, display.ended) == (["hash"], [0])
    assert display.progress[-1] == (8, 8)
    assert read_state(store, state.run_id).steps[0].total == 8
