"""Even out what each bin holds: move and swap whole groups while that helps.

Pure arithmetic on counts; knows neither splits nor what the counts are of.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MAX_ROUNDS = 20  # five do in practice
MAX_GROUPS = 2000  # 4 s: a swap looks at all. Of more, each is too small to matter
EPSILON = 1e-9  # a smaller gain is rounding


def even_out(counts: Ints, bins: Ints, shares: tuple[float, ...]) -> Ints:
    """Return bins in which each column's counts are closer to their shares.

    Guarantees that the sum over bins and columns of (count - target)² / target does not
    grow, and that no single move or swap of groups would lessen it, unless that takes
    more than 20 rounds. Of more than 2,000 groups the bins are returned as they are.

    Args:
        counts: (groups, columns) images; no column is empty.
        bins: (groups,) bin of each group.
        shares: Share of each bin, of sum 1.

    Example:
        >>> even_out(
        ...     np.array([[2], [1], [1]]), np.array([0, 0, 1]), (0.5, 0.5)
        ... ).tolist()
        [1, 0, 0]
    """
    if len(counts) > MAX_GROUPS:
        return bins
    target = np.outer(shares, counts.sum(axis=0)).astype(np.float64)
    filled = np.zeros_like(target)
    np.add.at(filled, bins, counts)
    state = _Bins(
        counts=counts.astype(np.float64), of=bins.copy(), excess=filled - target,
        weights=1 / target,
    )  # fmt: skip
    for _ in range(MAX_ROUNDS):
        if not sum(state.improve(group) for group in range(len(counts))):
            break
    return state.of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bins:
    """What lies where; `of` and `excess` change in place.

    Attributes:
        counts: (groups, columns) images.
        of: (groups,) bin of each group.
        excess: (bins, columns) images above the target.
        weights: (bins, columns) of the squares.
    """

    counts: Floats
    of: Ints
    excess: Floats
    weights: Floats

    def improve(self, group: int) -> bool:
        """Move a group, or swap it with another, as helps most; tell whether it did.

        To stay, or to swap inside one bin, never lessens the sum.
        """
        own = int(self.of[group])
        moved = self._cost(own, -self.counts[group]) + self._cost(
            slice(None), self.counts[group]
        )
        target = int(moved.argmin())
        if moved[target] < -EPSILON:
            self._move(group, target)
            return True
        given = self.counts[group] - self.counts  # what each other group's bin gets
        swapped = self._cost(own, -given) + self._cost(self.of, given)
        other = int(swapped.argmin())
        if swapped[other] < -EPSILON:
            self._move(group, int(self.of[other]))
            self._move(other, own)
            return True
        return False

    def _cost(self, bins: int | slice | Ints, added: Floats) -> Floats:
        """Return how much the sum grows where bins get more images of each column."""
        growth = added * (2 * self.excess[bins] + added) * self.weights[bins]
        return np.asarray(growth.sum(axis=-1))

    def _move(self, group: int, target: int) -> None:
        self.excess[self.of[group]] -= self.counts[group]
        self.excess[target] += self.counts[group]
        self.of[group] = target
