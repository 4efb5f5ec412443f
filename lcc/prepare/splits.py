"""Deal groups out to splits and folds; `validation` checks the result independently.

Knows labels and groups; not paths, files or families.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcc.config.data import DataSettings
from lcc.data.catalogue import Codes
from lcc.errors import DataError

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class _Group:
    """A group, and how many images of each class it holds."""

    code: int
    counts: dict[str, int]

    @property
    def size(self) -> int:
        return sum(self.counts.values())


def assign_splits(
    labels: NDArray[np.str_],
    groups: Codes,
    settings: DataSettings,
    *,
    split: NDArray[np.str_] | None = None,
) -> tuple[NDArray[np.str_], Codes]:
    """Deal groups to train, validation and test, and the first two to folds.

    Guarantees that no group is divided. Attempts that each class has its share in
    each split and fold: groups go, largest first, to where there is most room left.

    Args:
        labels: (n,) class of each image.
        groups: (n,) group of each image.
        settings: Fractions, folds and seed.
        split: (n,) the user's own split; then only folds are dealt.

    Returns:
        (n,) one of train, validation, test; and (n,) fold from 0, -1 in test.

    Raises:
        DataError: A class has too few groups, or a group is too large for its class.
    """
    _check_groups(labels, groups, settings)
    if split is None:
        held = (settings.validation_fraction, settings.test_fraction)
        shares = dict(zip(SPLITS, (1 - sum(held), *held), strict=True))
        names = list(shares)
        dealt = _deal(
            _collect(labels, groups), list(shares.values()), seed=settings.seed
        )
        split = np.array([names[dealt[code]] for code in groups.tolist()], "<U10")
    development = split != "test"
    folds = _deal(
        _collect(labels[development], groups[development]),
        [1 / settings.num_folds] * settings.num_folds,
        seed=settings.seed + 1,
    )
    fold = [
        folds[code] if inside else -1
        for code, inside in zip(groups.tolist(), development, strict=True)
    ]
    return split, np.array(fold, np.int64)


def _check_groups(
    labels: NDArray[np.str_], groups: Codes, settings: DataSettings
) -> None:
    """Refuse classes that cannot be split without dividing a group."""
    found = _collect(labels, groups)
    sizes = Counter(labels.tolist())
    least = settings.num_folds + 1  # one more for the test split
    training = 1 - settings.validation_fraction - settings.test_fraction
    faults = []
    for label in sorted(sizes):
        counts = [group.counts.get(label, 0) for group in found]
        number = sum(count > 0 for count in counts)
        if number < least:
            faults.append(
                f"class {label}: must have at least {least} groups for "
                f"{settings.num_folds} folds and a test split, got {number}. Add "
                "images of other sources, or lower data.num_folds."
            )
        elif max(counts) > training * sizes[label]:
            faults.append(
                f"class {label}: one group may hold at most the training share "
                f"({training:.0%}) of its images, got {max(counts)} of "
                f"{sizes[label]} in group {found[int(np.argmax(counts))].code}. Look "
                "at its pictures; remove what joins them, or add other images."
            )
    if faults:
        raise DataError("\n".join(faults))


def _collect(labels: NDArray[np.str_], groups: Codes) -> list[_Group]:
    counts: dict[int, Counter[str]] = {}
    for label, code in zip(labels.tolist(), groups.tolist(), strict=True):
        counts.setdefault(code, Counter())[label] += 1
    return [_Group(code, dict(counts[code])) for code in sorted(counts)]


def _deal(
    groups: Iterable[_Group], shares: Sequence[float], *, seed: int
) -> dict[int, int]:
    """Return for each group the bin it goes to, the number of a split or fold.

    Room is relative to what a bin shall have, so that small bins fill as evenly as
    large ones; the seed decides among groups of one size and bins of equal room.
    """
    order = sorted(groups, key=lambda group: (-group.size, _draw(seed, group.code)))
    totals: Counter[str] = Counter()
    for group in order:
        totals.update(group.counts)
    filled: list[Counter[str]] = [Counter() for _ in shares]
    bins = {}
    for group in order:

        def room(number: int, group: _Group = group) -> tuple[float, str]:
            free = sum(
                1 - (filled[number][label] + count) / (shares[number] * totals[label])
                for label, count in group.counts.items()
            )
            return free, _draw(seed, group.code, number)

        best = max(range(len(shares)), key=room)
        filled[best].update(group.counts)
        bins[group.code] = best
    return bins


def _draw(seed: int, *numbers: int) -> str:
    """Return a pseudorandom text that depends on its arguments alone."""
    return hashlib.sha256(repr((seed, *numbers)).encode()).hexdigest()
