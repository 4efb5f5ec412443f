"""The way of an event: spooled by a process, sent once, whatever dies between."""

import logging
import math
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lcc.config.tracking import TrackingSettings
from lcc.errors import ConfigError
from lcc.evaluate.kept import keep_files, write_table
from lcc.evaluate.predictions import Part
from lcc.storage.local import LocalStore
from lcc.storage.uri import local_path
from lcc.tracking.mlflow import CLIENT_ENVIRONMENT, MlflowServer, open_mlflow
from lcc.tracking.sender import Sender
from lcc.tracking.tracker import Tracker
from tests.builders.predictions import some_predictions
from tests.conftest import REPOSITORY, Server

MODEL = "lcc-tile-classifier"
RUN = "train-20261123-0915-k3f9"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "root")


def a_tracker(store: LocalStore, writer: str = "train-00000-1") -> Tracker:
    return Tracker(store, run_id=RUN, writer=writer)


def a_sender(store: LocalStore, uri: str | None = None) -> Sender:
    server = open_mlflow(TrackingSettings(uri=uri), store.uri)
    return Sender(store=store, server=server, run_id=RUN)


def history(sender: Sender, name: str, trial: str | None = None) -> list[tuple]:
    server = sender.server
    assert isinstance(server, MlflowServer)
    server.ensure_run(RUN, trial, start_ms=0)
    rows = server._client.get_metric_history(server._runs[RUN, trial], name)
    return sorted((row.step, row.value) for row in rows)


def report_epochs(tracker: Tracker, epochs: range, value: float = 0.5) -> None:
    for epoch in epochs:
        tracker.log_metrics({"train/loss": value, "train/accuracy": 1.0}, step=epoch)
    tracker.flush()


@pytest.mark.slow
def test_a_server_that_dies_and_returns_has_each_step_once(
    store: LocalStore, mlflow_server: Server, caplog: pytest.LogCaptureFixture
):
    sender = a_sender(store, mlflow_server.url)
    tracker = a_tracker(store)
    report_epochs(tracker, range(3))
    assert sender.forward() == 0

    mlflow_server.kill()
    report_epochs(tracker, range(3, 6))
    with caplog.at_level(logging.WARNING):
        waiting = [sender.forward(), sender.forward()]
    report_epochs(tracker, range(6, 8))
    mlflow_server.start()

    assert waiting == [1, 1]
    assert caplog.text.count("event=tracking_away") == 1
    assert sender.forward() == 0
    expected = [(step, 0.5) for step in range(8)]
    assert history(a_sender(store, mlflow_server.url), "train/loss") == expected


@pytest.mark.slow
def test_a_sender_that_died_before_it_noted_what_it_sent_sends_nothing_twice(
    store: LocalStore, mlflow_server: Server
):
    report_epochs(a_tracker(store), range(4))
    a_sender(store, mlflow_server.url).forward()
    store.delete(f"runs/{RUN}/spool/sent.json")  # as if killed before this write

    sender = a_sender(store, mlflow_server.url)
    sender.forward()

    assert history(sender, "train/loss") == [(step, 0.5) for step in range(4)]


def test_a_resumed_training_that_reports_again_does_not_double_a_step(
    store: LocalStore,
):
    report_epochs(a_tracker(store, "train-00000-1"), range(4), value=0.5)
    a_sender(store).forward()
    report_epochs(a_tracker(store, "train-00000-2"), range(2, 6), value=0.4)

    sender = a_sender(store)
    sender.forward()

    steps = history(sender, "train/loss")
    assert [step for step, _ in steps] == [0, 1, 2, 3, 4, 5]
    assert [value for _, value in steps] == [0.5] * 4 + [0.4] * 2


def test_everything_a_run_reports_is_found_in_mlflow(store: LocalStore):
    with a_tracker(store) as tracker:
        tracker.set_tags({"lcc.catalogue": "ab12"})
        tracker.log_params({"train.batch_size": 32})
        tracker.log_input(
            name="lung", digest="ab12" * 16, source="s3://lab/lung", context="training"
        )
        store.write(f"runs/{RUN}/plots/curves.png", b"png")
        tracker.log_artifact("plots/curves.png", f"runs/{RUN}/plots/curves.png")
        tracker.log_params({"model.dropout": 0.5}, trial="p000-f0")
        tracker.log_metrics({"validation/macro_f1": 0.9}, trial="p000-f0")
        tracker.set_status("FINISHED", trial="p000-f0")
        tracker.set_status("FINISHED")

    a_sender(store).forward()

    client = open_mlflow(TrackingSettings(), store.uri)._client
    experiment = client.get_experiment_by_name("lcc")
    runs = client.search_runs([experiment.experiment_id])
    by_trial = {run.data.tags.get("lcc.trial"): run for run in runs}
    parent, child = by_trial[None], by_trial["p000-f0"]
    assert parent.data.tags["lcc.catalogue"] == "ab12"
    assert parent.data.tags["lcc.stage"] == "train"
    assert parent.data.params == {"train.batch_size": "32"}
    assert parent.inputs.dataset_inputs[0].dataset.name == "lung"
    assert parent.info.status == child.info.status == "FINISHED"
    artifacts = client.list_artifacts(parent.info.run_id, "plots")
    assert [item.path for item in artifacts] == ["plots/curves.png"]
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.metrics == {"validation/macro_f1": 0.9}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")
@pytest.mark.parametrize("place", ["sqlite", "server"])
def test_a_model_is_registered_once_and_loads_by_its_alias(
    store: LocalStore, tmp_path: Path, place: str, request: pytest.FixtureRequest
):
    import mlflow
    import mlflow.pyfunc

    class Constant(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return ["benign"] * len(model_input)

    uri = None
    if place == "server":
        uri = request.getfixturevalue("mlflow_server").url
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=Constant())
    with a_tracker(store) as tracker:
        tracker.log_model(tmp_path / "model")

    a_sender(store, uri).forward()
    store.delete(f"runs/{RUN}/spool/sent.json")
    sender = a_sender(store, uri)
    sender.forward()

    server = sender.server
    assert isinstance(server, MlflowServer)
    versions = server._client.search_model_versions("name = 'lcc-tile-classifier'")
    assert [version.tags["lcc.run"] for version in versions] == [RUN]
    assert server.find_candidate() == RUN
    for version, name in (("1", None), ("candidate", None), ("1", MODEL)):
        found = server.find_version(version, name=name)
        assert found is not None
        assert (found.number, found.run_id) == (1, RUN)
    gone = [("2", None), ("champion", None), ("1", "another"), ("best", "another")]
    assert [server.find_version(v, name=name) for v, name in gone] == [None] * 4
    mlflow.set_tracking_uri(server.uri)
    loaded = mlflow.pyfunc.load_model("models:/lcc-tile-classifier@candidate")
    assert loaded.predict(["a", "b"]) == ["benign", "benign"]


def test_without_any_model_there_is_no_candidate(store: LocalStore):
    assert open_mlflow(TrackingSettings(), store.uri).find_candidate() is None


def test_thousands_of_metrics_are_sent_in_batches(store: LocalStore):
    tracker = a_tracker(store)
    for step in range(1500):
        tracker.log_metrics({"train/loss": step / 10, "train/accuracy": 0.5}, step=step)
    tracker.flush()

    sender = a_sender(store)
    sender.forward()

    assert len(history(sender, "train/loss")) == 1500


def runs_of(store: LocalStore, run_id: str = RUN) -> dict[str | None, Any]:
    client = open_mlflow(TrackingSettings(), store.uri)._client
    experiment = client.get_experiment_by_name("lcc")
    runs = client.search_runs(
        [experiment.experiment_id], f"tags.`lcc.run` = '{run_id}'"
    )
    assert len({run.data.tags.get("lcc.trial") for run in runs}) == len(runs)
    return {run.data.tags.get("lcc.trial"): run for run in runs}


def test_a_report_that_is_refused_for_ever_does_not_hold_up_the_rest(
    store: LocalStore, caplog: pytest.LogCaptureFixture
):
    with a_tracker(store, "one") as tracker:
        tracker.log_params({"train.epochs": 10, "seed": 1})
    a_sender(store).forward()
    with a_tracker(store, "two") as tracker:
        tracker.log_params({"train.epochs": 20, "gpus": 4})
        tracker.log_metrics({"train/loss": 0.5})

    waiting = a_sender(store).forward()

    run = runs_of(store)[None]
    assert waiting == 0
    assert run.data.params == {"train.epochs": "10", "seed": "1", "gpus": "4"}
    assert run.data.metrics == {"train/loss": 0.5}
    assert "event=tracking_refused" in caplog.text


def test_reports_to_a_deleted_run_wait_until_it_is_restored(store: LocalStore):
    report_epochs(a_tracker(store, "one"), range(1))
    sender = a_sender(store)
    sender.forward()
    client, mlflow_id = sender.server._client, runs_of(store)[None].info.run_id
    client.delete_run(mlflow_id)
    report_epochs(a_tracker(store, "two"), range(1, 3))

    waiting = sender.forward()
    client.restore_run(mlflow_id)

    assert waiting == 1
    assert sender.forward() == 0
    assert [step for step, _ in history(sender, "train/loss")] == [0, 1, 2]


def test_awkward_names_and_values_are_taken(store: LocalStore):
    with a_tracker(store) as tracker:
        tracker.log_metrics({"test/recall/lung, (left) 50%": 1.0, "é": math.nan})
        tracker.log_params({"data.source": "tiles-\udcff"})
        tracker.log_metrics({"train/loss": 0.5}, step=np.int64(3))

    assert a_sender(store).forward() == 0
    run = runs_of(store)[None]
    assert run.data.params == {"data.source": r"tiles-\udcff"}
    assert run.data.metrics["test/recall/lung_2c_ _28_left_29_ 50_25_"] == 1.0


def test_one_server_object_finds_the_runs_of_every_stage(store: LocalStore):
    stages = ("train-1", "search-1")
    for writer in ("one", "two"):
        server = open_mlflow(TrackingSettings(), store.uri)
        for run_id in stages:
            with Tracker(store, run_id=run_id, writer=writer) as tracker:
                tracker.log_metrics({writer: 1.0})
            Sender(store=store, server=server, run_id=run_id).forward()

    for run_id in stages:
        assert runs_of(store, run_id)[None].data.metrics == {"one": 1.0, "two": 1.0}


def test_a_run_ends_when_it_said_so_not_when_it_was_sent(store: LocalStore):
    said_ms = time.time_ns() // 10**6 - 3_600_000
    with Tracker(
        store, run_id=RUN, writer="train-00000-1", clock_ms=lambda: said_ms
    ) as tracker:
        tracker.set_status("FINISHED")

    a_sender(store).forward()

    assert runs_of(store)[None].info.end_time == said_ms


def test_trials_that_died_are_ended_as_killed(store: LocalStore):
    with a_tracker(store) as tracker:
        tracker.log_metrics({"validation/loss": 1.0}, trial="died")
        tracker.set_status("FINISHED", trial="done")
        tracker.set_status("FAILED")

    assert a_sender(store).finish() == 0

    status = {trial: run.info.status for trial, run in runs_of(store).items()}
    assert status == {None: "FAILED", "died": "KILLED", "done": "FINISHED"}


def test_two_trials_may_name_their_artifacts_alike(store: LocalStore):
    with a_tracker(store) as tracker:
        for trial in ("a", "b"):
            store.write(f"runs/{RUN}/{trial}.csv", trial.encode())
            tracker.log_artifact("history.csv", f"runs/{RUN}/{trial}.csv", trial=trial)

    a_sender(store).forward()

    for trial in ("a", "b"):
        artifacts = local_path(runs_of(store)[trial].info.artifact_uri)
        assert (artifacts / "history.csv").read_bytes() == trial.encode()


def test_a_writer_whose_name_was_used_before_overwrites_nothing(store: LocalStore):
    for step in range(2):
        report_epochs(a_tracker(store, "same"), range(step, step + 1))

    sender = a_sender(store)
    sender.forward()

    assert [step for step, _ in history(sender, "train/loss")] == [0, 1]


def _forward(root: str, run_id: str) -> int:
    store = LocalStore(local_path(root))
    with Tracker(store, run_id=run_id, writer=str(os.getpid())) as tracker:
        tracker.log_metrics({"train/loss": 0.5}, step=os.getpid())
    server = open_mlflow(TrackingSettings(), root)
    sender = Sender(store=store, server=server, run_id=run_id)
    tries = iter(
        range(4)
    )  # a busy machine may keep us waiting longer than one try does
    while (waiting := sender.forward()) and next(tries, None) is not None:
        pass
    return waiting


@pytest.mark.slow
def test_drivers_that_meet_on_a_fresh_root_make_one_database_and_one_run_each(
    store: LocalStore,
):
    # Without the lock MLflow's first migration crashes: "duplicate column name: step".
    run_ids = ("train-1", "train-2", "train-2")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        waiting = list(pool.map(_forward, [store.uri] * 3, run_ids))

    assert waiting == [0, 0, 0]
    assert list(runs_of(store, "train-1")) == list(runs_of(store, "train-2")) == [None]


def test_a_server_that_accepts_and_never_answers_costs_seconds(store: LocalStore):
    report_epochs(a_tracker(store), range(1))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = a_sender(store, f"http://127.0.0.1:{silent.getsockname()[1]}")
        sender.server._client  # noqa: B018 - MLflow's import is not what is timed
        start = time.monotonic()

        waiting = sender.forward()

    assert waiting == 1
    assert time.monotonic() - start < 8


def test_the_first_probe_leaves_the_clients_own_waits(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
):
    for name in CLIENT_ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    report_epochs(a_tracker(store), range(1))

    a_sender(store).forward()

    assert {name: os.environ.get(name) for name in CLIENT_ENVIRONMENT} == (
        CLIENT_ENVIRONMENT
    )


@pytest.mark.slow
def test_mlflow_says_nothing_on_its_own(store: LocalStore, mlflow_server: Server):
    with a_tracker(store) as tracker:
        tracker.set_status("FINISHED")
    script = (
        "import sys; from tests.tracking.test_sender import *\n"
        "a_sender(LocalStore(Path(sys.argv[1])), sys.argv[2]).forward()\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, str(store.folder), mlflow_server.url],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    )

    assert (done.stdout, done.stderr) == ("", "")


def test_an_old_runs_late_report_does_not_take_the_alias_back(
    store: LocalStore, tmp_path: Path
):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").write_text("flavors: {}\n")
    for run_id in ("train-old", "train-new"):
        with Tracker(store, run_id=run_id, writer="w") as tracker:
            tracker.log_model(tmp_path / "model")
        server = open_mlflow(TrackingSettings(), store.uri)
        Sender(store=store, server=server, run_id=run_id).forward()
    store.delete("runs/train-old/spool/sent.json")  # as if it had not been sent

    Sender(store=store, server=server, run_id="train-old").forward()

    assert server.find_candidate() == "train-new"


def test_a_root_that_sqlite_cannot_name_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="must have no question mark"):
        open_mlflow(TrackingSettings(), (tmp_path / "why?").as_uri())


def test_the_page_to_open_is_that_of_the_experiments_runs(
    store: LocalStore, mlflow_server: Server
) -> None:
    url = mlflow_server.url
    server = open_mlflow(TrackingSettings(uri=url, experiment="tiles"), store.uri)
    before = server.page()
    with server.session():
        server.ensure_run(RUN, None, start_ms=0)

    assert before == url
    assert re.fullmatch(rf"{url}/#/experiments/\d+", server.page())


@pytest.fixture
def _own_tracking_uri() -> Iterator[None]:
    """Give the process its tracking URI back, which `load_table` asks."""
    import mlflow

    before = mlflow.get_tracking_uri()
    yield
    mlflow.set_tracking_uri(before)


@pytest.mark.usefixtures("_own_tracking_uri")
def test_a_table_of_an_evaluation_is_one_to_mlflow(store: LocalStore):
    import mlflow

    predictions = some_predictions(Part.TEST, num_groups=3)
    tracker = a_tracker(store)
    files = {"predictions.json": write_table(predictions), "report.html": b"<p>"}
    keep_files(files, store, run_id=RUN, tracker=tracker)
    tracker.flush()
    sender = a_sender(store)
    sender.forward()

    server = sender.server
    assert isinstance(server, MlflowServer)
    mlflow.set_tracking_uri(server._client.tracking_uri)
    run = server._client.get_run(server._runs[RUN, None])
    found = server._client.load_table(
        run.info.experiment_id, "predictions.json", [run.info.run_id]
    )

    assert len(found) == len(predictions) > 0
    assert found["path"].to_list() == predictions.table["path"].to_pylist()
    said = found["calibrated/lung_n"].to_list()
    assert said == pytest.approx(predictions.calibrated[:, 1])
    assert found["fold"].isna().all()
