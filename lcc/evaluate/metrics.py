"""Metrics of predictions, and their intervals by a bootstrap over groups.

Images of one group are not independent: whole groups are drawn, with replacement.
Source: Field and Welsh, Bootstrapping clustered data, JRSS B 69 (2007), section 2
(cluster bootstrap); percentile intervals, Efron and Tibshirani 1993, chapter 13.
"""

import warnings
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from lcc.config.evaluate import EvaluateSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A metric with its interval; all 0–1."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Metrics of one model on one set of images.

    Attributes:
        metrics: Estimates by name, e.g. `macro_f1`, `recall/lung_n`.
        confusion: (classes, classes) counts, true × predicted.
        num_images: Images judged.
        num_groups: Groups they come from: the number of independent pieces of evidence.
    """

    metrics: dict[str, Estimate]
    confusion: tuple[tuple[int, ...], ...]
    num_images: int
    num_groups: int

    def document(self) -> dict[str, object]:
        """Return the judgement as JSON values."""
        return asdict(self)


def judge(
    labels: Ints,
    probabilities: Floats,
    groups: Ints,
    *,
    class_names: tuple[str, ...],
    settings: EvaluateSettings,
) -> Judgement:
    """Return all metrics with intervals.

    Args:
        labels: (n,) true class numbers.
        probabilities: (n, classes), rows sum to 1.
        groups: (n,) group of each image.
        class_names: Names of the classes.
        settings: Resamples of groups, mass of each interval, seed.
    """
    _, codes = np.unique(groups, return_inverse=True)
    num_groups = int(codes.max()) + 1
    draw = np.random.default_rng(settings.seed)
    counts = draw.multinomial(
        num_groups, np.full(num_groups, 1 / num_groups), size=settings.num_bootstrap
    )
    weights = np.concatenate([np.ones((1, len(labels))), counts[:, codes]])
    confusion = _confusions(labels, probabilities.argmax(axis=1), weights, class_names)
    values = confusion_metrics(confusion, class_names)
    values |= _aurocs(labels, probabilities, weights, class_names)
    metrics = {
        name: _estimate(found, settings.confidence) for name, found in values.items()
    }
    table = tuple(tuple(int(count) for count in row) for row in confusion[0])
    return Judgement(
        metrics=metrics,
        confusion=table,
        num_images=len(labels),
        num_groups=num_groups,
    )


def _estimate(values: Floats, confidence: float) -> Estimate:
    """Return the first value, and the quantiles of the others that are numbers."""
    resamples = values[1:][np.isfinite(values[1:])]
    if not len(resamples):
        resamples = values[:1]
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(resamples, (tail, 1 - tail))
    return Estimate(value=float(values[0]), lower=float(lower), upper=float(upper))


def confusion_metrics(
    confusion: Floats, class_names: tuple[str, ...]
) -> dict[str, Floats]:
    """Return metrics of (b, classes, classes) confusion matrices, (b,) each.

    A class that is absent from a resample has no recall there (NaN, left out of the
    balanced accuracy), and an F1 of 0 only if something is taken for it.
    """
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    actual, predicted = confusion.sum(axis=2), confusion.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hits / actual
        precision = np.where(predicted > 0, hits / predicted, 0.0)
        f1 = 2 * hits / (actual + predicted)
    metrics = {
        "accuracy": hits.sum(axis=1) / confusion.sum(axis=(1, 2)),
        "balanced_accuracy": np.nanmean(recall, axis=1),
        "macro_f1": np.nanmean(f1, axis=1),
    }
    for number, name in enumerate(class_names):
        metrics[f"precision/{name}"] = precision[:, number]
        metrics[f"recall/{name}"] = recall[:, number]
        metrics[f"f1/{name}"] = np.nan_to_num(f1[:, number])
    return metrics


def _confusions(
    labels: Ints, predicted: Ints, weights: Floats, class_names: tuple[str, ...]
) -> Floats:
    """Return (b, classes, classes): a weighted confusion matrix per row of weights."""
    num_classes = len(class_names)
    cells = np.zeros((len(labels), num_classes**2))
    cells[np.arange(len(labels)), labels * num_classes + predicted] = 1
    return (weights @ cells).reshape(-1, num_classes, num_classes)


def _aurocs(
    labels: Ints, probabilities: Floats, weights: Floats, class_names: tuple[str, ...]
) -> dict[str, Floats]:
    """Return the area under the one-against-rest ROC per class, and their mean."""
    areas = {
        f"auroc/{name}": _auroc(labels == number, probabilities[:, number], weights)
        for number, name in enumerate(class_names)
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a resample of one class
        mean = np.nanmean(np.stack(list(areas.values())), axis=0)
    return areas | {"auroc": mean}


def _auroc(is_positive: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Return (b,) areas by the weighted Mann-Whitney statistic; ties count half.

    Source: Hanley and McNeil, Radiology 143 (1982), section 2.
    """
    order = np.argsort(scores, kind="stable")
    _, starts = np.unique(scores[order], return_index=True)  # one level per score
    ordered, positives = weights[:, order], is_positive[order]
    positive = np.add.reduceat(ordered * positives, starts, axis=1)
    negative = np.add.reduceat(ordered * ~positives, starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative
    wins = (positive * (below + negative / 2)).sum(axis=1)
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(wins / pairs)
