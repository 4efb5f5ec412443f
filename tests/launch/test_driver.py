import json
from pathlib import Path

import pytest

from lcc.backends.local.backend import LocalBackend
from lcc.config import environment
from lcc.errors import Stopped
from lcc.launch.backend import StepStatus
from lcc.launch.driver import ProgressRecorder, RunContext, create_run, run_stage
from lcc.launch.messages import StepFailed
from lcc.launch.outcome import Outcome
from lcc.launch.plan import Plan
from lcc.launch.state import RunState, RunStatus, StepState, read_state
from lcc.storage.local import LocalStore
from tests.builders.launches import (
    RecordingDisplay,
    a_context,
    a_plan,
    a_state,
    a_step,
    a_store,
    entry_points,
    local_settings,
    scripted,
)


def a_run(store: LocalStore, plan: Plan) -> RunState:
    return create_run(store, plan, local_settings(store))


def run_plan(
    store: LocalStore,
    plan: Plan,
    state: RunState,
    backend: LocalBackend | None = None,
) -> RunContext:
    context = a_context(backend or scripted(store))
    run_stage(context, plan, local_settings(store), state=state)
    return context


def events_of(store: LocalStore, run_id: str, kind: str) -> list[dict[str, object]]:
    keys = [item.key for item in store.list_objects(f"runs/{run_id}/spool/")]
    lines = [line for key in keys for line in store.read(key).splitlines()]
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


def test_steps_run_in_order_and_the_state_says_so(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    plan = a_plan(a_step("list"), a_step("hash"))
    state, backend = a_run(store, plan), scripted(store)

    run_plan(store, plan, state, backend)

    found = read_state(store, state.run_id)
    assert backend.ran == ["list", "hash"]
    assert (found.status, found.exit_code) == (RunStatus.DONE, 0)
    assert [step.status for step in found.steps] == [RunStatus.DONE, RunStatus.DONE]


def test_a_failure_ends_the_run_with_its_code(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    plan = a_plan(a_step("list"), a_step("hash"), a_step("link"))
    failure = Outcome(exit_code=3, message="no images", log="runs/x/logs/hash/0.log")
    state, backend = a_run(store, plan), scripted(store, hash=failure)

    with pytest.raises(StepFailed) as caught:
        run_plan(store, plan, state, backend)

    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        "no images\nlog: runs/x/logs/hash/0.log\n"
        f"After mending it: lcc-launch resume {state.run_id}"
    )
    statuses = [step.status for step in read_state(store, state.run_id).steps]
    assert statuses == [RunStatus.DONE, RunStatus.FAILED, RunStatus.WAITING]


@pytest.mark.parametrize(
    ("outcome", "advice"),
    [
        pytest.param(
            Outcome(exit_code=75, message="workers are away"),
            "\nThe next pod of its driver goes on by itself, unless it is cancelled.\n"
            "Should 3 more fail: lcc-launch resume",
            id="temporary",
        ),
        pytest.param(
            Outcome(exit_code=143, message="left", is_stop=True, goes_on=True),
            "\nThe next pod of its driver goes on by itself, unless it is cancelled.",
            id="stopped",
        ),
        pytest.param(
            Outcome(exit_code=1, message="crashed"),
            "\nAfter mending it: lcc-launch resume",
            id="failed",
        ),
    ],
)
def test_a_driver_in_a_pod_says_whether_its_next_pod_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, advice: str
) -> None:
    monkeypatch.setenv(environment.POD_NAME, "train-driver-1-0-x7k2p")
    store, plan = a_store(tmp_path), a_plan(a_step("train"))

    with pytest.raises((StepFailed, Stopped)) as caught:
        run_plan(store, plan, a_run(store, plan), scripted(store, train=outcome))

    assert advice in str(caught.value)
    assert ("resume" in str(caught.value)) is ("resume" in advice)


def test_advice_that_names_a_setting_says_that_resume_takes_none(
    tmp_path: Path,
) -> None:
    store = a_store(tmp_path)
    plan = a_plan(a_step("train"))
    message = "epoch 0: the training loss must be a number. Lower train.learning_rate."
    backend = scripted(store, train=Outcome(exit_code=1, message=message))

    with pytest.raises(StepFailed, match="It keeps its settings: to change one start"):
        run_plan(store, plan, a_run(store, plan), backend)


def test_a_resumed_run_leaves_out_what_is_done(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    plan = a_plan(a_step("list"), a_step("hash"))
    state = a_run(store, plan)
    with pytest.raises(StepFailed):
        run_plan(store, plan, state, scripted(store, hash=Outcome(exit_code=1)))
    again = scripted(store)

    run_plan(store, plan, read_state(store, state.run_id), again)

    assert again.ran == ["hash"]
    assert read_state(store, state.run_id).status is RunStatus.DONE


def test_a_driver_that_comes_back_keeps_the_start_of_a_step(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    plan = a_plan(a_step("hash"))
    state, long_ago = a_run(store, plan), "2026-01-01T00:00:00.000+00:00"
    state.steps[0].status, state.steps[0].started = RunStatus.RUNNING, long_ago

    run_plan(store, plan, state, scripted(store))

    assert read_state(store, state.run_id).steps[0].started == long_ago


def test_a_stop_is_no_failure(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    plan = a_plan(a_step("hash"))
    state = a_run(store, plan)
    stopped = Outcome(exit_code=143, message="stopped by a signal", is_stop=True)

    with pytest.raises(Stopped) as caught:
        run_plan(store, plan, state, scripted(store, hash=stopped))

    assert caught.value.exit_code == 143
    assert read_state(store, state.run_id).status is RunStatus.STOPPED
    statuses = [event["status"] for event in events_of(store, state.run_id, "status")]
    assert statuses == ["RUNNING", "KILLED"]


def test_settings_and_tags_are_reported(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    plan = a_plan(a_step("hash"))
    state = a_run(store, plan)

    run_plan(store, plan, state, scripted(store))

    [params] = events_of(store, state.run_id, "params")
    [tags] = events_of(store, state.run_id, "tags")
    assert params["values"]["train.augmentation.rotation_degrees"] == "25.0"  # type: ignore[index]
    assert tags["values"] == {
        "lcc.stage": "prepare",
        "lcc.code": "0.1.0",
        "lcc.seed": "0",
    }


class TakenBefore(LocalStore):
    """A store in which another driver has always just taken the first run id."""

    def create(self, key: str, data: bytes) -> bool:
        if not list(self.list_objects("runs/")):
            self.write(key, b"another's")
        return super().create(key, data)


def test_two_runs_never_share_an_id(tmp_path: Path) -> None:
    store = TakenBefore(tmp_path / "root")

    own = a_run(store, a_plan(a_step())).run_id

    keys = [item.key for item in store.list_objects("runs/")]
    [taken] = {key.split("/")[1] for key in keys} - {own}
    assert store.read(f"runs/{taken}/settings.yaml") == b"another's"
    assert read_state(store, own).run_id == own


def test_real_processes_move_the_bar(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    plan = a_plan(a_step("hash", num_processes=2))
    state = a_run(store, plan)
    backend = LocalBackend(store=store, settings=local_settings(store))

    with entry_points(tmp_path, hash="print('progress 4 4')"):
        context = run_plan(store, plan, state, backend)

    display = context.display
    assert isinstance(display, RecordingDisplay)
    assert (display.started, display.ended) == (["hash"], [0])
    assert display.progress[-1] == (8, 8)
    assert read_state(store, state.run_id).steps[0].total == 8


def test_a_reason_is_told_once_however_many_pods_wait_for_it(tmp_path: Path) -> None:
    display = RecordingDisplay()
    step = StepState(name="trial")
    recorder = ProgressRecorder(
        a_store(tmp_path), display, state=a_state(steps=[step]), step=step
    )
    full, queued = "Unschedulable: 0/3 nodes", "suspended, until its queue lets it run"
    one, two, three = (
        f"{n}: {full}" for n in ("pod waits", "2 pods wait", "3 pods wait")
    )

    for reason in (one, two, "", three, queued, one):
        recorder.record(StepStatus(reason=reason))

    assert display.reasons == [one, queued]
    assert step.reason == one
