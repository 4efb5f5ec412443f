"""How a figure varies with the groups that happened to be drawn.

Images of one group are not independent: whole groups are drawn, with replacement, as
many of each class as there are. Intervals are percentiles.
Source: Field and Welsh, Bootstrapping clustered data, JRSS B 69 (2007), section 2
(cluster bootstrap); Efron and Tibshirani 1993, chapter 8 (strata) and 13 (percentiles).
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcc.config.evaluate import EvaluateSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Figures = Callable[[Floats], Mapping[str, Floats]]  # (b, n) weights → (b, …) by name

BLOCK = 2**22  # weights held at once: 32 MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resamples:
    """How often each group is drawn; the first row is the data as it is.

    Attributes:
        counts: (1 + b, g) draws of each group.
        codes: (n,) group of each item, 0 to g - 1.
    """

    counts: Floats
    codes: Ints

    @property
    def num_groups(self) -> int:
        """Groups: the number of independent pieces of evidence."""
        return len(self.counts[0])

    def evaluate(self, figures: Figures) -> dict[str, Floats]:
        """Return each figure of the data, and of every resample, (1 + b,) by name.

        Args:
            figures: From (b, n) weights of items to (b,) values by name.
        """
        found = [figures(weights) for weights in self._blocks()]
        return {name: np.concatenate([own[name] for own in found]) for name in found[0]}

    def _blocks(self) -> Iterator[Floats]:
        size = max(BLOCK // max(len(self.codes), 1), 1)
        for start in range(0, len(self.counts), size):
            yield self.counts[start : start + size][:, self.codes]


def draw_groups(
    groups: NDArray[np.generic], labels: Ints, settings: EvaluateSettings
) -> Resamples:
    """Draw whole groups, as many as there are of each class; a seed repeats the draw.

    A group of several classes counts to that of most of its items. Of a class with one
    group that group is always drawn: nothing is known of how others vary.

    Args:
        groups: (n,) group of each item.
        labels: (n,) class numbers.
        settings: Number of resamples, seed.
    """
    _, codes = np.unique(groups, return_inverse=True)
    draw = np.random.default_rng(settings.seed)
    counts = np.ones((1 + settings.num_bootstrap, int(codes.max()) + 1))
    classes = majority(codes, labels)
    for number in np.unique(classes):
        own = np.flatnonzero(classes == number)
        even = np.full(len(own), 1 / len(own))
        counts[1:, own] = draw.multinomial(len(own), even, settings.num_bootstrap)
    return Resamples(counts=counts, codes=codes.astype(np.int64))


def majority(codes: Ints, labels: Ints) -> Ints:
    """Return the most frequent class of each group, (g,); the first of equals."""
    votes = np.zeros((int(codes.max()) + 1, int(labels.max()) + 1), np.int64)
    np.add.at(votes, (codes, labels), 1)
    return np.asarray(votes.argmax(axis=1), np.int64)


def estimate(values: Floats, confidence: float) -> Estimate:
    """Return the first value, and the quantiles of the others that are numbers.

    Args:
        values: (1 + b,) as `Resamples.evaluate` gives them.
        confidence: Mass of the interval, 0 to 1.
    """
    resamples = values[1:][np.isfinite(values[1:])]
    if not len(resamples):
        resamples = values[:1]
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(resamples, (tail, 1 - tail))
    return Estimate(value=float(values[0]), lower=float(lower), upper=float(upper))


def groups_needed(found: Estimate, num_groups: int, *, half_width: float) -> int:
    """Return how many groups would narrow an interval to ± a half width.

    An interval narrows with the root of the number of groups.

    Example:
        >>> groups_needed(
        ...     Estimate(value=0.9, lower=0.86, upper=0.94), 36, half_width=0.02
        ... )
        144
    """
    own = (found.upper - found.lower) / 2
    return math.ceil(round(num_groups * (own / half_width) ** 2, 6))
