"""New images on a cluster: pods are killed every few seconds, and no row is missing."""

import csv
import random
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.lab import BIN, SMALL, Lab, mlflow_run
from tests.cluster.test_killer import kill

pytestmark = [pytest.mark.extended, pytest.mark.timeout(1800)]

NEW = "s3://lcc/sources/new"
SHARDS = ("--set", "predict.shard_images=16", "--parallelism", "4")
EVERY_SECONDS = (3, 8)


@pytest.fixture(scope="module")
def trained(prepared: Lab) -> Lab:
    """Return the lab with a trained and evaluated model, and new images uploaded."""
    few = ("--set", "evaluate.num_bootstrap=100", "--set", "evaluate.robustness=false")
    for words in (("train", *SMALL), ("evaluate", "--name", "tiles", *few)):
        done = prepared.launch(*words)
        assert done.returncode == 0, done.stderr
    folder = prepared.folder / "new"
    drawn = ["--sources", "12", "--copies", "8", "--size-px", "96", "--seed", "9"]
    subprocess.run([BIN / "lcc-launch", "sample", folder, "-q", *drawn], check=True)
    assert prepared.launch("upload", str(folder), NEW).returncode == 0
    return prepared


@contextmanager
def killing(lab: Lab) -> Iterator[list[int]]:
    """Delete a pod that predicts every few seconds."""
    kills: list[int] = []
    done = threading.Event()
    draw = random.Random(0)  # noqa: S311 - no secret

    def work() -> None:
        while not done.wait(draw.uniform(*EVERY_SECONDS)):
            kills.append(kill(lab, "lcc.dev/step=predict", draw))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield kills
    finally:
        done.set()
        thread.join()


def predict(lab: Lab, output: str, *words: str) -> bytes:
    done = lab.launch("predict", NEW, "--output", output, *words, seconds=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return (lab.folder / output).read_bytes()


def test_under_a_killer_every_image_has_its_row_and_the_same_as_in_peace(
    trained: Lab, store: Any
) -> None:
    with killing(trained) as kills:
        found = predict(trained, "killed.csv", *SHARDS)
    for item in list(store.list_objects("work/")):
        if "/predict/" in item.key:
            store.delete(item.key)

    in_peace = predict(trained, "peace.csv", *SHARDS, "--parallelism", "1")

    assert sum(kills) > 0
    assert found == in_peace
    rows = list(csv.DictReader(found.decode().splitlines()))
    local = trained.folder / "new"
    files = [p for p in local.rglob("*") if p.suffix in {".jpeg", ".png"}]
    paths = sorted(path.relative_to(local).as_posix() for path in files)
    assert [row["path"] for row in rows] == paths


def test_mlflow_holds_the_counts_and_the_tables(trained: Lab) -> None:
    predict(trained, "again.csv", *SHARDS)
    run_id = [run for run in trained.runs() if run.startswith("predict-")][-1]

    run, _ = mlflow_run(trained, run_id)

    assert run.data.metrics["predict/images"] > 0
    assert run.data.tags["lcc.model_run"].startswith("train-")
    assert run.inputs.dataset_inputs[0].dataset.source == NEW


def test_the_api_server_takes_every_step(trained: Lab) -> None:
    done = trained.launch("predict", NEW, "--dry-run", "server")

    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["created"] * 3


def test_a_folder_of_this_machine_is_refused_with_the_upload_that_helps(
    trained: Lab, tmp_path: Path
) -> None:
    done = trained.launch("predict", str(tmp_path))

    assert done.returncode == 2
    assert "predict.source: must be s3://… or pvc://CLAIM/FOLDER on a cluster" in (
        done.stderr
    )
    assert "lcc-launch upload" in done.stderr
