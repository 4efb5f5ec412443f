"""Parts of one family that the candidates left apart, brought together.

Knows families that have grown from edges, and the `verify` that finds more. A strong
zoom leaves a tile far from its family by global descriptor, but not by geometry.
"""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lcc.config.data import FamilySettings
from lcc.data.kin.candidates import build_exact_index, find_candidates, find_nearest
from lcc.data.kin.edges import Edge, Link, ends, link_of, links_of
from lcc.data.kin.graph import Codes, components, renumber

Verify = Callable[[Codes], Sequence[Edge]]  # (m, 2) rows a < b → edges among them

SMALL_FAMILY = 3  # members; below it a family may be part of another
HOME_OVERLAP = 0.5  # of a small family with its home: two sources of which half is one
NUM_LEADERS = 500  # that a small family is held against at most, nearest first
SWEEP_PAIRS = (
    10  # an image, on average: where most are alone, half of what `link` costs
)
NUM_NEAR_LEADERS = 10  # that the leader of a larger one is held against
NUM_TESTED = 3  # members of each of two families that are put to the test


def foremost(family: Codes, degree: Codes) -> list[Codes]:
    """Return the rows of each family, those of the highest degree first."""
    order = np.lexsort((np.arange(len(family)), -degree, family))
    starts = np.flatnonzero(np.diff(family[order])) + 1
    return np.split(order, starts) if len(family) else []


def sweep(family: Codes, degree: Codes, descriptors: NDArray[np.float16]) -> Codes:
    """Return pairs to verify: leaders and the nearest leaders, small families and more.

    Leaders are those of families that are not small themselves, so that a set without
    families costs nothing; where small families are the rule, none deserves a long
    search.

    Args:
        family: (n,) codes.
        degree: (n,) strong edges of each row.
        descriptors: (n, 512).

    Returns:
        (m, 2) rows a < b, no pair twice.
    """
    rows = foremost(family, degree)
    leaders = np.array([r[0] for r in rows if len(r) >= SMALL_FAMILY], np.int64)
    near = find_candidates(descriptors[leaders], num_neighbours=NUM_NEAR_LEADERS)
    small = np.array(
        [row for r in rows if len(r) < SMALL_FAMILY for row in r], np.int64
    )
    budget = SWEEP_PAIRS * len(family) // max(len(small), 1)
    nearest = find_nearest(
        descriptors[small],
        [build_exact_index(descriptors[leaders])],
        num_nearest=max(min(NUM_LEADERS, budget, len(leaders)), 1),
    )
    found, place = np.nonzero(nearest >= 0)
    others = np.stack([leaders[nearest[found, place]], small[found]], axis=1)
    return np.unique(np.sort(np.concatenate([leaders[near], others]), axis=1), axis=0)


def merge_small(family: Codes, edges: pa.Table, *, settings: FamilySettings) -> Codes:
    """Bring each small family home to the one family that ties it best."""
    sizes = np.bincount(family)
    home = np.arange(len(sizes))
    enough = min(HOME_OVERLAP, settings.min_overlap_fraction)
    is_agreed = links_of(edges, settings) != Link.QUESTION
    ties = edges.filter(is_agreed & (edges["overlap"].to_numpy() >= enough))
    tied = family[ends(ties)]
    order = np.argsort(-ties["inliers"].to_numpy(), kind="stable")
    is_small = (sizes[tied[order]] < SMALL_FAMILY).any(axis=1)
    for codes in tied[order[is_small]].tolist():
        small, large = sorted(codes, key=lambda code: (sizes[code], -code))
        is_free = home[small] == small and home[large] == large
        if is_free and small != large and sizes[small] < SMALL_FAMILY:
            home[small] = large
    return renumber(home[family])


def merge_parts(
    family: Codes,
    degree: Codes,
    edges: pa.Table,
    *,
    verify: Verify,
    settings: FamilySettings,
) -> Codes:
    """Join families that a strong edge ties, if it stands a test.

    The foremost members of the one are held against those of the other: of two parts of
    one family most are tied as well; of two families with a false edge between them, or
    of two neighbouring fields, few are.
    """
    rows = foremost(family, degree)
    strong = edges.filter(links_of(edges, settings) == Link.FAMILY)
    tied = np.sort(family[ends(strong)], axis=1)
    joined = [
        (one, other)
        for one, other in np.unique(tied[tied[:, 0] != tied[:, 1]], axis=0).tolist()
        if _most_are_tied(
            list(product(rows[one][:NUM_TESTED], rows[other][:NUM_TESTED])),
            verify,
            settings,
        )
    ]
    merged = np.array(joined, np.int64).reshape(-1, 2)
    return renumber(components(merged, len(rows))[family])


def _most_are_tied(
    pairs: Sequence[tuple[int, int]], verify: Verify, settings: FamilySettings
) -> bool:
    edges = verify(np.sort(pairs, axis=1))
    tied = [edge for edge in edges if link_of(edge, settings) is Link.FAMILY]
    return 2 * len(tied) > len(pairs)
