"""A few images that stand for many: from all groups alike, the same for every run."""

import numpy as np

from lcc.evaluate.bootstrap import Ints, majority


def spread_over_groups(groups: Ints, labels: Ints, *, count: int, seed: int) -> Ints:
    """Return (k,) positions of at most `count` images, ascending.

    One image of every group, then a second of every group, and so on; where not every
    group has its turn, classes take turns. Whole groups would be fewer groups, and
    groups are the independent evidence.

    Args:
        groups: (n,) group of each image.
        labels: (n,) class numbers.
        count: At most so many.
        seed: Of the order of images and groups.
    """
    if not len(groups):
        return np.empty(0, np.int64)
    _, codes = np.unique(groups, return_inverse=True)
    draw = np.random.default_rng(seed)
    classes = majority(codes, labels)
    turn_in_group = _turns(codes, draw)
    turn_in_class = _turns(classes, draw)
    order = np.lexsort((classes[codes], turn_in_class[codes], turn_in_group))
    return np.sort(order[:count])


def _turns(values: Ints, draw: np.random.Generator) -> Ints:
    """Return for each item how many of its value come before it in a drawn order."""
    order = draw.permutation(len(values))
    by_value = order[np.argsort(values[order], kind="stable")]
    starts = np.searchsorted(values[by_value], values[by_value])
    turns = np.empty(len(values), np.int64)
    turns[by_value] = np.arange(len(values)) - starts
    return turns
