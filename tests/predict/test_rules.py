"""What a network says becomes an answer: a class, `refer`, or `unfamiliar`."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lcc.evaluate.network import Answers
from lcc.evaluate.novelty import Threshold, know_tissue, write_known
from lcc.predict.rules import AnswerRules, read_rules
from lcc.storage import layout
from lcc.storage.local import LocalStore

CARD = {
    "class_names": ["lung_aca", "lung_n"],
    "tile_size_px": 64,
    "sha256": "ab",
    "catalogue": "cd",
}
SAID = np.array([[0.9, 0.1], [0.6, 0.4], [0.1, 0.9]])


RULES = AnswerRules(
    class_names=("lung_aca", "lung_n"), side_px=64, sha256="ab", catalogue="cd"
)


def test_without_an_evaluation_every_image_is_answered_as_the_network_says():
    decided = RULES.decide(Answers(SAID))

    assert decided.decisions.tolist() == ["lung_aca", "lung_aca", "lung_n"]
    assert decided.probabilities == pytest.approx(SAID)
    assert np.isnan(decided.novelty).all()


def test_what_is_not_sure_enough_once_calibrated_is_referred():
    decided = replace(RULES, temperature=2.0, threshold=0.7).decide(Answers(SAID))

    assert decided.probabilities[0] == pytest.approx([0.75, 0.25])
    assert decided.decisions.tolist() == ["lung_aca", "refer", "lung_n"]
    assert decided.predicted.tolist() == ["lung_aca", "lung_aca", "lung_n"]


def test_an_image_unlike_the_training_images_is_unfamiliar_however_sure():
    known = replace(
        know_tissue(np.eye(8, dtype=np.float32)), threshold=Threshold(value=0.5)
    )
    said = Answers(SAID, np.array([0.6, 0.4, 0.4]))

    decided = replace(RULES, known=known, threshold=0.95).decide(said)

    assert decided.decisions.tolist() == ["unfamiliar", "refer", "refer"]


def test_the_rules_are_those_that_the_evaluation_set(tmp_path: Path):
    store = LocalStore(tmp_path)
    store.write(layout.model_card("train-1"), json.dumps(CARD).encode())
    document = {
        "calibration": {"temperature": 1.5},
        "abstention": {"threshold": 0.8, "max_error": 0.01},
    }
    store.write(layout.metrics("evaluate-1"), json.dumps(document).encode())
    known = know_tissue(np.eye(8, dtype=np.float32))
    store.write(layout.evaluation("evaluate-1", "novelty.npz"), write_known(known))

    found = read_rules(store, "train-1", "evaluate-1")

    assert (found.temperature, found.threshold, found.max_error) == (1.5, 0.8, 0.01)
    assert found.known is not None
    assert found.known.references.shape == (8, 8)
    assert read_rules(store, "train-1", None) == RULES
