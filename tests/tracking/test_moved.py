"""A root that was moved, or copied, is a root: MLflow's files are found in it."""

import shutil
from pathlib import Path

import pytest

from lcc.config.tracking import TrackingSettings
from lcc.storage.local import LocalStore
from lcc.storage.uri import local_path
from lcc.tracking.mlflow import open_mlflow
from lcc.tracking.moved import mend_locations
from lcc.tracking.sender import Sender
from lcc.tracking.tracker import Tracker

RUN = "train-20261127-0915-k3f9"


def a_tracked_root(folder: Path) -> LocalStore:
    """Return a root whose MLflow has a run, a file of it, and a model."""
    store = LocalStore(folder)
    model = folder.parent / "model"
    model.mkdir()
    (model / "MLmodel").write_text("flavors: {}\n")
    with Tracker(store, run_id=RUN, writer="w") as tracker:
        store.write(f"runs/{RUN}/history.csv", b"epoch,loss\n")
        tracker.log_artifact("history.csv", f"runs/{RUN}/history.csv")
        tracker.log_model(model)
    send(store)
    return store


def send(store: LocalStore) -> int:
    server = open_mlflow(TrackingSettings(), store.uri)
    return Sender(store=store, server=server, run_id=RUN).forward()


def files_of(store: LocalStore, name: str) -> list[Path]:
    """Return where MLflow says that each of its runs has an artifact."""
    client = open_mlflow(TrackingSettings(), store.uri)._client
    runs = client.search_runs([client.get_experiment_by_name("lcc").experiment_id])
    return [local_path(run.info.artifact_uri) / name for run in runs]


@pytest.mark.parametrize("move", [shutil.move, shutil.copytree], ids=["move", "copy"])
def test_the_files_of_earlier_runs_are_found_in_the_new_place(tmp_path: Path, move):
    old = a_tracked_root(tmp_path / "old place")
    move(old.folder, tmp_path / "new 100%")
    new = LocalStore(tmp_path / "new 100%")

    mend_locations(new.uri)

    shutil.rmtree(old.folder, ignore_errors=True)
    [file] = files_of(new, "history.csv")
    assert file.read_bytes() == b"epoch,loss\n"
    assert file.is_relative_to(new.folder)
    [model] = files_of(new, "model/MLmodel")
    assert model.is_file()
    assert model.is_relative_to(new.folder)
    client = open_mlflow(TrackingSettings(), new.uri)._client
    version = client.get_model_version_by_alias("lcc-tile-classifier", "candidate")
    assert version.source.startswith(new.uri)


def test_a_root_that_was_not_moved_or_has_no_mlflow_is_left_alone(tmp_path: Path):
    store = a_tracked_root(tmp_path / "root")
    database = store.folder / "mlflow.db"
    before = database.read_bytes()

    mend_locations(store.uri)
    mend_locations((tmp_path / "nothing").as_uri())
    mend_locations("s3://lab/study")

    assert database.read_bytes() == before
    assert not (tmp_path / "nothing").exists()


def test_a_model_is_kept_once_though_mlflow_has_it_too(tmp_path: Path):
    store = LocalStore(tmp_path / "root")
    store.write(f"runs/{RUN}/model/model.keras", b"weights")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").write_text("flavors: {}\n")
    network = {"data/model.keras": f"runs/{RUN}/model/model.keras"}
    with Tracker(store, run_id=RUN, writer="w") as tracker:
        tracker.log_model(tmp_path / "model", parts=network)

    send(store)

    [own] = files_of(store, "model/data/model.keras")
    assert own.read_bytes() == b"weights"
    assert own.samefile(store.folder / f"runs/{RUN}/model/model.keras")
