"""A model on another laboratory's tiles, as a user judges it."""

import json
from pathlib import Path

import numpy as np
import pytest

from lcc.data.sample import write_sample
from lcc.evaluate.evaluation import remake_report
from lcc.evaluate.predictions import Part, read_predictions
from lcc.launch.state import RunStatus, read_run_settings, read_states
from lcc.storage.local import LocalStore
from tests.builders.commands import launch
from tests.builders.laboratories import another_laboratory, plant_copies

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
"""
NUM_PLANTED = 3


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study, and another laboratory's set with copies of training tiles in it."""
    folder = tmp_path_factory.mktemp("study")
    write_sample(folder / "tiles", num_sources=8, num_copies=3, size_px=64)
    other = another_laboratory(
        folder / "other", num_sources=3, num_copies=2, size_px=64, seed=7
    )
    plant_copies(other, folder / "tiles", count=NUM_PLANTED)
    (other / "lung_aca").rename(other / "acinar")
    (folder / "lcc.yaml").write_text(SETTINGS)
    code, _, talk = launch(folder, "pipeline", "tiles", "--local", "--root", "root")
    assert code == 0, talk
    return folder


def judge(place: Path, *words: str) -> tuple[int, str, str]:
    own = ("--data", "./other", "--local", "--root", "root")
    return launch(place, "evaluate", *own, *words)


MAP = ("--set", "evaluate.class_map={acinar: lung_aca}")


def test_a_class_that_nobody_has_told_is_refused_before_anything_is_read(place: Path):
    code, _, talk = judge(place)

    assert code == 3
    assert "must tell the model's class of each class, got none for acinar" in talk
    assert "step=hash" not in talk


def test_copies_of_training_tiles_are_refused_and_listed(place: Path):
    code, _, talk = judge(place, *MAP)

    assert code == 4
    assert f"got {NUM_PLANTED} of" in talk
    [file] = place.glob("root/runs/*/overlap.csv")
    listed = file.read_text()
    assert all(f"planted{number}.png" in listed for number in range(NUM_PLANTED))


def test_what_is_in_common_is_left_out_and_the_rest_judged(place: Path):
    code, output, talk = judge(place, *MAP, "--set", "evaluate.overlap=leave_out")

    assert code == 0, talk
    assert f"tissue of the training catalogue {NUM_PLANTED}" in output
    store = LocalStore(place / "root")
    run_id = next(
        state.run_id
        for state in read_states(store)
        if state.stage == "evaluate"
        and state.status is RunStatus.DONE
        and read_run_settings(store, state.run_id).evaluate.data
    )
    kept = read_predictions(store.read(f"runs/{run_id}/predictions.parquet"))
    outside = kept.part(Part.OUTSIDE)
    assert not any("planted" in path for path in outside.table["path"].to_pylist())
    assert set(outside.table["label"].to_pylist()) == {
        *("lung_aca", "lung_n", "lung_scc")
    }
    document = json.loads(store.read(f"runs/{run_id}/metrics.json"))
    said = outside.calibrated.argmax(axis=1)
    accuracy = document["metrics"]["accuracy"]["value"]
    assert accuracy == pytest.approx(np.mean(said == outside.labels))

    again = remake_report(
        read_run_settings(store, run_id), store, run_id=run_id, scratch=place
    )

    assert again.verdict == document["verdict"]
