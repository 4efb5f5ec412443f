"""Deal groups out to splits and folds; `validation` checks the result independently.

Knows classes, groups and columns to balance over; not paths, files or families.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcc.config.data import DataSettings
from lcc.data.catalogue import Codes
from lcc.errors import DataError
from lcc.prepare.evening import even_out

SPLITS = ("train", "validation", "test")


Kind = tuple[int, str]  # number of a column, 0 for the class, and a value of it


@dataclass(frozen=True, slots=True)
class _Group:
    """A group, and how many images of each class and balanced value it holds."""

    code: int
    counts: dict[Kind, int]

    @property
    def size(self) -> int:
        return sum(count for (column, _), count in self.counts.items() if column == 0)


def assign_splits(
    columns: Sequence[NDArray[np.str_]],
    groups: Codes,
    settings: DataSettings,
    *,
    split: NDArray[np.str_] | None = None,
) -> tuple[NDArray[np.str_], Codes]:
    """Deal groups to train, validation and test, and the first two to folds.

    Guarantees that no group is divided. Attempts that each class, and each value of any
    further column, has its share in each split and fold: groups go, largest first, to
    where there is most room left; with further columns, `even_out` follows.

    Args:
        columns: (n,) class of each image, then columns to balance over.
        groups: (n,) group of each image.
        settings: Fractions, folds and seed.
        split: (n,) where each image goes, empty for train or validation as they are
            dealt; then only those and folds are dealt.

    Returns:
        (n,) one of train, validation, test; and (n,) fold from 0, -1 in test.

    Raises:
        DataError: A class has too few groups, or a group is too large for its class.
    """
    found = _collect(columns, groups)
    held = (settings.validation_fraction, settings.test_fraction)
    if split is None:
        shares = dict(zip(SPLITS, (1 - sum(held), *held), strict=True))
        _check_groups(found, settings.num_folds + 1, shares["train"], settings)
        split = _deal_splits(found, groups, shares, seed=settings.seed)
    else:
        inside = split != "test"
        development = _collect([column[inside] for column in columns], groups[inside])
        part = held[0] / (1 - held[1])  # of the development images
        _check_groups(development, settings.num_folds, 1 - part, settings)
        split = _fill(split, columns, groups, validation=part, seed=settings.seed)
    inside = split != "test"
    folds = _deal(
        _collect([column[inside] for column in columns], groups[inside]),
        [1 / settings.num_folds] * settings.num_folds,
        seed=settings.seed + 1,
    )
    fold = [
        folds[code] if is_inside else -1
        for code, is_inside in zip(groups.tolist(), inside, strict=True)
    ]
    return split, np.array(fold, np.int64)


def _deal_splits(
    found: Iterable[_Group], groups: Codes, shares: Mapping[str, float], *, seed: int
) -> NDArray[np.str_]:
    names = list(shares)
    dealt = _deal(found, list(shares.values()), seed=seed)
    return np.array([names[dealt[code]] for code in groups.tolist()], "<U10")


def _fill(
    split: NDArray[np.str_],
    columns: Sequence[NDArray[np.str_]],
    groups: Codes,
    *,
    validation: float,
    seed: int,
) -> NDArray[np.str_]:
    """Return a split whose empty entries are dealt to train and validation."""
    is_open = split == ""
    found = _collect([column[is_open] for column in columns], groups[is_open])
    shares = {"train": 1 - validation, "validation": validation}
    filled = split.astype("<U10")
    filled[is_open] = _deal_splits(found, groups[is_open], shares, seed=seed)
    return filled


def _check_groups(
    found: Sequence[_Group], least: int, training: float, settings: DataSettings
) -> None:
    """Refuse classes that cannot be split without dividing a group.

    Args:
        found: The groups that are dealt.
        least: Fewest groups that a class may have.
        training: Share of these images that is to train on.
        settings: For messages.
    """
    test = " and a test split" if least > settings.num_folds else ""
    faults = []
    for kind in sorted({k for group in found for k in group.counts if k[0] == 0}):
        counts = [group.counts.get(kind, 0) for group in found]
        number = sum(count > 0 for count in counts)
        if number < least:
            faults.append(
                f"class {kind[1]}: must have at least {least} groups for "
                f"{settings.num_folds} folds{test}, got {number}. Add "
                "images of other sources, or lower data.num_folds."
            )
        elif max(counts) > training * sum(counts):
            faults.append(
                f"class {kind[1]}: one group may hold at most the training share "
                f"({training:.0%}) of its images, got {max(counts)} of "
                f"{sum(counts)} in group {found[int(np.argmax(counts))].code}. Look "
                "at its pictures; remove what joins them, or add other images."
            )
    if faults:
        raise DataError("\n".join(faults))


def _collect(columns: Sequence[NDArray[np.str_]], groups: Codes) -> list[_Group]:
    counts: dict[int, Counter[Kind]] = {code: Counter() for code in groups.tolist()}
    for number, column in enumerate(columns):
        for value, code in zip(column.tolist(), groups.tolist(), strict=True):
            counts[code][number, value] += 1
    return [_Group(code, dict(counts[code])) for code in sorted(counts)]


def _deal(
    groups: Iterable[_Group], shares: Sequence[float], *, seed: int
) -> dict[int, int]:
    """Return for each group the bin it goes to, the number of a split or fold.

    Room is relative to what a bin shall have, so that small bins fill as evenly as
    large ones; the seed decides among groups of one size and bins of equal room.
    """
    order = sorted(groups, key=lambda group: (-group.size, _draw(seed, group.code)))
    totals: Counter[Kind] = Counter()
    for group in order:
        totals.update(group.counts)
    filled: list[Counter[Kind]] = [Counter() for _ in shares]
    bins = {}
    for group in order:

        def room(number: int, group: _Group = group) -> tuple[float, str]:
            free = sum(
                1 - (filled[number][kind] + count) / (shares[number] * totals[kind])
                for kind, count in group.counts.items()
            )
            return free, _draw(seed, group.code, number)

        best = max(range(len(shares)), key=room)
        filled[best].update(group.counts)
        bins[group.code] = best
    is_balanced = any(column for column, _ in totals)
    return _evened(order, bins, shares) if is_balanced else bins


def _evened(
    groups: Sequence[_Group], bins: Mapping[int, int], shares: Sequence[float]
) -> dict[int, int]:
    kinds = sorted({kind for group in groups for kind in group.counts})
    counts = [[group.counts.get(kind, 0) for kind in kinds] for group in groups]
    codes = [group.code for group in groups]
    found = even_out(
        np.array(counts), np.array([bins[code] for code in codes]), tuple(shares)
    )
    return dict(zip(codes, found.tolist(), strict=True))


def _draw(seed: int, *numbers: int) -> str:
    """Return a pseudorandom text that depends on its arguments alone."""
    return hashlib.sha256(repr((seed, *numbers)).encode()).hexdigest()
