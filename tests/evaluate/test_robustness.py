"""Changed images: chosen, predicted, scored, drawn."""

import csv
import io

import numpy as np
import pyarrow.compute as pc
import pytest
from sklearn.metrics import f1_score

from lcc.config.evaluate import EvaluateSettings
from lcc.data.strengths import GRADED_CHANGES
from lcc.evaluate import robustness
from lcc.evaluate.predictions import Part, predictions_of
from lcc.evaluate.robustness import (
    VARIANTS,
    Robustness,
    choose_changed,
    draw_robustness,
    judge_robustness,
    predict_changed,
)
from tests.evaluate.test_report import a_catalogue

SETTINGS = EvaluateSettings(num_bootstrap=200)


def by_brightness(images: np.ndarray) -> np.ndarray:
    """Return probabilities of a model that sees brightness and nothing else."""
    level = images.mean(axis=(1, 2, 3))
    classes = np.digitize(level, (110, 160))
    return np.eye(3)[classes] * 0.7 + 0.1


@pytest.fixture(scope="module")
def changed():
    catalogue, tiles = a_catalogue()
    rows = choose_changed(catalogue, SETTINGS)
    done = []
    table = predict_changed(
        catalogue, tiles, rows, predict=by_brightness, seed=1, progress=done.append
    )
    said = by_brightness(tiles.take(catalogue.records[rows]))
    test = predictions_of(catalogue, rows, said, part=Part.TEST)
    return table, test, sum(done)


@pytest.fixture(scope="module")
def found(changed) -> Robustness:
    table, test, _ = changed
    return judge_robustness(table, test, SETTINGS)


def test_every_change_is_made_at_five_strengths_of_every_image(changed, found):
    table, test, num_done = changed

    assert len(found.figures) == len(VARIANTS) == 60
    assert len(table) == num_done == 60 * len(test)
    assert found.num_images == found.num_test_images == len(test)
    assert found.num_groups == len(np.unique(test.groups))


def test_a_score_is_that_of_scikit_learn_and_a_drop_is_paired(changed, found):
    table, test, _ = changed
    is_own = (pc.field("change") == "brightness") & (pc.field("strength") == 0.5)
    rows = table.filter(is_own).to_pylist()
    labels = [row["label"] for row in rows]
    score = f1_score(labels, [row["predicted"] for row in rows], average="macro")
    before = f1_score(
        test.table["label"].to_pylist(),
        test.table["predicted"].to_pylist(),
        average="macro",
    )

    own = found.by_change["brightness"][-1]

    assert own.macro_f1.value == pytest.approx(score)
    assert found.unchanged.value == pytest.approx(before)
    assert own.drop.value == pytest.approx(before - score)
    assert own.drop.lower <= own.drop.value <= own.drop.upper


def test_what_the_model_does_not_see_costs_it_nothing(found):
    for change in ("blur", "rotation", "resize"):
        assert all(own.drop.value == 0 for own in found.by_change[change])
    assert found.worst.drop.value >= found.mean_drop.value


def test_the_same_seed_changes_the_same_images_alike(changed):
    catalogue, tiles = a_catalogue()
    rows = choose_changed(catalogue, SETTINGS)

    again = predict_changed(catalogue, tiles, rows, predict=by_brightness, seed=1)

    assert again.equals(changed[0])


def test_the_csv_has_a_row_for_each_change_and_strength(found):
    rows = list(csv.DictReader(io.StringIO(found.csv().decode())))

    assert len(rows) == 60
    first = rows[0]
    assert (first["change"], first["strength"]) == ("brightness", "0.1")
    assert float(first["macro_f1"]) == found.figures[0].macro_f1.value
    assert float(first["lower"]) <= float(first["upper"])
    assert {row["unit"] for row in rows} == {c.unit for c in GRADED_CHANGES.values()}


def test_the_curves_are_one_picture(found):
    [(title, png)] = draw_robustness(found).items()

    assert title == robustness.CURVES
    assert png.startswith(b"\x89PNG")
