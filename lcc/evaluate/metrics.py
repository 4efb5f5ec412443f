"""Metrics of predictions, each with its interval by a bootstrap over groups.

All metrics of all resamples are computed at once, from weights of images. Names and
values are scikit-learn's.
"""

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.bootstrap import (
    Estimate,
    Figures,
    Floats,
    Ints,
    draw_groups,
    estimate,
)

Measure = Callable[[Ints, Floats, tuple[str, ...]], Figures]
LEAST = np.finfo(np.float64).eps  # a probability of 0 has no logarithm


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Metrics of one model on one set of images.

    Attributes:
        metrics: Estimates by name, e.g. `macro_f1`, `recall/lung_n`; 0 to 1, but for
            `mcc` (-1 to 1), `brier` (0 to 2) and `log_loss` (from 0).
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
    groups: NDArray[np.generic],
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
    resamples = draw_groups(groups, labels, settings)
    values = resamples.evaluate(figures_of(labels, probabilities, class_names))
    cells = _cells(labels, probabilities.argmax(axis=1), len(class_names)).sum(axis=0)
    table = cells.reshape(-1, len(class_names)).astype(int)
    return Judgement(
        metrics={
            name: estimate(found, settings.confidence) for name, found in values.items()
        },
        confusion=tuple(map(tuple, table.tolist())),
        num_images=len(labels),
        num_groups=resamples.num_groups,
    )


def figures_of(
    labels: Ints, probabilities: Floats, class_names: tuple[str, ...]
) -> Figures:
    """Return the function from (b, n) weights of images to (b,) values of each metric.

    Args:
        labels: (n,) true class numbers.
        probabilities: (n, classes), rows sum to 1.
        class_names: Names of the classes.
    """
    decisions = decisions_of(labels, probabilities, class_names)
    is_true = np.eye(len(class_names))[labels]
    own = np.clip(probabilities[np.arange(len(labels)), labels], LEAST, 1)
    losses = {
        "brier": ((probabilities - is_true) ** 2).sum(axis=1),
        "log_loss": -np.log(own),
    }

    def figures(weights: Floats) -> dict[str, Floats]:
        found = {**decisions(weights)}
        found |= _rankings(labels, probabilities, weights, class_names)
        total = weights.sum(axis=1)
        return found | {name: weights @ loss / total for name, loss in losses.items()}

    return figures


def decisions_of(
    labels: Ints, probabilities: Floats, class_names: tuple[str, ...]
) -> Figures:
    """Return the same of those metrics alone that ask which class is taken.

    Without a ranking of all images in every resample they cost a small part.
    """
    num_classes = len(class_names)
    cells = _cells(labels, probabilities.argmax(axis=1), num_classes)

    def figures(weights: Floats) -> dict[str, Floats]:
        confusion = (weights @ cells).reshape(-1, num_classes, num_classes)
        return confusion_metrics(confusion, class_names)

    return figures


def compare_paired(
    labels: Ints,
    probabilities: tuple[Floats, Floats],
    groups: NDArray[np.generic],
    *,
    class_names: tuple[str, ...],
    settings: EvaluateSettings,
    measure: Measure = figures_of,
) -> dict[str, Estimate]:
    """Return how much better the first of two models is, by metric, on the same draws.

    Args:
        labels: (n,) true class numbers.
        probabilities: Of two models for the same images, (n, classes) each.
        groups: (n,) group of each image.
        class_names: Names of the classes.
        settings: Resamples of groups, mass of each interval, seed.
        measure: Which metrics: `figures_of`, or `decisions_of`.
    """
    one, other = (measure(labels, own, class_names) for own in probabilities)

    def differences(weights: Floats) -> dict[str, Floats]:
        second = other(weights)
        return {name: found - second[name] for name, found in one(weights).items()}

    found = draw_groups(groups, labels, settings).evaluate(differences)
    return {name: estimate(own, settings.confidence) for name, own in found.items()}


def _cells(labels: Ints, predicted: Ints, num_classes: int) -> Floats:
    """Return (n, classes²): the cell of the confusion matrix that each image is in."""
    cells = np.zeros((len(labels), num_classes**2))
    cells[np.arange(len(labels)), labels * num_classes + predicted] = 1
    return cells


def confusion_metrics(
    confusion: Floats, class_names: tuple[str, ...]
) -> dict[str, Floats]:
    """Return metrics of (b, classes, classes) confusion matrices, (b,) each.

    A class that is absent from a resample has no recall there (NaN, left out of the
    balanced accuracy), and an F1 of 0 only if something is taken for it.
    """
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    actual, predicted = confusion.sum(axis=2), confusion.sum(axis=1)
    total = confusion.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hits / actual
        precision = np.where(predicted > 0, hits / predicted, 0.0)
        f1 = 2 * hits / (actual + predicted)
        specificity = 1 - (predicted - hits) / (total[:, None] - actual)
    metrics = {
        "accuracy": hits.sum(axis=1) / total,
        "balanced_accuracy": np.nanmean(recall, axis=1),
        "macro_f1": np.nanmean(f1, axis=1),
        "mcc": _correlation(hits.sum(axis=1), actual, predicted),
    }
    for number, name in enumerate(class_names):
        metrics[f"precision/{name}"] = precision[:, number]
        metrics[f"recall/{name}"] = recall[:, number]
        metrics[f"specificity/{name}"] = specificity[:, number]
        metrics[f"f1/{name}"] = np.nan_to_num(f1[:, number])
    return metrics


def _correlation(hits: Floats, actual: Floats, predicted: Floats) -> Floats:
    """Return (b,) Matthews' coefficients, 0 where one class alone is there.

    Source: Gorodkin, Computational Biology and Chemistry 28 (2004), equation 8.
    """
    total = actual.sum(axis=1)
    common = hits * total - (actual * predicted).sum(axis=1)
    spread = (total**2 - (actual**2).sum(axis=1)) * (
        total**2 - (predicted**2).sum(axis=1)
    )
    return np.asarray(
        np.divide(common, np.sqrt(spread), out=np.zeros_like(common), where=spread > 0)
    )


def _rankings(
    labels: Ints, probabilities: Floats, weights: Floats, class_names: tuple[str, ...]
) -> dict[str, Floats]:
    """Return areas under the ROC and the precision-recall curve, and their means."""
    found: dict[str, Floats] = {}
    for number, name in enumerate(class_names):
        levels = _Levels.of(labels == number, probabilities[:, number], weights)
        found[f"auroc/{name}"] = levels.auroc()
        found[f"auprc/{name}"] = levels.auprc()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a resample of one class
        for kind in ("auroc", "auprc"):
            areas = [found[f"{kind}/{name}"] for name in class_names]
            found[kind] = np.nanmean(np.stack(areas), axis=0)
    return found


@dataclass(frozen=True, slots=True)
class _Levels:
    """Weights of one class and of the rest, (b, k): at each score, ascending."""

    positive: Floats
    negative: Floats

    @classmethod
    def of(
        cls, is_positive: NDArray[np.bool_], scores: Floats, weights: Floats
    ) -> "_Levels":
        order = np.argsort(scores, kind="stable")
        _, starts = np.unique(scores[order], return_index=True)
        ordered, positives = weights[:, order], is_positive[order]
        return cls(
            np.add.reduceat(ordered * positives, starts, axis=1),
            np.add.reduceat(ordered * ~positives, starts, axis=1),
        )

    def auroc(self) -> Floats:
        """Return (b,) areas by the weighted Mann-Whitney statistic; ties count half.

        Source: Hanley and McNeil, Radiology 143 (1982), section 2.
        """
        below = np.cumsum(self.negative, axis=1) - self.negative
        wins = (self.positive * (below + self.negative / 2)).sum(axis=1)
        pairs = self.positive.sum(axis=1) * self.negative.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(wins / pairs)

    def auprc(self) -> Floats:
        """Return (b,) average precisions: of each level's recall times precision."""
        hits = np.cumsum(self.positive[:, ::-1], axis=1)
        taken = hits + np.cumsum(self.negative[:, ::-1], axis=1)
        gained = self.positive[:, ::-1]
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(taken > 0, hits / taken, 0.0)
            return np.asarray((gained * precision).sum(axis=1) / hits[:, -1])
