"""Make probabilities mean what they say, and measure whether they do.

A temperature divides the logarithms of all probabilities: it changes how sure a model
is, never which class it takes. It is fitted on images the model did not learn from.
Source: Guo et al., On calibration of modern neural networks, ICML 2017, section 4.2.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.bootstrap import (
    Estimate,
    Floats,
    Ints,
    draw_groups,
    estimate,
)
from lcc.evaluate.metrics import LEAST
from lcc.evaluate.predictions import Part, Predictions

NUM_BINS = 10  # of equal numbers of images
MIN_GROUPS = 5  # to fit on: fewer say little of how sure to be elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How probabilities of a model are made to mean what they say.

    Attributes:
        temperature: Divides the logarithms; 1 changes nothing, above 1 is less sure.
        fitted_on: The part of the predictions, or why nothing was fitted.
        num_images: Images fitted on.
        num_groups: Groups they come from.
    """

    temperature: float = 1.0
    fitted_on: str
    num_images: int = 0
    num_groups: int = 0

    def apply(self, probabilities: Floats) -> Floats:
        """Return (n, classes) calibrated probabilities of raw ones."""
        return scale(probabilities, self.temperature)

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def scale(probabilities: Floats, temperature: float) -> Floats:
    """Return probabilities whose logarithms are divided by a temperature.

    Example:
        >>> scale(np.array([[0.8, 0.2]]), 2.0).round(3).tolist()
        [[0.667, 0.333]]
    """
    logits = np.log(np.clip(probabilities, LEAST, 1))
    return np.asarray(softmax(logits / temperature, axis=1))


class _Logits(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A model whose scores are given: what scikit-learn calibrates."""

    def __init__(self, num_classes: int = 2) -> None:
        self.num_classes = num_classes

    def fit(self, features: Floats, labels: Ints) -> "_Logits":  # noqa: ARG002 - as all
        """Do nothing but name the classes."""
        self.classes_ = np.arange(self.num_classes)
        return self

    def decision_function(self, features: Floats) -> Floats:
        """Return the scores."""
        return features

    def predict(self, features: Floats) -> Ints:
        """Return the classes with the highest scores."""
        return np.asarray(features.argmax(axis=1), np.int64)


def fit_temperature(probabilities: Floats, labels: Ints) -> float:
    """Return the temperature at which the log loss is least.

    Args:
        probabilities: (n, classes).
        labels: (n,) class numbers.
    """
    logits = np.log(np.clip(probabilities, LEAST, 1))
    scores = _Logits(probabilities.shape[1]).fit(logits, labels)
    frozen = FrozenEstimator(scores)
    fitted = CalibratedClassifierCV(frozen, method="temperature")
    fitted.fit(logits, labels)
    [model] = fitted.calibrated_classifiers_
    [own] = model.calibrators
    return float(1 / own.beta_)


def calibrate(predictions: Predictions) -> tuple[Predictions, Calibration]:
    """Return predictions with calibrated probabilities, and how they were made.

    Fitted on the validation part; after a refit, which has none, on the out-of-fold
    part, as scikit-learn's `CalibratedClassifierCV(ensemble=False)` does. Out-of-fold
    predictions themselves are scaled fold by fold, by what is fitted on the others.
    """
    for part in (Part.VALIDATION, Part.OUT_OF_FOLD):
        own = predictions.part(part)
        num_groups = len(np.unique(own.groups))
        if num_groups >= MIN_GROUPS and len(np.unique(own.labels)) > 1:
            found = Calibration(
                temperature=fit_temperature(own.raw, own.labels),
                fitted_on=str(part),
                num_images=len(own),
                num_groups=num_groups,
            )
            break
    else:
        found = Calibration(
            fitted_on=f"nothing: fewer than {MIN_GROUPS} groups outside the test"
        )
    return predictions.with_calibrated(_apply(found, predictions)), found


def _apply(found: Calibration, predictions: Predictions) -> Floats:
    scaled = found.apply(predictions.raw)
    folds = predictions.folds
    for fold in np.unique(folds[folds >= 0]).tolist():
        others = (folds >= 0) & (folds != fold)
        if len(np.unique(predictions.labels[others])) < 2:  # noqa: PLR2004 - classes
            continue
        raw, labels = predictions.raw, predictions.labels
        temperature = fit_temperature(raw[others], labels[others])
        scaled[folds == fold] = scale(raw[folds == fold], temperature)
    return scaled


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Whether a model is right as often as it says.

    Attributes:
        plain: Expected calibration error, 0 to 1, as it is on these images.
        error: The same without what chance adds to it.
        said: (bins,) mean probability of the class taken, ascending.
        right: (bins,) share of images that are of it.
    """

    plain: float
    error: Estimate
    said: tuple[float, ...]
    right: tuple[float, ...]


def measure_reliability(
    probabilities: Floats,
    labels: Ints,
    groups: Ints,
    *,
    settings: EvaluateSettings,
) -> Reliability:
    """Return the expected calibration error with its interval, and its bins.

    Over bins of equal numbers of images, by the probability of the class that is taken.
    Of few images even a perfect model shows gaps: from the square of each bin's gap its
    variance over drawn groups is taken off; what is drawn anew varies twice.
    Source: Nixon et al., Measuring calibration in deep learning, CVPR workshops 2019
    (equal mass); Kumar et al., Verified uncertainty calibration, NeurIPS 2019, section
    4.1 (bias).

    Args:
        probabilities: (n, classes).
        labels: (n,) class numbers.
        groups: (n,) group of each image.
        settings: Resamples of groups, mass of the interval, seed.
    """
    said = probabilities.max(axis=1)
    is_right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    bins = _equal_mass(said)
    resamples = draw_groups(groups, labels, settings)
    gaps = resamples.evaluate(
        lambda weights: {"gaps": _gaps(said, is_right, bins, weights)}
    )
    found = gaps["gaps"]
    noise = found[1:].var(axis=0)
    values = [_error(found[:1], noise), _error(found[1:], 2 * noise)]
    ones = np.ones((1, len(said)))
    total = np.maximum((ones @ bins)[0], 1)
    return Reliability(
        plain=float(np.abs(found[0]).sum()),
        error=estimate(np.concatenate(values), settings.confidence),
        said=tuple((said @ bins / total).tolist()),
        right=tuple((is_right @ bins / total).tolist()),
    )


def _equal_mass(said: Floats) -> Floats:
    """Return (n, bins): in which bin each image is; equal values share one."""
    order = np.argsort(said, kind="stable")
    place = np.empty(len(said))
    place[order] = np.arange(len(said))
    _, level, counts = np.unique(said, return_inverse=True, return_counts=True)
    middle = np.bincount(level, place) / counts  # of those that say the same
    codes = (middle[level] * NUM_BINS // len(said)).astype(int)
    _, codes = np.unique(codes, return_inverse=True)
    return np.eye(int(codes.max()) + 1)[codes]


def _gaps(said: Floats, is_right: Floats, bins: Floats, weights: Floats) -> Floats:
    """Return (b, bins): of each bin what is right less what was said, of all images."""
    gaps = (is_right - said)[:, None] * bins
    return np.asarray(weights @ gaps / weights.sum(axis=1, keepdims=True))


def _error(gaps: Floats, noise: Floats) -> Floats:
    """Return (b,) sums of absolute gaps, each without what chance adds to it."""
    return np.asarray(np.sqrt(np.maximum(gaps**2 - noise, 0)).sum(axis=1))
