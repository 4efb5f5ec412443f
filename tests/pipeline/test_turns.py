"""A study that leaves each site out in turn, as real processes."""

import json
from pathlib import Path

import pytest

from lcc.launch.state import read_states
from lcc.storage import layout
from lcc.storage.local import LocalStore
from tests.builders.commands import launch
from tests.builders.hospitals import PATTERN, a_hospital_folder

pytestmark = pytest.mark.slow

SETTINGS = f"""
data:
  tile_size_px: 32
  num_folds: 2
  num_shards: 1
  max_class_share_deviation: 0.4
  columns_from_path: "{PATTERN}"
  never_split: [patient, family]
  leave_out: site
model: {{backbone: small, weights: none}}
train: {{epochs: 1, batch_size: 8}}
evaluate:
  {{num_bootstrap: 100, baselines: false, explain: false, novelty: false,
   robustness: false}}
"""


def test_each_site_is_tested_by_a_model_that_never_saw_it(tmp_path: Path) -> None:
    a_hospital_folder(tmp_path / "tiles", num_patients=10, sites="AB")
    (tmp_path / "lcc.yaml").write_text(SETTINGS)

    code, output, talk = launch(
        tmp_path, "pipeline", "tiles", "--local", "--root", "root"
    )

    assert code == 0, talk
    store = LocalStore(tmp_path / "root")
    [study] = [state for state in read_states(store) if state.stage == "pipeline"]
    compared = study.stages["evaluate"]
    turns = json.loads(store.read(layout.evaluation(compared, "turns.json")))["turns"]
    assert [(turn["value"], turn["num_images"]) for turn in turns] == [
        ("A", 20),
        ("B", 20),
    ]
    assert [turn["run_id"] for turn in turns] == [
        study.stages["evaluate A"],
        study.stages["evaluate B"],
    ]
    assert "mean of all turns, macro F1" in output
    assert store.exists(layout.report(compared))
