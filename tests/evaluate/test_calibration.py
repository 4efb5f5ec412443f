"""Temperature and calibration error, on probabilities whose truth is known."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import softmax

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.calibration import (
    MIN_GROUPS,
    calibrate,
    fit_temperature,
    measure_reliability,
    scale,
)
from lcc.evaluate.predictions import RAW, Part, Predictions, join_parts
from tests.builders.predictions import some_predictions

SETTINGS = EvaluateSettings(num_bootstrap=500)


def honest(num_images: int, seed: int = 0):
    """Return probabilities that mean what they say, and labels drawn from them."""
    draw = np.random.default_rng(seed)
    probabilities = softmax(draw.normal(0, 2, (num_images, 3)), axis=1)
    cumulated = probabilities.cumsum(axis=1)
    labels = (draw.uniform(size=(num_images, 1)) > cumulated).sum(axis=1)
    return probabilities, labels.clip(0, 2)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_temperature_that_was_applied_is_found(temperature: float):
    probabilities, labels = honest(20_000)

    found = fit_temperature(scale(probabilities, 1 / temperature), labels)

    assert found == pytest.approx(temperature, rel=0.04)


def test_scaling_never_changes_the_class_that_is_taken():
    probabilities, _ = honest(500)
    probabilities[0] = [1.0, 0.0, 0.0]

    scaled = scale(probabilities, 2.5)

    assert (scaled.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert scaled.sum(axis=1) == pytest.approx(np.ones(500))
    assert (scaled.max(axis=1) <= probabilities.max(axis=1) + 1e-9).all()


def test_the_temperature_comes_from_validation_and_never_from_the_test():
    sure = some_predictions(Part.VALIDATION, said=0.99, share_right=0.7)
    test = some_predictions(Part.TEST, said=0.99, share_right=1.0)

    found, calibration = calibrate(join_parts([sure, test]))

    assert calibration.fitted_on == "validation"
    assert calibration.temperature > 2
    assert found.part(Part.VALIDATION).calibrated.max() == pytest.approx(0.7, abs=0.02)
    assert found.part(Part.TEST).calibrated.max() == pytest.approx(0.7, abs=0.02)
    assert found.part(Part.TEST).raw.max() == pytest.approx(0.99)


def test_without_validation_the_folds_calibrate():
    folds = some_predictions(Part.OUT_OF_FOLD, said=0.99, share_right=0.7)
    test = some_predictions(Part.TEST)

    _, calibration = calibrate(join_parts([folds, test]))

    assert calibration.fitted_on == "out_of_fold"


def test_of_too_few_groups_nothing_is_fitted():
    few = some_predictions(Part.VALIDATION, num_groups=MIN_GROUPS - 1)
    test = some_predictions(Part.TEST)

    found, calibration = calibrate(join_parts([few, test]))

    assert (calibration.temperature, calibration.num_groups) == (1.0, 0)
    assert "fewer than 5 groups" in calibration.fitted_on
    assert found.calibrated == pytest.approx(found.raw)


def test_a_fold_is_scaled_by_what_the_others_say():
    # One fold is much too sure; the others, which are not, give it its temperature.
    folds = some_predictions(Part.OUT_OF_FOLD, said=0.7, share_right=0.7)
    raw = folds.raw.copy()
    is_sure = folds.folds == 0
    raw[is_sure] = scale(raw[is_sure], 0.1)
    test = some_predictions(Part.TEST)

    found, _ = calibrate(join_parts([with_raw(folds, raw), test]))

    own = found.part(Part.OUT_OF_FOLD)
    assert own.calibrated[is_sure].max() > 0.99


def with_raw(predictions: Predictions, raw: np.ndarray) -> Predictions:
    table = predictions.table
    for column, name in enumerate(predictions.class_names):
        place = table.column_names.index(f"{RAW}{name}")
        table = table.set_column(place, f"{RAW}{name}", pa.array(raw[:, column]))
    return Predictions(table=table)


def reliability(probabilities, labels, *, images_a_group: int = 1):
    groups = np.arange(len(labels)) // images_a_group
    return measure_reliability(probabilities, labels, groups, settings=SETTINGS)


def test_honest_probabilities_have_no_calibration_error():
    found = reliability(*honest(3000))

    assert found.error.value < 0.01
    assert found.error.lower < 0.005
    assert found.said == pytest.approx(found.right, abs=0.08)
    assert list(found.said) == sorted(found.said)


def test_of_few_images_the_error_that_chance_makes_is_taken_off():
    errors = []
    for seed in range(40):
        probabilities, labels = honest(60, seed)
        said, is_right = (
            probabilities.max(axis=1),
            probabilities.argmax(axis=1) == labels,
        )
        parts = np.array_split(np.argsort(said), 10)
        plain = sum(abs((is_right[p] - said[p]).sum()) for p in parts) / 60
        found = reliability(probabilities, labels)
        assert found.plain == pytest.approx(plain)
        errors.append((plain, found.error.value))
    plain, found = np.mean(errors, axis=0)

    assert plain > 0.08  # of a model that is perfectly honest
    assert found < plain / 2


def test_a_model_that_is_too_sure_shows_by_how_much():
    probabilities = np.full((400, 3), 0.025)
    probabilities[:, 0] = 0.95
    labels = (np.random.default_rng(0).permutation(400) < 100).astype(int)

    found = reliability(probabilities, labels, images_a_group=8)

    assert found.error.value == pytest.approx(0.2, abs=0.005)  # right 3 times of 4
    assert found.error.lower < 0.2 < found.error.upper
    assert (found.said, found.right) == ((pytest.approx(0.95),), (pytest.approx(0.75),))


def test_images_of_one_group_make_the_interval_wider():
    probabilities, labels = honest(600)
    probabilities, labels = (
        np.repeat(own, 10, axis=0) for own in (probabilities, labels)
    )

    alone = reliability(probabilities, labels).error
    grouped = reliability(probabilities, labels, images_a_group=10).error

    assert grouped.upper - grouped.lower > 1.5 * (alone.upper - alone.lower)
