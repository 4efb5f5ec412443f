"""When a model had better not answer: how sure it must be, and what that leaves.

Source: Geifman and El-Yaniv, Selective classification for deep neural networks, NeurIPS
2017, section 2 (risk and coverage); Geifman et al., Bias-reduced uncertainty
estimation, ICLR 2019 (area under the curve).
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.bootstrap import Estimate, Floats, Ints, draw_groups, estimate
from lcc.evaluate.predictions import Predictions

REFER = "refer"  # to a person
UNFAMILIAR = "unfamiliar"  # not tissue that the model knows
NEVER = 2.0  # a threshold that no probability reaches
ANSWER_ALL = 0.0  # one that all reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """Below which probability an image is referred, and what came of it on the test.

    Attributes:
        threshold: Least calibrated probability of the class taken that is answered; 0:
            all are; above 1: none, as no threshold keeps the error asked for.
        max_error: Error asked for among answers, 0 to 1.
        chosen_on: The part that the threshold was chosen on.
        coverage: Share of test images that are answered.
        error: Share of wrong answers among them; none where none is answered.
        area: Under the risk-coverage curve of the test; 0 is best.
    """

    threshold: float
    max_error: float
    chosen_on: str
    coverage: Estimate
    error: Estimate | None
    area: float

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def choose_threshold(probabilities: Floats, labels: Ints, *, max_error: float) -> float:
    """Return the least probability at which answers keep an error.

    Images that say the same are answered together.

    Args:
        probabilities: (n, classes) calibrated, of images that the model did not learn.
        labels: (n,) class numbers.
        max_error: Largest share of wrong answers, 0 to 1.

    Returns:
        0 where all may be answered, above 1 where none may.

    Example:
        >>> sure = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4]])
        >>> choose_threshold(sure, np.array([0, 0, 1]), max_error=0.1)
        0.8
    """
    said, _, risk = risk_by_coverage(probabilities, labels)
    kept = np.flatnonzero(risk <= max_error)
    if not len(kept):
        return NEVER
    return ANSWER_ALL if kept[-1] == len(said) - 1 else float(said[kept[-1]])


def risk_by_coverage(
    probabilities: Floats, labels: Ints
) -> tuple[Floats, Floats, Floats]:
    """Return, surest first, the probability, and coverage and error down to it.

    Returns:
        Three (k,) arrays, one entry for each distinct probability.
    """
    said = probabilities.max(axis=1)
    is_wrong = probabilities.argmax(axis=1) != labels
    levels, place = np.unique(-said, return_inverse=True)
    answered = np.cumsum(np.bincount(place))
    wrong = np.cumsum(np.bincount(place, is_wrong))
    return -levels, answered / len(said), wrong / answered


def area_under_risk(probabilities: Floats, labels: Ints) -> float:
    """Return the mean error over all coverages, 0 to 1: images that say the same, once.

    Example:
        >>> area_under_risk(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]))
        0.25
    """
    _, coverage, risk = risk_by_coverage(probabilities, labels)
    return float((risk * np.diff(coverage, prepend=0)).sum())


def abstain(
    chosen_on: Predictions,
    test: Predictions,
    *,
    part: str,
    settings: EvaluateSettings,
) -> Abstention:
    """Choose a threshold on some predictions, and see what it does to the test.

    Args:
        chosen_on: Predictions of images that the model did not learn from.
        test: Predictions of others.
        part: What the first are called.
        settings: Error asked for, resamples of groups, mass of intervals, seed.
    """
    threshold = choose_threshold(
        chosen_on.calibrated, chosen_on.labels, max_error=settings.max_error
    )
    is_answered = test.calibrated.max(axis=1) >= threshold
    is_wrong = test.calibrated.argmax(axis=1) != test.labels

    def figures(weights: Floats) -> dict[str, Floats]:
        answered = weights @ is_answered.astype(np.float64)
        wrong = weights @ (is_answered & is_wrong).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "coverage": answered / weights.sum(axis=1),
                "error": wrong / answered,
            }

    values = draw_groups(test.groups, test.labels, settings).evaluate(figures)
    confidence = settings.confidence
    return Abstention(
        threshold=threshold,
        max_error=settings.max_error,
        chosen_on=part,
        coverage=estimate(values["coverage"], confidence),
        error=estimate(values["error"], confidence) if is_answered.any() else None,
        area=area_under_risk(test.calibrated, test.labels),
    )


def decide(
    predictions: Predictions, threshold: float, *, max_novelty: float = math.inf
) -> Predictions:
    """Return predictions with what is to be done: the class, `refer`, `unfamiliar`.

    How sure a model is of an image that it does not know says nothing: novelty comes
    first. An image of unknown novelty is not `unfamiliar`.

    Args:
        predictions: Calibrated.
        threshold: Least probability of the class taken that is answered.
        max_novelty: Largest novelty of an image that the model knows.
    """
    is_sure = predictions.calibrated.max(axis=1) >= threshold
    is_unfamiliar = predictions.novelty > max_novelty
    predicted = np.array(predictions.table["predicted"].to_pylist(), object)
    decisions = np.where(is_sure, predicted, REFER)
    decisions[is_unfamiliar] = UNFAMILIAR
    return predictions.with_decisions(decisions.tolist())
