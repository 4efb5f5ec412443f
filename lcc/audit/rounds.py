"""Which images are held against which: test against training, a fold against the rest.

Knows names of splits alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations

from lcc.audit.roles import is_fold, role_in, split_order

OTHER_FOLDS, FOLDS = "other folds", "folds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One question: how many images of some splits have siblings in others.

    Attributes:
        split: Name of those asked about.
        other: Name of those that they are held against.
        asked: Splits that they are of.
        against: Splits of the others.
    """

    split: str
    other: str
    asked: frozenset[str]
    against: frozenset[str]


def find_rounds(splits: Iterable[str]) -> tuple[Round, ...]:
    """Return all questions, the held-out split's first; each fold is test once.

    First come all that ask about the split that is held out, then the other way round.

    Example:
        >>> [(r.split, r.other) for r in find_rounds(["train", "test"])]
        [('test', 'train'), ('train', 'test')]
        >>> [(r.split, r.other) for r in find_rounds(["fold 0", "fold 1"])]
        [('fold 0', 'other folds'), ('fold 1', 'other folds')]
    """
    order = sorted(set(splits), key=split_order, reverse=True)
    folds = frozenset(name for name in order if is_fold(name))
    if len(folds) < 2:  # noqa: PLR2004 - one is as good as any other split
        folds = frozenset()
    parties = {name: frozenset([name]) for name in order if name not in folds}
    if folds and parties:
        parties[FOLDS] = folds
    each = [
        Round(split=f, other=OTHER_FOLDS, asked=frozenset([f]), against=folds - {f})
        for f in sorted(folds, key=split_order)
    ]
    return (*_pairs(parties), *each)


def _pairs(parties: dict[str, frozenset[str]]) -> list[Round]:
    rank = {name: number for number, name in enumerate(parties)}

    def by_rank(pair: tuple[str, str]) -> tuple[bool, int, int]:
        own, other = rank[pair[0]], rank[pair[1]]
        return own > other, own, -other

    return [
        Round(split=a, other=b, asked=parties[a], against=parties[b])
        for a, b in sorted(permutations(parties, 2), key=by_rank)
    ]


def main_rounds(rounds: Iterable[Round]) -> tuple[Round, ...]:
    """Return the rounds that measure a model: the first, or each fold as test once."""
    rounds = tuple(rounds)
    if rounds and rounds[0].other == OTHER_FOLDS:
        return rounds
    return rounds[:1]


def describe_images(split: str) -> str:
    """Return what to call the images of a split.

    Example:
        >>> describe_images("Test Set"), describe_images("fold 3")
        ('test images', 'images of fold 3')
    """
    names = {"train": "training", "validation": "validation", "test": "test"}
    role = role_in(split)
    return f"{names[role]} images" if role else f"images of {split}"


def describe_other(split: str) -> str:
    """Return what to call a split that images are held against.

    Example:
        >>> describe_other("train"), describe_other("fold 3")
        ('the training set', 'fold 3')
    """
    names = {"train": "the training set", "validation": "the validation set"}
    names |= {"test": "the test set", FOLDS: "a fold"}
    return names.get(role_in(split) or split, split)
