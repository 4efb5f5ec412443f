import json
from pathlib import Path

import pytest

from lcc.config.settings import Settings
from lcc.errors import ConfigError, NotFoundError
from lcc.launch import resolve
from lcc.launch.plan import Stage
from lcc.launch.state import write_state
from lcc.storage.layout import FORMAT_VERSION
from lcc.storage.local import LocalStore
from tests.builders.launches import TrackingAway, a_state, a_store, local_settings
from tests.builders.settings import load_settings


def resolve_inputs(
    settings: Settings, stage: Stage, store: LocalStore, candidate: str | None = None
) -> Settings:
    server = TrackingAway(candidate)
    return resolve.resolve_inputs(settings, stage, store, server=server)  # type: ignore[arg-type]


def test_locations_become_absolute() -> None:
    settings = resolve.resolve_locations(
        load_settings(
            overrides=[
                "launch.backend=local",
                "data.source=my tiles",
                "data.split_csv=split.csv",
                "model.backbone=../lite0.keras",
            ]
        ),
        default_root="lcc-study",
    )

    here = Path.cwd()
    assert settings.storage.root == (here / "lcc-study").as_uri()
    assert settings.data.source == (here / "my tiles").as_uri()
    assert settings.data.name == "my-tiles"
    assert settings.data.split_csv == (here / "split.csv").as_uri()
    assert settings.model.backbone == (here.parent / "lite0.keras").as_uri()
    assert settings.model.weights == "imagenet"


def test_the_only_data_set_and_its_latest_catalogue_are_taken(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    latest = json.dumps({"catalogue": "ab" * 32, "format": FORMAT_VERSION}).encode()
    store.write("datasets/lung/latest.json", latest)

    settings = resolve_inputs(local_settings(store), Stage.TRAIN, store)

    assert (settings.data.name, settings.data.catalogue) == ("lung", "ab" * 32)


def a_trained_root(folder: Path) -> LocalStore:
    store = a_store(folder)
    latest = json.dumps({"catalogue": "ab" * 32, "format": FORMAT_VERSION}).encode()
    store.write("datasets/lung/latest.json", latest)
    for number in (1, 2):
        run_id = f"train-2026112{number}-0915-k3f9"
        write_state(store, a_state(run_id, created=f"2026-11-2{number}T09:15:00+00:00"))
        store.write(f"runs/{run_id}/model/model.keras", b"model")
    return store


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        pytest.param(
            "train-20261121-0915-k3f9", "train-20261121-0915-k3f9", id="alias"
        ),
        pytest.param(None, "train-20261122-0915-k3f9", id="no alias: the last"),
        pytest.param("train-x", "train-20261122-0915-k3f9", id="of another root"),
    ],
)
def test_the_candidate_is_evaluated(
    tmp_path: Path, candidate: str | None, expected: str
) -> None:
    store = a_trained_root(tmp_path)

    settings = resolve_inputs(local_settings(store), Stage.EVALUATE, store, candidate)

    assert settings.evaluate.model_run == expected


def test_a_mistyped_model_run_is_met_with_a_near_one(tmp_path: Path) -> None:
    store = a_trained_root(tmp_path)
    settings = local_settings(store, evaluate__model_run="train-20261122-0915-k3f8")

    with pytest.raises(NotFoundError, match=r"Did you mean train-20261122-0915-k3f9\?"):
        resolve_inputs(settings, Stage.EVALUATE, store)


def test_nothing_trained_is_nothing_to_evaluate(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    latest = json.dumps({"catalogue": "ab" * 32, "format": FORMAT_VERSION}).encode()
    store.write("datasets/lung/latest.json", latest)

    with pytest.raises(NotFoundError, match="must hold a trained model, got none"):
        resolve_inputs(local_settings(store), Stage.EVALUATE, store)


@pytest.mark.parametrize(
    ("stage", "changes"),
    [
        pytest.param(Stage.PIPELINE, {}, id="a pipeline takes turns"),
        pytest.param(Stage.PREPARE, {"data__test_value": "Bern"}, id="one value"),
        pytest.param(
            Stage.PREPARE, {"launch__pipeline": "pipeline-1"}, id="of a pipeline"
        ),
    ],
)
def test_a_value_may_be_left_out(tmp_path: Path, stage: Stage, changes) -> None:
    store = a_store(tmp_path)
    settings = local_settings(store, **SITES, **changes)

    assert resolve_inputs(settings, stage, store) == settings


def test_a_prepare_must_know_which_value_is_the_test(tmp_path: Path) -> None:
    store = a_store(tmp_path)

    with pytest.raises(ConfigError) as caught:
        resolve_inputs(local_settings(store, **SITES), Stage.PREPARE, store)

    assert str(caught.value) == (
        "data.test_value: must be set with data.leave_out (site), got nothing. Set the "
        "value that is the test, or run the pipeline, which takes each in turn."
    )


SITES = {
    "data__source": "file:///tiles",
    "data__columns_from_path": "{site}_*.png",
    "data__leave_out": "site",
}


def test_no_source_is_a_fault(tmp_path: Path) -> None:
    store = a_store(tmp_path)

    with pytest.raises(ConfigError, match=r"data\.source: must be set, got nothing"):
        resolve_inputs(local_settings(store), Stage.PIPELINE, store)
