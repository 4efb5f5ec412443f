"""The settings of an evaluation on another data set."""

import json
from pathlib import Path

import pytest

from lcc.config.load import SettingsSources, dump_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError, NotFoundError
from lcc.launch.outside import outside_flags
from lcc.launch.plan import Stage, build_plan
from lcc.launch.resolve import resolve_inputs, resolve_locations
from lcc.launch.state import write_state
from lcc.storage.layout import FORMAT_VERSION
from lcc.storage.local import LocalStore
from lcc.storage.pointers import write_latest
from tests.builders.launches import TrackingAway, a_state, a_store, local_settings

MODEL = "train-20261121-0915-k3f9"
SEALED = "evaluate-20261122-0915-k3f9"


def a_judged_root(folder: Path) -> LocalStore:
    """Return a root with a model of `lung`, judged, and a prepared set `other`."""
    store = a_store(folder)
    latest = json.dumps({"catalogue": "ab" * 32, "format": FORMAT_VERSION}).encode()
    for name in ("lung", "other"):
        store.write(f"datasets/{name}/latest.json", latest)
    store.write(f"runs/{MODEL}/model/model.keras", b"model")
    store.write(f"runs/{MODEL}/model/model.json", b'{"tile_size_px": 96}')
    for run_id, changes in {
        MODEL: {"data__name": "lung"},
        SEALED: {"evaluate__model_run": MODEL},
    }.items():
        own = dump_settings(local_settings(store, **changes))
        store.write(f"runs/{run_id}/settings.yaml", own.encode())
        write_state(store, a_state(run_id))
    return store


def given(store: LocalStore, data: str, **flags: str) -> Settings:
    """Return settings as `evaluate --data` leaves them, and a working folder."""
    own = {name.replace("__", "."): text for name, text in flags.items()}
    place = {"storage.root": store.uri, "launch.backend": "local"}
    sources = SettingsSources(flags={**own, **place})
    settings = sources.with_flags(**outside_flags(data, sources.flags)).load()
    return resolve_locations(settings, default_root="lcc-study")


def resolved(settings: Settings, store: LocalStore) -> Settings:
    return resolve_inputs(settings, Stage.EVALUATE, store, server=TrackingAway(None))


def test_a_folder_is_prepared_first_undivided_and_under_a_name_of_its_own(
    tmp_path: Path,
) -> None:
    store = a_judged_root(tmp_path)

    settings = resolved(given(store, "./lung"), store)

    assert settings.data.name == "lung-outside"
    assert settings.data.source == (Path.cwd() / "lung").as_uri()
    assert settings.data.undivided
    assert settings.data.tile_size_px == 96, "as the model takes them"
    assert settings.evaluate.sealed_run == SEALED
    steps = build_plan(Stage.EVALUATE, settings, parallelism=1).steps
    assert [step.name for step in steps] == [
        *("list", "hash", "link", "catalogue", "overlap", "evaluate"),
    ]


def test_a_name_is_a_prepared_set_of_the_root(tmp_path: Path) -> None:
    store = a_judged_root(tmp_path)

    settings = resolved(given(store, "other", data__name="lung"), store)

    assert (settings.data.name, settings.data.catalogue) == ("other", "ab" * 32)
    steps = build_plan(Stage.EVALUATE, settings, parallelism=1).steps
    assert [step.name for step in steps] == ["overlap", "evaluate"]


def test_a_mistyped_name_is_met_with_a_near_one(tmp_path: Path) -> None:
    store = a_judged_root(tmp_path)

    with pytest.raises(NotFoundError, match=r"got othr\. Did you mean other\?"):
        resolved(given(store, "othr"), store)


def test_the_set_that_the_model_was_trained_on_is_refused(tmp_path: Path) -> None:
    store = a_judged_root(tmp_path)

    with pytest.raises(ConfigError, match="must be another data set"):
        resolved(given(store, "lung"), store)


def test_a_place_is_not_prepared_under_the_name_of_the_training_set(
    tmp_path: Path,
) -> None:
    store = a_judged_root(tmp_path)

    with pytest.raises(ConfigError, match="names what --data is prepared"):
        resolved(given(store, "./other", data__name="lung"), store)


def test_a_model_that_was_not_judged_on_its_sealed_test_is_judged_there_first(
    tmp_path: Path,
) -> None:
    store = a_judged_root(tmp_path)
    store.delete(f"runs/{SEALED}/state.json")

    with pytest.raises(NotFoundError, match=f"evaluate --run {MODEL}"):
        resolved(given(store, "other"), store)


def test_a_place_that_only_a_file_names_is_not_prepared(tmp_path: Path) -> None:
    store = a_judged_root(tmp_path)
    settings = local_settings(store, evaluate__data="s3://lab/other")

    with pytest.raises(ConfigError, match="evaluate --data s3://lab/other"):
        resolved(settings, store)


def test_a_pipeline_evaluates_on_the_sealed_test_alone(tmp_path: Path) -> None:
    store = a_judged_root(tmp_path)
    settings = local_settings(store, evaluate__data="other", data__source="tiles")

    with pytest.raises(ConfigError, match="must not be set for a pipeline"):
        resolve_inputs(settings, Stage.PIPELINE, store, server=TrackingAway(None))


def test_a_catalogue_and_a_place_are_refused_together() -> None:
    with pytest.raises(ConfigError, match="--catalogue"):
        outside_flags("./other", {"data.catalogue": "ab12cd34"})


def test_a_set_to_judge_on_is_not_taken_for_one_to_learn_from(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    write_latest(store, "lung", "ab" * 32)
    write_latest(store, "other-outside", "cd" * 32, is_undivided=True)

    settings = resolve_inputs(
        local_settings(store), Stage.TRAIN, store, server=TrackingAway(None)
    )

    assert settings.data.name == "lung"
