"""The commands of the README, from an empty bucket to a registered model."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.lab import BIN, Lab, wait_until

SETTINGS = {
    "data": {"tile_size_px": 48, "num_folds": 2, "num_shards": 2},
    "model": {"backbone": "mobilenet", "weights": "none", "frozen_stages": "all"},
    "train": {"epochs": 4, "batch_size": 16, "device": "cpu"},
    "search": {"grid": {"train.learning_rate": [0.01, 0.003]}},
    "evaluate": {"num_bootstrap": 100, "leak_premium": False, "robustness": False},
    "launch": {"parallelism": 2},
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("settings") / "study.yaml"
    file.write_text(yaml.safe_dump(SETTINGS))
    return file


@pytest.fixture(scope="module")
def study(lab: Lab, tiles: Path, settings: Path) -> str:
    """Run the whole study, driven from inside the cluster; return its run id."""
    assert lab.launch("upload", str(tiles), "s3://lcc/sources/study").returncode == 0
    source = ["s3://lcc/sources/study", "--settings", str(settings)]
    started = time.monotonic()
    done = lab.launch("pipeline", *source, "--detach")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 60
    run_id = done.stdout.split()[0]
    watched = lab.launch("status", run_id, "--watch", seconds=560)
    assert watched.returncode == 0, watched.stdout + watched.stderr
    return run_id


def state_of(lab: Lab, run_id: str) -> list[str]:
    return [line.strip() for line in lab.launch("status", run_id).stdout.splitlines()]


def test_every_stage_of_a_detached_study_is_done(lab: Lab, study: str) -> None:
    lines = state_of(lab, study)

    assert lines[0].startswith(f"✓ {study}  done")
    stages = [line.split()[1].partition("-")[0] for line in lines[1:] if "-20" in line]
    assert stages == ["prepare", "search", "train", "evaluate"]
    assert [line for line in lines if line[0] in "✗?■▸"] == []


def mlflow_of(lab: Lab) -> Any:
    """Return MLflow's runs, its model's versions, and the artifacts by run."""
    with lab.tracking() as (client, experiment):
        runs = client.search_runs([experiment], max_results=1000)
        versions = client.search_model_versions("name='lcc-tile-classifier'")
        names = {
            run.info.run_id: [a.path for a in client.list_artifacts(run.info.run_id)]
            for run in runs
        }
    return runs, versions, names


def test_mlflow_holds_the_tree_of_runs(lab: Lab, study: str) -> None:
    runs, versions, artifacts = mlflow_of(lab)
    own = [run for run in runs if run.data.tags.get("lcc.pipeline") == study]
    stages = {run.data.tags["lcc.stage"]: run for run in own}
    search = stages["search"].info.run_id
    trials = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == search]

    assert set(stages) == {"prepare", "search", "train", "evaluate"}
    assert {run.info.status for run in (*own, *trials)} == {"FINISHED"}
    assert len(trials) == 4
    assert "test/macro_f1" in stages["evaluate"].data.metrics
    assert "report.html" in artifacts[stages["evaluate"].info.run_id]
    train = stages["train"].info.run_id
    assert train in {version.run_id for version in versions}


def test_the_same_study_on_this_machine_gives_the_same_numbers(
    lab: Lab, study: str, tiles: Path, settings: Path, tmp_path: Path
) -> None:
    local = tmp_path / "root"
    subprocess.run(
        [BIN / "lcc-launch", "pipeline", tiles, "--local", "--root", local,
         "--name", "study", "--settings", settings, "-q"],
        check=True, cwd=tmp_path,
    )  # fmt: skip
    (digest,) = (p.name for p in (local / "datasets/study/catalogues").iterdir())
    (here,) = local.glob("runs/evaluate-*/metrics.json")

    runs, _, _ = mlflow_of(lab)
    remote = next(
        run
        for run in runs
        if run.data.tags.get("lcc.pipeline") == study
        and run.data.tags["lcc.stage"] == "evaluate"
    )

    assert remote.data.tags["lcc.catalogue"] == digest
    expected = json.loads(here.read_text())["metrics"]
    for name in ("accuracy", "macro_f1", "balanced_accuracy"):
        measured = remote.data.metrics[f"test/{name}"]
        assert measured == pytest.approx(expected[name]["value"], abs=1e-6)


def test_logs_survive_the_pods(lab: Lab, study: str) -> None:
    lines = state_of(lab, study)
    train = next(word for line in lines for word in line.split() if "train-" in word)
    before = lab.launch("logs", train, "--step", "train").stdout
    lab.kubectl("delete", "jobs", "-l", f"lcc.dev/run={train}")
    wait_until(lambda: not lab.items("pods", f"lcc.dev/run={train}"), what="pods to go")

    after = lab.launch("logs", train, "--step", "train").stdout

    assert "event=epoch epoch=0" in before
    assert "event=epoch epoch=0" in after


def test_the_tracking_pages_open_through_the_api_server(lab: Lab) -> None:
    process = lab.start("mlflow", "--no-browser", "--port", "0")
    try:
        assert process.stdout is not None
        address = process.stdout.readline().partition("/#/experiments/")[0]
        command = ["curl", "-sf", f"{address}/health"]
        assert subprocess.run(command, check=True, capture_output=True).stdout == b"OK"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def other_tiles(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Draw tiles of other sources, and put them into the bucket; return their URI."""
    folder = tmp_path_factory.mktemp("other") / "tiles"
    drawn = ["--sources", "6", "--copies", "2", "--size-px", "96", "--seed", "9"]
    command = [BIN / "lcc-launch", "sample", folder, "-q", *drawn]
    subprocess.run(command, check=True)
    uri = "s3://lcc/sources/other"
    assert lab.launch("upload", str(folder), uri).returncode == 0
    return uri


@pytest.mark.extended
def test_a_model_is_judged_on_another_data_set_of_a_bucket(
    lab: Lab, study: str, settings: Path, other_tiles: str
) -> None:
    words = [word for line in state_of(lab, study) for word in line.split()]
    model = next(word for word in words if word.startswith("train-"))
    options = ["--run", model, "--settings", str(settings)]

    judged = lab.launch("evaluate", "--data", other_tiles, *options, seconds=500)
    same = ["--data", "s3://lcc/sources/study"]
    refused = lab.launch("evaluate", *same, *options, seconds=500)

    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert "macro F1" in judged.stdout
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert "overlap.html" in refused.stdout + refused.stderr


@pytest.mark.extended
def test_a_study_is_compared_and_its_model_promoted_and_taken_back(
    lab: Lab, study: str, tmp_path: Path
) -> None:
    page = tmp_path / "compare.html"

    compared = lab.launch("compare", "--study", study, "--output", str(page))
    refused = lab.launch("promote", study)
    forced = lab.launch("promote", study, "--force", "--reason", "a test")
    history = lab.launch("promote", "--history")
    back = lab.launch("rollback")

    assert compared.returncode == 0, compared.stderr
    assert "<table" in page.read_text()
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert forced.returncode == 0, forced.stderr
    assert "a test" in history.stdout
    assert back.returncode == 3, back.stdout + back.stderr  # there was none before
