"""Merge families that belong together but were never compared.

Knows families that have grown from edges, and the `verify` that finds more.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pyarrow as pa

from lcc.config.data import FamilySettings
from lcc.data.catalogue import Codes
from lcc.families.edges import Edge, EdgeKind, ends, kind_of, kinds_of
from lcc.families.graph import components, renumber
from lcc.families.voting import NUM_SHOWN, Asking, Features, PartIndex, find_alike

Verify = Callable[[Codes], Sequence[Edge]]  # (m, 2) rows a < b → edges among them

SMALL_FAMILY = 3  # members; below it one edge is enough to belong to another
SMALL_SHARE = 0.5  # of the size of a typical image's family; below it all members ask
MOST_ASKING = 10  # members of a small family
NUM_ASKING = 2  # members of any other
NUM_ALIKE = 2  # members of a named family that are held against the one that asks
MAX_NAMED = 20  # families that a row of a small one may name
NUM_NAMED = 3  # that any other may: tissue they share stands out among the votes
LOOK_PAIRS = 10  # an image, on average: half of what `link` costs
MAX_LOOKS = 200_000_000  # of a row at a row that is shown: a quarter of an hour
FREE_PAIRS = 30_000  # in any case: half a minute at most
NUM_TESTED = 3  # members of each of two families that are put to the test
MIN_AGREED = 2  # of their pairs; one alone may be false


def rank_members(family: Codes, degree: Codes) -> list[Codes]:
    """Return the rows of each family, those with most edges first."""
    order = np.lexsort((np.arange(len(family)), -degree, family))
    starts = np.flatnonzero(np.diff(family[order])) + 1
    return np.split(order, starts) if len(family) else []


class SecondLook:
    """Finds more pairs to verify: of each family with those that it may belong to.

    Single keypoints tell (`voting`). All members ask of a family that is small for its
    data set, of the others the foremost.

    Args:
        features: Feature record of a row.
        memory_mib: Of an index of keypoints.
    """

    def __init__(self, features: Features, *, memory_mib: int) -> None:
        self.parts = PartIndex(shown=(), features=features, memory_mib=memory_mib)
        self.note = ""  # on families that could not ask, empty where all did

    def __call__(self, family: Codes, degree: Codes) -> Codes:
        """Look, and keep the index of the families, which can be asked again.

        Args:
            family: (n,) codes.
            degree: (n,) edges of each row.

        Returns:
            (m, 2) rows a < b, no pair twice; those that stand out most come first.
        """
        ranked = rank_members(family, degree)
        shown = [spread_over(rows, NUM_SHOWN) for rows in ranked]
        self.parts = replace(self.parts, shown=shown)
        asking = choose_asking(ranked)
        mute = len(ranked) - len({one.part for one in asking})
        if mute:
            self.note = (
                f"{mute:,} of {len(ranked):,} families were not looked at a second "
                "time, the set is too large: a close view may have gone unseen."
            )
        features = self.parts.features
        return find_alike(asking, self.parts, features, num_images=NUM_ALIKE)


def choose_asking(ranked: Sequence[Codes]) -> list[Asking]:
    """Return the rows that ask where else their tissue is shown.

    Small is a family of less than half the size of the one that an image is typically
    in. Where most ask, each may name fewer parts.

    Args:
        ranked: Rows of each family, the foremost first.
    """
    sizes = np.array([len(rows) for rows in ranked], np.int64)
    if not len(sizes):
        return []
    small = max(SMALL_FAMILY, SMALL_SHARE * float(np.median(np.repeat(sizes, sizes))))
    asking = [
        Asking(row, part, MAX_NAMED if len(rows) < small else NUM_NAMED)
        for part, rows in enumerate(ranked)
        for row in spread_over(rows, MOST_ASKING if len(rows) < small else NUM_ASKING)
    ]
    num_shown = int(np.minimum(sizes, NUM_SHOWN).sum())
    asking = _smallest(asking, sizes, most=max(MAX_LOOKS // num_shown, 1))
    budget = max(LOOK_PAIRS * int(sizes.sum()), FREE_PAIRS)
    most = max(budget // (NUM_ALIKE * len(asking)), 1)
    return [replace(one, num_parts=min(one.num_parts, most)) for one in asking]


def _smallest(asking: Sequence[Asking], sizes: Codes, *, most: int) -> list[Asking]:
    """Return at most so many that ask: of the smallest families, drawn among equals."""
    if len(asking) <= most:
        return list(asking)
    draw = np.random.default_rng(0).permutation(len(asking))
    order = np.lexsort((draw, [sizes[one.part] for one in asking]))
    return [asking[number] for number in np.sort(order[:most]).tolist()]


def spread_over(rows: Codes, most: int) -> Codes:
    """Return at most so many rows, evenly, the first and last among them."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]


def merge_small(family: Codes, edges: pa.Table, *, settings: FamilySettings) -> Codes:
    """Merge each small family into the one to which its edge of a family is best."""
    sizes = np.bincount(family)
    home = np.arange(len(sizes))
    agreed = edges.filter(kinds_of(edges, settings) == EdgeKind.FAMILY)
    joined = family[ends(agreed)]
    order = np.argsort(-agreed["inliers"].to_numpy(), kind="stable")
    is_small = (sizes[joined[order]] < SMALL_FAMILY).any(axis=1)
    for codes in joined[order[is_small]].tolist():
        small, large = sorted(codes, key=lambda code: (sizes[code], -code))
        is_free = home[small] == small and home[large] == large
        if is_free and small != large and sizes[small] < SMALL_FAMILY:
            home[small] = large
    return renumber(home[family])


def merge_families(
    family: Codes,
    degree: Codes,
    edges: pa.Table,
    *,
    verify: Verify,
    settings: FamilySettings,
) -> Codes:
    """Merge families with a strong edge between them, if more such edges are found.

    The members with most edges are compared with those of the other: what is found of
    two pieces of one family says "mostly the same", be it little where one is a close
    view; between families with a false edge nothing more is found, between
    neighbouring fields "some of the same".
    """
    rows = rank_members(family, degree)
    strong = edges.filter(kinds_of(edges, settings) == EdgeKind.FAMILY)
    pairs = np.sort(family[ends(strong)], axis=1)
    joined = [
        (one, other)
        for one, other in np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).tolist()
        if _are_one(
            list(product(rows[one][:NUM_TESTED], rows[other][:NUM_TESTED])),
            verify,
            settings,
        )
    ]
    merged = np.array(joined, np.int64).reshape(-1, 2)
    return renumber(components(merged, len(rows))[family])


def _are_one(
    pairs: Sequence[tuple[int, int]], verify: Verify, settings: FamilySettings
) -> bool:
    kinds = [kind_of(edge, settings) for edge in verify(np.sort(pairs, axis=1))]
    agreed = kinds.count(EdgeKind.FAMILY)
    return agreed >= min(MIN_AGREED, len(pairs)) and 2 * agreed > len(kinds)
