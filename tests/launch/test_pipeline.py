"""Pipelines with a back end that leaves what real steps would leave."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lcc.config.settings import Settings
from lcc.errors import NotFoundError
from lcc.launch.messages import RunStopped, StepFailed
from lcc.launch.outcome import Outcome
from lcc.launch.pipeline import resume, start
from lcc.launch.plan import Stage
from lcc.launch.state import (
    RunStatus,
    StepState,
    create_state,
    read_run_settings,
    read_state,
    read_states,
)
from lcc.storage import layout
from lcc.storage.layout import FORMAT_VERSION
from lcc.storage.local import LocalStore
from tests.builders.launches import (
    ScriptedBackend,
    a_context,
    a_state,
    a_store,
    local_settings,
    scripted,
)

DIGEST = "ab" * 32
AWAY = Outcome(exit_code=75, message="storage is away")
BEST = {"point": {"train.learning_rate": 0.1}, "refit_epochs": 4}


def leave_results(store: LocalStore) -> Callable[[str, str], None]:
    """Return what writes, for each step, what later stages read."""

    def act(run_id: str, step: str) -> None:
        match step:
            case "catalogue":
                pointer = json.dumps({"name": "tiles", "digest": DIGEST}).encode()
                store.write(f"runs/{run_id}/catalogue.json", pointer)
                latest = json.dumps(
                    {"catalogue": "cd" * 32, "format": FORMAT_VERSION}
                ).encode()
                store.write("datasets/tiles/latest.json", latest)  # another's
                rules = {"leave_out": "site"}
                by_axis = {"site": {"Bern": {"test": 9}, "Basel": {"train": 9}}}
                splits = json.dumps({"rules": rules, "images_by_axis": by_axis})
                store.write(layout.splits("tiles", DIGEST), splits.encode())
            case "select":
                store.write(f"runs/{run_id}/best.json", json.dumps(BEST).encode())
            case "train":
                store.write(f"runs/{run_id}/model/model.keras", b"model")

    return act


def a_backend(store: LocalStore, **outcomes: Outcome) -> ScriptedBackend:
    return scripted(store, leave_results(store), **outcomes)


def a_study(folder: Path, **changes: object) -> tuple[LocalStore, Settings]:
    (folder / "tiles").mkdir()
    store = a_store(folder)
    grid = {"train.learning_rate": [0.1, 0.01]}
    settings = local_settings(
        store,
        **{
            "data__source": (folder / "tiles").as_uri(),
            "data__name": "tiles",
            "search__grid": grid,
            "model__backbone": "small",
            "model__weights": "none",
            **changes,
        },
    )
    return store, settings


def test_stages_follow_each_other_tied_by_the_pipeline(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)
    backend = a_backend(store)

    state = start(a_context(backend), Stage.PIPELINE, settings)

    assert backend.ran == [
        *("list", "hash", "link", "catalogue"),
        *("trial", "select"),
        *("train", "evaluate"),
    ]
    assert list(state.stages) == ["prepare", "search", "train", "evaluate"]
    assert read_state(store, state.run_id).status is RunStatus.DONE
    pipelines = {read_state(store, run_id).pipeline for run_id in state.stages.values()}
    assert pipelines == {state.run_id}


@pytest.mark.parametrize(
    "model",
    [
        pytest.param({"model__backbone": "resnet50", "model__weights": "imagenet"}),
        pytest.param({"model__backbone": "file:///data/lite0.keras"}),
    ],
)
def test_weights_from_outside_are_loaded_before_anything_else(
    tmp_path: Path, model: dict[str, object]
) -> None:
    store, settings = a_study(tmp_path, **model)
    backend = a_backend(store, model=AWAY)

    with pytest.raises(StepFailed, match="storage is away"):
        start(a_context(backend), Stage.PIPELINE, settings)

    assert backend.ran == ["model"]


def test_the_best_point_and_the_own_catalogue_are_trained_on(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)

    state = start(a_context(a_backend(store)), Stage.PIPELINE, settings)

    own = read_run_settings(store, state.stages["train"])
    assert own.train.learning_rate == 0.1
    assert own.train.epochs == settings.train.epochs
    assert own.data.catalogue == DIGEST  # not the latest, which another run wrote


def test_a_refit_trains_as_long_as_the_folds_did(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path, search__refit=True)

    state = start(a_context(a_backend(store)), Stage.PIPELINE, settings)

    assert read_run_settings(store, state.stages["train"]).train.epochs == 4


def test_the_model_just_trained_is_evaluated(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)

    state = start(a_context(a_backend(store)), Stage.PIPELINE, settings)

    own = read_run_settings(store, state.stages["evaluate"])
    assert own.evaluate.model_run == state.stages["train"]


def test_a_resumed_pipeline_goes_on_in_its_unfinished_stage(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)
    with pytest.raises(StepFailed) as caught:
        start(a_context(a_backend(store, trial=AWAY)), Stage.PIPELINE, settings)
    [pipeline] = [r for r in stage_runs(store) if r.startswith("pipeline")]
    assert caught.value.exit_code == 75
    assert read_state(store, pipeline).status is RunStatus.FAILED
    backend = a_backend(store)

    state = resume(a_context(backend), pipeline)

    assert backend.ran == ["trial", "select", "train", "evaluate"]
    assert state.status is RunStatus.DONE
    assert len(stage_runs(store)) == 5


def test_a_done_run_is_left_alone(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)
    run = start(a_context(a_backend(store)), Stage.PREPARE, settings)
    backend = a_backend(store)

    resume(a_context(backend), run.run_id)

    assert backend.ran == []


TURNS = {
    "data__columns_from_path": "{site}_*.png",
    "data__leave_out": "site",
}


def test_each_value_is_left_out_in_turn_and_all_are_compared(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path, **TURNS)
    backend = a_backend(store)

    state = start(a_context(backend), Stage.PIPELINE, settings)

    prepare = ["list", "hash", "link", "catalogue"]
    turn = [*prepare, "trial", "select", "train", "evaluate"]
    assert backend.ran == [*prepare, *turn, *turn, "compare"]
    assert list(state.stages) == [
        "prepare",
        *("prepare Basel", "search Basel", "train Basel", "evaluate Basel"),
        *("prepare Bern", "search Bern", "train Bern", "evaluate Bern"),
        "evaluate",
    ]
    bern = read_run_settings(store, state.stages["evaluate Bern"])
    assert bern.data.test_value == "Bern"
    assert bern.evaluate.model_run == state.stages["train Bern"]
    assert bern.evaluate.search_run == state.stages["search Bern"]
    assert bern.launch.pipeline == state.run_id
    whole = read_run_settings(store, state.stages["evaluate"])
    assert whole.data.test_value is None
    assert whole.evaluate.turns == {
        "Basel": state.stages["evaluate Basel"],
        "Bern": state.stages["evaluate Bern"],
    }


def test_a_value_that_is_set_is_left_out_alone(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path, **TURNS, data__test_value="Bern")
    backend = a_backend(store)

    state = start(a_context(backend), Stage.PIPELINE, settings)

    assert list(state.stages) == ["prepare", "search", "train", "evaluate"]
    assert "compare" not in backend.ran


def test_a_study_in_turns_goes_on_in_the_turn_that_failed(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path, **TURNS)
    with pytest.raises(StepFailed, match=r"lcc-launch resume pipeline-"):
        start(a_context(a_backend(store, train=AWAY)), Stage.PIPELINE, settings)
    [pipeline] = [r for r in stage_runs(store) if r.startswith("pipeline")]
    backend = a_backend(store)

    state = resume(a_context(backend), pipeline)

    assert backend.ran[:2] == ["train", "evaluate"]
    assert backend.ran[-1] == "compare"
    assert state.status is RunStatus.DONE
    assert len(stage_runs(store)) == 11


def test_a_note_of_an_earlier_driver_goes_when_another_takes_over(
    tmp_path: Path,
) -> None:
    store, settings = a_study(tmp_path)
    with pytest.raises(StepFailed):
        start(a_context(a_backend(store, train=AWAY)), Stage.PIPELINE, settings)
    [pipeline] = [r for r in stage_runs(store) if r.startswith("pipeline")]
    notes = [read_state(store, pipeline).message]

    def act(run_id: str, step: str) -> None:
        notes.append(read_state(store, pipeline).message)

    backend = scripted(store, act)
    resume(a_context(backend), pipeline)

    assert notes == ["storage is away", None, None]
    assert backend.ran == ["train", "evaluate"]


def test_a_pipeline_whose_jobs_go_on_is_not_noted_as_stopped(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)
    left = Outcome(exit_code=130, message="not watched", is_stop=True, goes_on=True)

    with pytest.raises(RunStopped):
        start(a_context(a_backend(store, train=left)), Stage.PIPELINE, settings)

    [pipeline] = [r for r in stage_runs(store) if r.startswith("pipeline")]
    state = read_state(store, pipeline)
    assert (state.status, state.message, state.ended) == (RunStatus.RUNNING, None, None)


def test_a_prepare_run_without_its_pointer_is_named(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)
    backend = a_backend(store)
    state = start(a_context(backend), Stage.PIPELINE, settings)
    prepared = state.stages["prepare"]
    store.delete(f"runs/{prepared}/catalogue.json")
    state.stages = {"prepare": prepared}
    state.status = RunStatus.FAILED
    store.write(f"runs/{state.run_id}/state.json", as_json(state))

    with pytest.raises(NotFoundError, match=r"catalogue.json: not found. Run the"):
        resume(a_context(backend), state.run_id)


def as_json(state: object) -> bytes:
    from dataclasses import asdict

    return json.dumps(asdict(state)).encode()  # type: ignore[call-overload]


def stage_runs(store: LocalStore) -> list[str]:
    keys = [item.key for item in store.list_objects("runs/")]
    return [key.split("/")[1] for key in keys if key.endswith("/state.json")]


def test_a_run_whose_root_was_moved_goes_on_where_the_root_is_now(
    tmp_path: Path,
) -> None:
    old, settings = a_study(tmp_path)
    failed = Outcome(exit_code=1, log=f"{old.uri}/runs/x/logs/train/00000.log")
    with pytest.raises(StepFailed):
        start(a_context(a_backend(old, train=failed)), Stage.PIPELINE, settings)
    new = LocalStore(tmp_path / "moved")
    shutil.move(old.folder, new.folder)
    [pipeline] = [s for s in read_states(new) if s.stage == Stage.PIPELINE]

    resume(a_context(a_backend(new)), pipeline.run_id)

    assert read_state(new, pipeline.run_id).status is RunStatus.DONE
    training = read_state(new, pipeline.run_id).stages["train"]
    text = new.read(layout.run_settings(training)).decode()
    assert new.uri in text
    assert old.uri not in text.replace(str(settings.data.source), "")
    assert not old.folder.exists()


def test_the_log_of_a_failed_step_is_named_where_the_root_is_now(
    tmp_path: Path,
) -> None:
    store, run_id = a_store(tmp_path), "train-20261127-0915-k3f9"
    step = StepState(name="train", log=f"file:///old/runs/{run_id}/logs/train/0.log")
    create_state(store, a_state(run_id, steps=[step]))

    log = read_state(store, run_id).steps[0].log

    assert log == f"{store.uri}/runs/{run_id}/logs/train/0.log"
