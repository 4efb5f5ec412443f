"""Which of several models are better, on the same images and the same draws of groups.

Knows what models said of one set of images; not where that comes from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.bootstrap import (
    Estimate,
    Floats,
    Ints,
    draw_groups,
    estimate,
)
from lcc.evaluate.mcnemar import McNemar, holm, mcnemar_by_groups
from lcc.evaluate.metrics import figures_of

METRICS = (  # shown of each model; of the last two less is better
    "macro_f1",
    "accuracy",
    "balanced_accuracy",
    "mcc",
    "auroc",
    "auprc",
    "brier",
    "log_loss",
)
BY = METRICS[0]  # models are put in order by it


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A model as it is compared.

    Attributes:
        name: Run id of its evaluation, or what a baseline is.
        is_baseline: Whether it is a small model beside another.
        probabilities: (n, classes) calibrated, of the images that all have.
    """

    name: str
    is_baseline: bool
    probabilities: Floats


@dataclass(frozen=True, kw_only=True)
class SharedTest:
    """What is known of the images that models are compared on.

    Attributes:
        labels: (n,) class numbers.
        groups: (n,) group numbers.
        class_names: Order of the classes.
    """

    labels: Ints
    groups: Ints
    class_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much a metric of the first model exceeds that of the second.

    Attributes:
        found: With its interval, drawn together.
        p_value: By Holm, over all pairs; 0 to 1.
        is_real: Whether that is below 1 - confidence.
    """

    found: Estimate
    p_value: float
    is_real: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two models compared; the first has the higher macro F1.

    Attributes:
        first: Name of the one.
        second: Name of the other.
        differences: By metric.
        mcnemar: Whose images are right, with a p-value by Holm over all pairs.
    """

    first: str
    second: str
    differences: Mapping[str, Difference]
    mcnemar: McNemar


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One model with its metrics, as it stands among others.

    Attributes:
        name: Of the model.
        is_baseline: Whether it is a small model beside another.
        metrics: With intervals, by name.
    """

    name: str
    is_baseline: bool
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """Models in order, and how they differ.

    Attributes:
        standings: By macro F1, highest first.
        pairs: All but those of two baselines, in the order of the standings.
        num_images: Images compared on.
        num_groups: Groups they come from.
        confidence: Mass of the intervals, 0 to 1.
        num_bootstrap: Resamples of groups.
    """

    standings: Sequence[Standing]
    pairs: Sequence[Pair]
    num_images: int
    num_groups: int
    confidence: float
    num_bootstrap: int

    @property
    def is_blunt(self) -> bool:
        """Whether so few resamples can show no difference among so many pairs."""
        least = 2 / (self.num_bootstrap + 1)  # of a p-value by resamples
        return bool(self.pairs) and least * len(self.pairs) > 1 - self.confidence

    def pair_of(self, first: str, second: str) -> Pair | None:
        """Return how two models differ, none for two baselines."""
        found = (p for p in self.pairs if (p.first, p.second) == (first, second))
        return next(found, None)


def rank_models(
    rivals: Sequence[Rival], test: SharedTest, settings: EvaluateSettings
) -> Leaderboard:
    """Put models in order by macro F1, and compare each two on the same draws.

    Two baselines are not compared with each other: nobody asks.

    Args:
        rivals: The models, of other names each.
        test: The images.
        settings: Resamples of groups, mass of each interval, seed.
    """
    resamples = draw_groups(test.groups, test.labels, settings)
    values = {
        rival.name: _only_shown(
            resamples.evaluate(
                figures_of(test.labels, rival.probabilities, test.class_names)
            )
        )
        for rival in rivals
    }
    ordered = sorted(rivals, key=lambda rival: -values[rival.name][BY][0])
    pairs = [
        _compare(one, other, test, values, settings)
        for one, other in combinations(ordered, 2)
        if not (one.is_baseline and other.is_baseline)
    ]
    standings = [
        Standing(
            name=rival.name,
            is_baseline=rival.is_baseline,
            metrics={
                name: estimate(own, settings.confidence)
                for name, own in values[rival.name].items()
            },
        )
        for rival in ordered
    ]
    return Leaderboard(
        standings=standings,
        pairs=_adjusted(pairs, settings.confidence),
        num_images=len(test.labels),
        num_groups=resamples.num_groups,
        confidence=settings.confidence,
        num_bootstrap=settings.num_bootstrap,
    )


def _only_shown(values: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name: values[name] for name in METRICS}


def _compare(
    one: Rival,
    other: Rival,
    test: SharedTest,
    values: Mapping[str, Mapping[str, Floats]],
    settings: EvaluateSettings,
) -> Pair:
    """Return two models compared, each p-value as if there were no other pair."""
    differences = {}
    for name in METRICS:
        own = values[one.name][name] - values[other.name][name]
        differences[name] = Difference(
            found=estimate(own, settings.confidence),
            p_value=_chance(own),
            is_real=False,
        )
    right, other_right = (
        own.probabilities.argmax(axis=1) == test.labels for own in (one, other)
    )
    return Pair(
        first=one.name,
        second=other.name,
        differences=differences,
        mcnemar=mcnemar_by_groups(right, other_right, test.groups),
    )


def _chance(values: Floats) -> float:
    """Return the least 1 - confidence whose percentile interval leaves out 0.

    One is added to both counts, so that no p-value is 0.
    Source: North, Curtis and Sham, A note on the calculation of empirical p values from
    Monte Carlo procedures, American Journal of Human Genetics 71 (2002).
    """
    drawn = values[1:][np.isfinite(values[1:])]
    side = min((drawn <= 0).sum(), (drawn >= 0).sum())
    return min(2 * (float(side) + 1) / (len(drawn) + 1), 1.0)


def _adjusted(pairs: Sequence[Pair], confidence: float) -> list[Pair]:
    """Return the pairs with p-values that allow for there being several of them."""
    by_metric = {
        name: holm([pair.differences[name].p_value for pair in pairs])
        for name in METRICS
    }
    by_test = holm([pair.mcnemar.p_value for pair in pairs])
    return [
        replace(
            pair,
            mcnemar=replace(pair.mcnemar, p_value=by_test[number]),
            differences={
                name: replace(
                    own,
                    p_value=by_metric[name][number],
                    is_real=by_metric[name][number] < 1 - confidence,
                )
                for name, own in pair.differences.items()
            },
        )
        for number, pair in enumerate(pairs)
    ]
