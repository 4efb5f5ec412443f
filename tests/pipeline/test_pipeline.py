"""The whole study as a user runs it: the installed command and real processes."""

import json
import os
import signal
from pathlib import Path

import pytest

from lcc.data.sample import write_sample
from lcc.launch.state import RunState, RunStatus, read_state, read_states
from lcc.storage.local import LocalStore
from tests.builders.commands import launch, start, steps_of
from tests.conftest import wait_until

pytestmark = pytest.mark.slow

SETTINGS = """
data: {tile_size_px: 32, num_folds: 2, num_shards: 3, max_class_share_deviation: 0.3}
model: {backbone: mobilenet, weights: none, frozen_stages: all}
train: {epochs: 2, batch_size: 16}
search: {grid: {train.learning_rate: [0.01, 0.001]}}
evaluate: {num_bootstrap: 100, robustness: false}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_sample(folder / "tiles", num_sources=8, num_copies=4, size_px=64)
    (folder / "lcc.yaml").write_text(SETTINGS)
    return folder


def only_study(store: LocalStore) -> RunState:
    [study] = [state for state in read_states(store) if state.stage == "pipeline"]
    return study


@pytest.fixture(scope="module")
def killed_study(place: Path) -> tuple[LocalStore, str]:
    """Kill the driver, as a power cut would, while it searches."""
    process = start(place, "pipeline", "tiles", "--local", "--root", "root")
    store = LocalStore(place / "root")
    wait_until(
        lambda: running_searches(store) or process.poll() is not None,
        seconds=240,
        what="the search",
    )
    assert process.poll() is None, process.communicate()
    [search] = running_searches(store)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    return store, search


def running_searches(store: LocalStore) -> set[str]:
    """Return the search runs whose processes are at work."""
    run_ids = {item.key.split("/")[1] for item in store.list_objects("runs/search-")}
    return {run_id for run_id in run_ids if steps_of(run_id)}


def test_no_process_outlives_a_killed_driver(
    killed_study: tuple[LocalStore, str],
) -> None:
    _, search = killed_study

    # A process that still starts asks a little later.
    wait_until(lambda: not steps_of(search), seconds=20, what="its processes to end")


def test_a_killed_study_is_lost_until_it_is_resumed(
    killed_study: tuple[LocalStore, str], place: Path
) -> None:
    store, search = killed_study
    study = only_study(store).run_id

    code, output, talk = launch(place, "status", study, "--root", "root")

    assert (code, talk) == (0, "")
    assert output.startswith(f"? {study}  lost")
    assert f"  ? {search}  lost" in output


def test_a_resumed_study_ends_as_if_nothing_had_happened(
    killed_study: tuple[LocalStore, str], place: Path
) -> None:
    store, search = killed_study
    study = only_study(store).run_id
    prepared = read_state(store, only_study(store).stages["prepare"])

    code, output, talk = launch(place, "resume", study, "--root", "root")

    state = read_state(store, study)
    assert code == 0, talk
    assert state.status is RunStatus.DONE
    assert state.stages["search"] == search
    assert read_state(store, prepared.run_id) == prepared  # not run again
    assert "\x1b" not in output + talk
    assert output.splitlines()[-1].startswith("MLflow    mlflow ui --backend-store-uri")
    check_results(store, state)


def check_results(store: LocalStore, study: RunState) -> None:
    """Look at what each stage must leave."""
    search, train = study.stages["search"], study.stages["train"]
    best = json.loads(store.read(f"runs/{search}/best.json"))
    rows = store.read(f"runs/{search}/cv_results.csv").decode().splitlines()
    assert best["point"].keys() == {"train.learning_rate"}
    assert len(rows) == 3  # a header and two points
    assert store.exists(f"runs/{train}/model/model.keras")
    assert store.exists(f"runs/{study.stages['evaluate']}/report.html")


def test_mlflow_holds_every_run_as_it_ended(
    killed_study: tuple[LocalStore, str], place: Path
) -> None:
    from mlflow import MlflowClient

    store, _ = killed_study
    study = only_study(store)
    client = MlflowClient(f"sqlite:///{place}/root/mlflow.db")
    experiment = client.get_experiment_by_name("lcc")
    assert experiment is not None

    runs = client.search_runs([experiment.experiment_id], max_results=100)

    parents = {
        run.data.tags["lcc.run"]: run.info.status
        for run in runs
        if "lcc.trial" not in run.data.tags
    }
    trials = [run.info.status for run in runs if "lcc.trial" in run.data.tags]
    assert parents == dict.fromkeys(study.stages.values(), "FINISHED")
    assert trials == ["FINISHED"] * 4
    version = client.get_model_version_by_alias("lcc-tile-classifier", "candidate")
    assert version.tags["lcc.run"] == study.stages["train"]
