"""One judgement for each kind of unit: of images, families, groups, patients.

An image counts as one of many of a patient; a patient counts once. What a model says of
a unit is the mean of what it says of its images.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.bootstrap import (
    Estimate,
    Floats,
    Ints,
    draw_groups,
    estimate,
    majority,
)
from lcc.evaluate.metrics import Judgement, compare_paired, decisions_of, judge
from lcc.evaluate.predictions import Predictions


def judge_images(predictions: Predictions, settings: EvaluateSettings) -> Judgement:
    """Return the judgement of all images, by their calibrated probabilities."""
    return judge(
        predictions.labels,
        predictions.calibrated,
        predictions.groups,
        class_names=predictions.class_names,
        settings=settings,
    )


def score_images(predictions: Predictions, settings: EvaluateSettings) -> Estimate:
    """Return the macro F1 of all images alone, for what is only compared."""
    own = predictions
    measure = decisions_of(own.labels, own.calibrated, own.class_names)
    found = draw_groups(own.groups, own.labels, settings).evaluate(measure)
    return estimate(found["macro_f1"], settings.confidence)


def compare_images(
    one: Predictions, other: Predictions, settings: EvaluateSettings
) -> Estimate:
    """Return by how much macro F1 of one model exceeds another's, on the same images.

    Args:
        one: Its predictions.
        other: The other's, of the same images in any order.
        settings: Resamples of groups, mass of the interval, seed.

    Raises:
        DataError: They are of other images.
    """
    other = other.ordered_as(one)
    return compare_paired(
        one.labels,
        (one.calibrated, other.calibrated),
        one.groups,
        class_names=one.class_names,
        settings=settings,
        measure=decisions_of,
    )["macro_f1"]


def judge_units(
    predictions: Predictions, axes: Sequence[str], settings: EvaluateSettings
) -> dict[str, Judgement]:
    """Return a judgement for images, families, groups, and units of some axes.

    A unit of several classes counts to that of most of its images. Images of which an
    axis says nothing are left out of its judgement.

    Args:
        predictions: Of one part.
        axes: Such as the patient.
        settings: Resamples of groups, mass of each interval, seed.
    """
    found = {"image": judge_images(predictions, settings)}
    units: dict[str, NDArray[np.generic]] = {
        "family": predictions.families,
        "group": predictions.groups,
    }
    units |= {axis: predictions.axis(axis) for axis in axes}
    for name, values in units.items():
        is_known = np.array([value != "" for value in values.tolist()], bool)
        if is_known.any():
            own = predictions.chosen(is_known)
            found[name] = _judge_by(own, values[is_known], settings)
    return found


def _judge_by(
    predictions: Predictions, units: NDArray[np.generic], settings: EvaluateSettings
) -> Judgement:
    _, first, codes = np.unique(units, return_index=True, return_inverse=True)
    return judge(
        majority(codes.astype(np.int64), predictions.labels),
        mean_by(codes.astype(np.int64), predictions.calibrated),
        predictions.groups[first],
        class_names=predictions.class_names,
        settings=settings,
    )


def mean_by(codes: Ints, values: Floats) -> Floats:
    """Return the mean of the rows of each unit, (units, columns).

    Args:
        codes: (n,) unit of each row, each from 0 to units - 1.
        values: (n, columns).

    Example:
        >>> mean_by(np.array([0, 1, 0]), np.array([[1.0], [5.0], [2.0]])).tolist()
        [[1.5], [5.0]]
    """
    counts = np.bincount(codes)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, codes, values)
    return np.asarray(sums / counts[:, None])
