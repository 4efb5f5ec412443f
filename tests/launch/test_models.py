"""Which trained model answers, by what a user names."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lcc.config.settings import Settings
from lcc.errors import ConfigError, NotFoundError
from lcc.launch.plan import Stage, build_plan
from lcc.launch.resolve import resolve_inputs
from lcc.storage.local import LocalStore
from lcc.tracking.registry import RegisteredVersion
from tests.builders.answering import (
    EVALUATION,
    MODEL_RUN,
    a_trained_model,
    an_evaluation,
)
from tests.builders.launches import TrackingAway, a_store, local_settings

OTHER = "train-20261128-1000-bbbb"


@dataclass(frozen=True)
class ARegistry(TrackingAway):
    """A registry of some versions, by alias or number."""

    versions: dict[str, RegisteredVersion] = field(default_factory=dict)

    def find_version(
        self, version: str, *, name: str | None = None
    ) -> RegisteredVersion | None:
        return self.versions.get(f"{name}/{version}" if name else version)


def a_registry(candidate: str | None = None, **versions: str) -> ARegistry:
    """Return a registry: alias → train run; its number is that of its place."""
    found = {
        name: RegisteredVersion(number=number, run_id=run_id)
        for number, (name, run_id) in enumerate(versions.items(), 1)
    }
    return ARegistry(candidate, found)


def resolved(
    store: LocalStore, model: str | None = None, *, server: object = None, **own: object
) -> Settings:
    asked = {"predict__source": "file:///new", "predict__model_run": model}
    settings = local_settings(store, **asked | own)
    server = server or a_registry()
    return resolve_inputs(settings, Stage.PREDICT, store, server=server)  # type: ignore[arg-type]


def test_the_champion_answers_where_there_is_one(tmp_path: Path):
    store = a_store(tmp_path)
    a_trained_model(store)
    a_trained_model(store, OTHER)

    own = resolved(store, server=a_registry(OTHER, champion=MODEL_RUN)).predict

    assert own.model_run == MODEL_RUN
    assert own.chosen_by == "champion, version 1"


def test_without_a_champion_the_candidate_answers_and_that_is_said(tmp_path: Path):
    store = a_store(tmp_path)
    a_trained_model(store)
    a_trained_model(store, OTHER)

    own = resolved(store, server=a_registry(MODEL_RUN)).predict

    assert own.model_run == MODEL_RUN
    assert own.chosen_by == "candidate: no model is champion yet"


def test_a_train_run_is_taken_as_it_is_and_no_registry_is_asked(tmp_path: Path):
    store = a_store(tmp_path)
    a_trained_model(store)

    own = resolved(store, MODEL_RUN, server=TrackingAway()).predict

    assert (own.model_run, own.chosen_by) == (MODEL_RUN, None)


@pytest.mark.parametrize("model", ["models:/lung/3", "models:/lung@best"])
def test_a_version_of_any_registered_model_may_be_named(tmp_path: Path, model: str):
    store = a_store(tmp_path)
    a_trained_model(store)
    version = RegisteredVersion(number=3, run_id=MODEL_RUN)
    server = ARegistry(None, {"lung/3": version, "lung/best": version})

    own = resolved(store, model, server=server).predict

    assert own.model_run == MODEL_RUN
    assert own.chosen_by.startswith(model)


def test_the_latest_evaluation_of_the_sealed_test_sets_the_rules(tmp_path: Path):
    store = a_store(tmp_path)
    a_trained_model(store)
    an_evaluation(store, "evaluate-20261127-0000-aaaa")
    an_evaluation(store)
    an_evaluation(store, "evaluate-20261129-0000-aaaa", **{"evaluate.data": "other"})

    assert resolved(store, MODEL_RUN).predict.evaluation == EVALUATION


def test_a_model_that_was_never_evaluated_answers_all_the_same(tmp_path: Path):
    store = a_store(tmp_path)
    a_trained_model(store)

    assert resolved(store, MODEL_RUN).predict.evaluation is None


def test_the_steps_are_shared_by_as_many_processes_as_run_at_once(tmp_path: Path):
    settings = local_settings(a_store(tmp_path), launch__gpus=4)

    steps = build_plan(Stage.PREDICT, settings, parallelism=20).steps

    found = [(step.name, step.num_processes, step.gpus) for step in steps]
    assert found == [("images", 1, 0), ("predict", 20, 1), ("collect", 1, 0)]


BAD = [
    pytest.param(
        "champion",
        "predict.model_run: must be a model of the registry, got champion, which it "
        "has not.",
        id="no champion",
    ),
    pytest.param(
        "models:/lung@gone",
        "predict.model_run: must be a model of the registry, got models:/lung@gone, "
        "which it has not.",
        id="an alias that is gone",
    ),
    pytest.param(
        "models:/other/1",
        "got models:/other/1, made by train-elsewhere elsewhere. Pass the --root",
        id="a model of another root",
    ),
    pytest.param(
        "train-20261128-0900-aaab",
        "predict.model_run: must be a finished train run, got train-20261128-0900-aaab"
        f". Did you mean {MODEL_RUN}?",
        id="a mistyped run",
    ),
]


@pytest.mark.parametrize(("model", "message"), BAD)
def test_a_model_that_is_not_there_is_told(tmp_path: Path, model: str, message: str):
    store = a_store(tmp_path)
    a_trained_model(store)
    elsewhere = RegisteredVersion(number=1, run_id="train-elsewhere")

    with pytest.raises(NotFoundError) as caught:
        resolved(store, model, server=ARegistry(None, {"other/1": elsewhere}))

    assert message in str(caught.value)


@pytest.mark.parametrize("model", ["models:/lung", "models:/lung@", "models:/lung/x"])
def test_half_a_name_of_a_version_is_refused(tmp_path: Path, model: str):
    store = a_store(tmp_path)
    a_trained_model(store)

    with pytest.raises(ConfigError, match="must be models:/NAME/VERSION or"):
        resolved(store, model)


def test_nothing_trained_answers_nothing(tmp_path: Path):
    with pytest.raises(NotFoundError, match="must hold a trained model, got none"):
        resolved(a_store(tmp_path))


def test_no_images_are_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"predict\.source: must be set, got nothing"):
        resolved(a_store(tmp_path), predict__source=None)


def test_an_evaluation_of_another_model_sets_no_rules(tmp_path: Path):
    store = a_store(tmp_path)
    a_trained_model(store)
    an_evaluation(store, model_run=OTHER)

    with pytest.raises(NotFoundError, match=f"evaluation of {MODEL_RUN}"):
        resolved(store, MODEL_RUN, predict__evaluation=EVALUATION)
