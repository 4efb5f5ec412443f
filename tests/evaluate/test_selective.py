"""When a model had better not answer."""

import numpy as np
import pytest

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.predictions import Part
from lcc.evaluate.selective import (
    NEVER,
    REFER,
    abstain,
    area_under_risk,
    choose_threshold,
    decide,
    risk_by_coverage,
)
from tests.builders.predictions import some_predictions


def probabilities(sure: list[float]) -> np.ndarray:
    return np.array([[own, 1 - own] for own in sure])


def test_as_many_are_answered_as_keep_the_error():
    sure = probabilities([0.99, 0.95, 0.9, 0.8, 0.7, 0.6])
    labels = np.array([0, 0, 1, 0, 0, 1])  # wrong at 0.9 and at 0.6

    assert choose_threshold(sure, labels, max_error=0) == 0.95
    assert choose_threshold(sure, labels, max_error=0.2) == 0.7
    assert choose_threshold(sure, labels, max_error=0.4) == 0


def test_where_the_surest_is_wrong_none_is_answered():
    sure = probabilities([0.99, 0.9])

    assert choose_threshold(sure, np.array([1, 0]), max_error=0.1) == NEVER


def test_images_that_say_the_same_are_answered_together():
    sure = probabilities([0.9, 0.9, 0.9, 0.6])

    said, coverage, risk = risk_by_coverage(sure, np.array([0, 1, 0, 0]))

    assert said.tolist() == [0.9, 0.6]
    assert coverage.tolist() == [0.75, 1]
    assert risk.tolist() == [pytest.approx(1 / 3), 0.25]


def test_the_area_is_that_of_a_plain_sum():
    draw = np.random.default_rng(0)
    sure = probabilities(draw.uniform(0.5, 1, 200).tolist())
    labels = draw.integers(0, 2, 200)
    order = np.argsort(-sure[:, 0])
    risks = [(labels[order[: k + 1]] != 0).mean() for k in range(200)]

    assert area_under_risk(sure, labels) == pytest.approx(np.mean(risks))


def test_a_threshold_of_validation_is_tried_on_the_test():
    validation = some_predictions(Part.VALIDATION, said=0.9, share_right=1.0)
    test = some_predictions(Part.TEST, said=0.95, share_right=0.9)
    settings = EvaluateSettings(num_bootstrap=200, max_error=0.05)

    found = abstain(validation, test, part="validation", settings=settings)

    assert (found.threshold, found.coverage.value) == (0, 1)
    assert found.error is not None
    assert found.error.value == pytest.approx(0.1)  # as it is, not as was asked for
    assert found.error.lower <= 0.1 <= found.error.upper


def test_what_is_below_the_threshold_is_referred():
    test = some_predictions(Part.TEST, said=0.8)

    referred = decide(test, 0.9).table["decision"].to_pylist()
    answered = decide(test, 0.5).table["decision"].to_pylist()

    assert set(referred) == {REFER}
    assert answered == test.table["predicted"].to_pylist()
