"""The way of an event: spooled by a process, sent once, whatever dies between."""

import logging
from pathlib import Path

import pytest

from lcc.config.tracking import TrackingSettings
from lcc.storage.local import LocalStore
from lcc.tracking.mlflow import MlflowServer
from lcc.tracking.sender import Sender
from lcc.tracking.tracker import Tracker
from tests.conftest import Server

RUN = "train-20261123-0915-k3f9"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "root")


def a_tracker(store: LocalStore, writer: str = "train-00000-1") -> Tracker:
    return Tracker(store, run_id=RUN, writer=writer)


def a_sender(store: LocalStore, uri: str | None = None) -> Sender:
    server = MlflowServer(TrackingSettings(uri=uri), store.uri)
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
        tracker.log_artifact("plots/curves.png", b"png")
        tracker.log_params({"model.dropout": 0.5}, trial="p000-f0")
        tracker.log_metrics({"validation/macro_f1": 0.9}, trial="p000-f0")
        tracker.set_status("FINISHED", trial="p000-f0")
        tracker.set_status("FINISHED")

    a_sender(store).forward()

    client = MlflowServer(TrackingSettings(), store.uri)._client
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
    mlflow.set_tracking_uri(server.uri)
    loaded = mlflow.pyfunc.load_model("models:/lcc-tile-classifier@candidate")
    assert loaded.predict(["a", "b"]) == ["benign", "benign"]


def test_without_any_model_there_is_no_candidate(store: LocalStore):
    assert MlflowServer(TrackingSettings(), store.uri).find_candidate() is None


def test_thousands_of_metrics_are_sent_in_batches(store: LocalStore):
    tracker = a_tracker(store)
    for step in range(1500):
        tracker.log_metrics({"train/loss": step / 10, "train/accuracy": 0.5}, step=step)
    tracker.flush()

    sender = a_sender(store)
    sender.forward()

    assert len(history(sender, "train/loss")) == 1500
