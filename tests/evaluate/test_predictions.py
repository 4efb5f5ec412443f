"""The table of all that a model said, and what is judged by units of it."""

import csv
import io

import numpy as np
import pytest

from lcc.config.evaluate import EvaluateSettings
from lcc.errors import DataError
from lcc.evaluate.predictions import (
    Part,
    join_parts,
    read_predictions,
    write_predictions,
)
from lcc.evaluate.units import compare_images, judge_units, score_images
from tests.builders.predictions import CLASSES, some_predictions

SETTINGS = EvaluateSettings(num_bootstrap=200)


def test_both_files_hold_a_row_of_every_image_with_all_that_was_said():
    parts = [some_predictions(part) for part in (Part.VALIDATION, Part.TEST)]

    files = dict(write_predictions(join_parts(parts)))

    assert (
        read_predictions(files["predictions.parquet"]).table == join_parts(parts).table
    )
    rows = list(csv.DictReader(io.StringIO(files["predictions.csv"].decode())))
    assert len(rows) == 600
    assert rows[300]["part"] == "test"
    assert rows[300]["label"] == rows[300]["predicted"] == "lung_aca"
    said = [float(rows[300][f"raw/{name}"]) for name in CLASSES]
    assert said == pytest.approx([0.9, 0.05, 0.05])
    assert float(rows[300]["entropy"]) == pytest.approx(
        -(np.array(said) @ np.log(said))
    )
    assert rows[300]["fold"] == ""


def test_an_out_of_fold_prediction_names_its_fold():
    assert set(some_predictions(Part.OUT_OF_FOLD).folds) == {0, 1, 2}
    assert set(some_predictions(Part.TEST).folds) == {-1}


def test_two_models_are_compared_image_by_image_whatever_the_order_of_their_rows():
    one = some_predictions(Part.OUT_OF_FOLD, share_right=0.8)
    other = some_predictions(Part.OUT_OF_FOLD, share_right=0.5)
    by_fold = other.take(np.argsort(other.folds, kind="stable"))

    found = compare_images(one, by_fold, SETTINGS)

    scores = [score_images(own, SETTINGS).value for own in (one, other)]
    assert found == compare_images(one, other, SETTINGS)
    assert found.value == pytest.approx(scores[0] - scores[1])


def test_models_of_other_images_are_not_compared():
    one = some_predictions(Part.TEST)
    fewer = some_predictions(Part.TEST, num_groups=29)

    with pytest.raises(DataError, match="same images to be compared, got 10 that only"):
        compare_images(one, fewer, SETTINGS)


def test_a_group_that_is_mostly_right_is_right():
    found = judge_units(some_predictions(Part.TEST, share_right=0.8), [], SETTINGS)

    assert found["image"].metrics["accuracy"].value == pytest.approx(0.8)
    assert found["group"].metrics["accuracy"].value == 1
    assert (found["image"].num_images, found["group"].num_images) == (300, 30)
    assert found["image"].num_groups == found["family"].num_groups == 30
