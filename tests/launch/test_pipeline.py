"""Pipelines with a back end that leaves what real steps would leave."""

import json
from pathlib import Path

import pytest

from lcc.config.settings import Settings
from lcc.errors import NotFoundError
from lcc.launch.messages import StepFailed
from lcc.launch.outcome import Outcome, Watch
from lcc.launch.pipeline import Ground, read_run_settings, resume, start
from lcc.launch.plan import Stage, Step
from lcc.launch.signals import StopRequest
from lcc.launch.state import Status, read_state
from lcc.storage.layout import FORMAT_VERSION
from lcc.storage.local import LocalStore
from tests.builders.launches import RecordingDisplay, a_store, local_settings

DIGEST = "ab" * 32
BEST = {"point": {"train.learning_rate": 0.1}, "refit_epochs": 4}


class Workers:
    """A back end that writes what later stages read; one step may fail once."""

    def __init__(self, store: LocalStore, *, failing: str | None = None) -> None:
        self.store = store
        self.failing = failing
        self.ran: list[str] = []

    def run_step(
        self, step: Step, *, run_id: str, watch: Watch, is_retry: bool
    ) -> Outcome:
        self.ran.append(step.name)
        if step.name == self.failing:
            self.failing = None
            return Outcome(exit_code=75, message="storage is away")
        match step.name:
            case "catalogue":
                pointer = json.dumps({"name": "tiles", "digest": DIGEST}).encode()
                self.store.write(f"runs/{run_id}/catalogue.json", pointer)
                latest = json.dumps(
                    {"catalogue": "cd" * 32, "format": FORMAT_VERSION}
                ).encode()
                self.store.write("datasets/tiles/latest.json", latest)  # another's
            case "select":
                self.store.write(f"runs/{run_id}/best.json", json.dumps(BEST).encode())
            case "train":
                self.store.write(f"runs/{run_id}/model/model.keras", b"model")
        return Outcome()


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lcc.launch.driver.finish_safely", lambda _: 0)
    monkeypatch.setattr("lcc.launch.mlflow_sync.forward_safely", lambda _: 0)


def a_ground(store: LocalStore, workers: Workers) -> Ground:
    return Ground(
        store=store,
        display=RecordingDisplay(),
        stop=StopRequest(),
        num_cores=2,
        backend=lambda _: workers,
    )


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
            **changes,
        },
    )
    return store, settings


def test_stages_follow_each_other_tied_by_the_study(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)
    workers = Workers(store)

    state = start(a_ground(store, workers), Stage.PIPELINE, settings)

    assert workers.ran == [
        *("list", "hash", "link", "catalogue"),
        *("trial", "select"),
        *("train", "evaluate"),
    ]
    assert list(state.stages) == ["prepare", "search", "train", "evaluate"]
    assert read_state(store, state.run_id).status is Status.DONE
    studies = {read_state(store, run_id).study for run_id in state.stages.values()}
    assert studies == {state.run_id}


def test_the_best_point_and_the_own_catalogue_are_trained_on(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)

    state = start(a_ground(store, Workers(store)), Stage.PIPELINE, settings)

    own = read_run_settings(store, state.stages["train"])
    assert own.train.learning_rate == 0.1
    assert own.train.epochs == settings.train.epochs
    assert own.data.catalogue == DIGEST  # not the latest, which another run wrote


def test_a_refit_trains_as_long_as_the_folds_did(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path, search__refit=True)

    state = start(a_ground(store, Workers(store)), Stage.PIPELINE, settings)

    assert read_run_settings(store, state.stages["train"]).train.epochs == 4


def test_the_model_just_trained_is_evaluated(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)

    state = start(a_ground(store, Workers(store)), Stage.PIPELINE, settings)

    own = read_run_settings(store, state.stages["evaluate"])
    assert own.evaluate.model_run == state.stages["train"]


def test_a_resumed_study_goes_on_in_its_unfinished_stage(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)
    with pytest.raises(StepFailed) as caught:
        start(
            a_ground(store, Workers(store, failing="trial")), Stage.PIPELINE, settings
        )
    [study] = [r for r in stage_runs(store) if r.startswith("pipeline")]
    assert caught.value.exit_code == 75
    assert read_state(store, study).status is Status.FAILED
    workers = Workers(store)

    state = resume(a_ground(store, workers), study)

    assert workers.ran == ["trial", "select", "train", "evaluate"]
    assert state.status is Status.DONE
    assert len(stage_runs(store)) == 5


def test_a_done_run_is_left_alone(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)
    run = start(a_ground(store, Workers(store)), Stage.PREPARE, settings)
    workers = Workers(store)

    resume(a_ground(store, workers), run.run_id)

    assert workers.ran == []


def test_a_prepare_run_without_its_pointer_is_named(tmp_path: Path) -> None:
    store, settings = a_study(tmp_path)
    workers = Workers(store)
    state = start(a_ground(store, workers), Stage.PIPELINE, settings)
    prepared = state.stages["prepare"]
    store.delete(f"runs/{prepared}/catalogue.json")
    state.stages = {"prepare": prepared}
    state.status = Status.FAILED
    store.write(f"runs/{state.run_id}/state.json", as_json(state))

    with pytest.raises(NotFoundError, match=r"catalogue.json: not found. Run the"):
        resume(a_ground(store, workers), state.run_id)


def as_json(state: object) -> bytes:
    from dataclasses import asdict

    return json.dumps(asdict(state)).encode()  # type: ignore[call-overload]


def stage_runs(store: LocalStore) -> list[str]:
    keys = [item.key for item in store.list_objects("runs/")]
    return [key.split("/")[1] for key in keys if key.endswith("/state.json")]
