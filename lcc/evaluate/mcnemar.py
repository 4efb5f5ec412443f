"""Whether one of two models is right more often, where images of a group are alike.

McNemar's test takes each image for independent evidence: where a group has copies and
neighbours it finds differences that are none. Here a group is one piece of evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar:
    """On which images two models differ, and how likely that is by chance.

    Attributes:
        only_first: Images on which the first alone is right.
        only_second: Images on which the second alone is right.
        num_groups: Groups with an image of either kind.
        p_value: Of a difference as large or larger if both are right equally often, 0
            to 1; of two sides.
    """

    only_first: int
    only_second: int
    num_groups: int
    p_value: float


def mcnemar_by_groups(
    first: Bools, second: Bools, groups: NDArray[np.generic]
) -> McNemar:
    """Return McNemar's test of two models, with groups for independent evidence.

    With one image a group it is McNemar's, but for a factor (g - 1) / g. It asks about
    accuracy image by image, holds for groups of any size, and rather finds too little
    where few groups tell the models apart.
    Source: Obuchowski, On the comparison of correlated proportions for clustered data,
    Statistics in Medicine 17 (1998), in the form of Yang, Sun and Hardin, A note on the
    tests for clustered matched-pair binary data, Biometrical Journal 52 (2010).

    Args:
        first: (n,) whether the first model is right.
        second: (n,) whether the second is.
        groups: (n,) group of each image.

    Example:
        >>> first, second = np.array([True] * 8), np.array([True, False] * 4)
        >>> round(mcnemar_by_groups(first, second, np.arange(8)).p_value, 3)
        0.061
        >>> round(mcnemar_by_groups(first, second, np.arange(8) // 4).p_value, 3)
        0.317
    """
    _, codes = np.unique(groups, return_inverse=True)
    gains = np.bincount(codes, first.astype(float) - second)
    spread = float((gains**2).sum())
    num_groups = len(gains)
    score = gains.sum() ** 2 * (num_groups - 1) / num_groups / spread if spread else 0.0
    return McNemar(
        only_first=int((first & ~second).sum()),
        only_second=int((second & ~first).sum()),
        num_groups=len(np.unique(codes[first != second])),
        p_value=float(chi2.sf(score, df=1)),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values that may each be looked at, though there are several.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian
    Journal of Statistics 6 (1979).

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    found = np.empty(len(p_values))
    found[order] = np.maximum.accumulate(np.asarray(p_values)[order] * factors)
    return [float(value) for value in np.minimum(found, 1)]
