"""A study's model on its own tiles and on new ones, as a user predicts."""

import csv
import shutil
import signal
from pathlib import Path

import pytest

from lcc.data.catalogue import read_catalogue
from lcc.data.sample import write_sample
from lcc.evaluate.predictions import read_predictions
from lcc.launch.state import read_states
from lcc.storage.local import LocalStore
from tests.builders.commands import launch, start
from tests.conftest import wait_until

pytestmark = pytest.mark.slow

SETTINGS = """
data:
  tile_size_px: 32
  num_folds: 2
  max_class_share_deviation: 0.3
  families: {num_planted: 0}
model: {backbone: small, weights: none}
train: {epochs: 1, batch_size: 16}
evaluate: {num_bootstrap: 100, baselines: false, explain: false, robustness: false}
predict: {shard_images: 16}
"""
HERE = ("--local", "--root", "root")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_sample(folder / "tiles", num_sources=12, num_copies=4, size_px=64)
    (folder / "lcc.yaml").write_text(SETTINGS)
    code, _, talk = launch(folder, "pipeline", "tiles", *HERE)
    assert code == 0, talk
    return folder


def predict(place: Path, *words: str) -> tuple[int, str, str]:
    return launch(place, "predict", *words, *HERE)


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as text:
        return list(csv.DictReader(text))


def run_of(place: Path, stage: str) -> str:
    states = read_states(LocalStore(place / "root"))
    return [state.run_id for state in states if state.stage == stage][-1]


def test_the_training_tiles_are_answered_as_the_evaluation_answered_them(place: Path):
    code, output, talk = predict(place, "tiles", "--output", "own.csv")

    assert code == 0, talk
    train, evaluation = run_of(place, "train"), run_of(place, "evaluate")
    assert f"model {train} (candidate: no model is champion yet)" in output
    assert f"calibrated by {evaluation}" in output
    assert output.count("not for clinical use") == 1
    rows = {row["path"]: row for row in rows_of(place / "own.csv")}
    store = LocalStore(place / "root")
    kept = read_predictions(store.read(f"runs/{evaluation}/predictions.parquet"))
    for judged in kept.table.to_pylist():
        own = rows[judged["path"]]
        assert own["decision"] == judged["decision"]
        for name in kept.class_names:
            column = f"calibrated/{name}"
            assert float(own[column]) == pytest.approx(judged[column], abs=1e-6)
        assert float(own["novelty"]) == pytest.approx(judged["novelty"], abs=1e-5)
    listed = read_catalogue(store, name="tiles").paths
    assert list(rows) == sorted(listed), "a row for each file, by path"


def test_killed_it_goes_on_to_the_same_bytes_as_one_process(place: Path):
    new = place / "new"
    write_sample(new, num_sources=12, num_copies=24, size_px=64, seed=5)
    process = start(place, "predict", "new", *HERE)
    work = place / "root" / "work"
    before = set(work.glob("*/predict/*"))
    wait_until(
        lambda: set(work.glob("*/predict/*")) - before, seconds=90, what="a shard"
    )
    process.send_signal(signal.SIGKILL)
    process.communicate()
    left = set(work.glob("*/predict/*")) - before
    run_id = run_of(place, "predict")

    code, output, talk = launch(place, "resume", run_id, "--root", "root")

    assert code == 0, talk
    assert f"runs/{run_id}/predictions.csv" in output
    resumed = (place / "root" / "runs" / run_id / "predictions.csv").read_bytes()
    shards = set(work.glob("*/predict/*")) - before
    assert left <= shards
    for shard in shards:
        shard.unlink()

    code, _, talk = predict(place, "new", "--parallelism", "1", "--output", "new.csv")

    assert code == 0, talk
    assert (place / "new.csv").read_bytes() == resumed


def test_too_many_unreadable_images_fail_and_the_table_comes_home_all_the_same(
    place: Path,
):
    shutil.copytree(place / "tiles", place / "mixed")
    for number in range(40):
        (place / "mixed" / f"bad {number}.png").write_bytes(b"no picture")

    code, _, talk = predict(place, "mixed", "--output", "mixed.csv")

    assert code == 3, talk
    assert "may have no answer, got 40: 40 not_an_image" in talk
    rows = rows_of(place / "mixed.csv")
    assert sum(row["reason"] == "not_an_image" for row in rows) == 40
    assert sum(row["decision"] != "" for row in rows) == len(rows) - 40


def test_only_unreadable_images_are_no_answer(place: Path):
    (place / "bad").mkdir()
    (place / "bad" / "a.png").write_bytes(b"no picture")

    code, _, talk = predict(place, "bad", "--output", "bad.csv")

    assert code == 3
    assert "at most 0.1 of 1 images may have no answer, got 1" in talk


def test_an_empty_folder_is_told(place: Path):
    (place / "empty").mkdir()

    code, _, talk = predict(place, "empty", "--output", "empty.csv")

    assert code == 3
    assert "predict.source: must hold images, got none in" in talk
    assert not (place / "empty.csv").exists()
