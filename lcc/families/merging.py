"""Merge families that belong together but were never compared.

Knows families that have grown from edges, and the `verify` that finds more. A strong
zoom leaves a tile far from its family by global descriptor, but not by geometry.
"""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lcc.config.data import FamilySettings
from lcc.data.catalogue import Codes
from lcc.families.candidates import NUM_IN_VIEW, build_index, find_nearest
from lcc.families.edges import Edge, EdgeKind, ends, kind_of, kinds_of
from lcc.families.graph import components, members, renumber

Verify = Callable[[Codes], Sequence[Edge]]  # (m, 2) rows a < b → edges among them

SMALL_FAMILY = 3  # members; below it a family may belong to another
HOME_OVERLAP = 0.5  # of a small family with its home: two sources of which half is one
NUM_ALIKE = 2  # pairs of members by which two families are compared, the most alike
MAX_NEAR = 40  # families that one is compared with at most, nearest first
MAX_NEAR_SMALL = 1000  # the same for a small one: a second or two
SWEEP_PAIRS = 10  # an image, on average, for either kind: half of what `link` costs
FREE_PAIRS = 30_000  # that either kind may have in any case: half a minute at most
MAX_COMPARED = 200  # members of a family: a giant must not fill the memory
NUM_TESTED = 3  # members of each of two families that are put to the test


def rank_members(family: Codes, degree: Codes) -> list[Codes]:
    """Return the rows of each family, those with most edges first."""
    order = np.lexsort((np.arange(len(family)), -degree, family))
    starts = np.flatnonzero(np.diff(family[order])) + 1
    return np.split(order, starts) if len(family) else []


def sweep(family: Codes, descriptors: NDArray[np.float16]) -> Codes:
    """Return more pairs to verify: members most alike, of families most alike.

    A family is like another by the mean of its descriptors, in which zooms and crops
    even out. Small families are compared with more others; where families are small
    throughout, against fewer.

    Source: Turcot and Lowe, Better matching with fewer features, ICCV workshops 2009:
    an image is found by the mean of those that were verified to match it.

    Args:
        family: (n,) codes.
        descriptors: (n, 512), unit length.

    Returns:
        (m, 2) rows a < b, no pair twice.
    """
    rows = [own[:MAX_COMPARED] for own in members(family)]
    if not rows:
        return np.zeros((0, 2), np.int64)
    near = _near_families(rows, descriptors)
    pairs = [_most_alike(rows[a], rows[b], descriptors) for a, b in near.tolist()]
    return np.concatenate([np.zeros((0, 2), np.int64), *pairs])


def _near_families(
    rows: Sequence[Sequence[int]], descriptors: NDArray[np.float16]
) -> Codes:
    """Return (m, 2) families a < b that deserve to be compared."""
    means = np.array([descriptors[r].mean(axis=0, dtype=np.float32) for r in rows])
    norms = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    means = (means / norms).astype(np.float16)
    is_small = np.array([len(r) < SMALL_FAMILY for r in rows])
    budget = max(SWEEP_PAIRS * len(descriptors), FREE_PAIRS) // NUM_ALIKE
    found = []
    for chosen, most in ((is_small, MAX_NEAR_SMALL), (~is_small, MAX_NEAR)):
        codes = np.flatnonzero(chosen)
        if not len(codes):
            continue
        count = min(budget // len(codes), most, len(rows) - 1)
        index = build_index(means, num_in_view=max(count + 1, NUM_IN_VIEW))
        nearest = find_nearest(means[codes], [index], num_nearest=count + 1)
        own, position = np.nonzero((nearest >= 0) & (nearest != codes[:, None]))
        found.append(np.stack([codes[own], nearest[own, position]], axis=1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _most_alike(
    one: Sequence[int], other: Sequence[int], descriptors: NDArray[np.float16]
) -> Codes:
    """Return (m, 2) rows a < b: the pairs of two families' members most alike."""
    likeness = descriptors[one].astype(np.float32) @ descriptors[other].T
    best = np.argsort(-likeness, axis=None, kind="stable")[:NUM_ALIKE]
    first, second = np.unravel_index(best, likeness.shape)
    return np.sort(np.stack([np.take(one, first), np.take(other, second)], 1), axis=1)


def merge_small(family: Codes, edges: pa.Table, *, settings: FamilySettings) -> Codes:
    """Merge each small family into the one family to which its edge is best."""
    sizes = np.bincount(family)
    home = np.arange(len(sizes))
    enough = min(HOME_OVERLAP, settings.min_overlap_fraction)
    is_agreed = kinds_of(edges, settings) != EdgeKind.QUESTION
    agreed = edges.filter(is_agreed & (edges["overlap"].to_numpy() >= enough))
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

    The members with most edges are compared with those of the other: of two pieces of
    one family most pairs have a strong edge as well; of two families with a false edge
    between them, or of two neighbouring fields, few do.
    """
    rows = rank_members(family, degree)
    strong = edges.filter(kinds_of(edges, settings) == EdgeKind.FAMILY)
    pairs = np.sort(family[ends(strong)], axis=1)
    joined = [
        (one, other)
        for one, other in np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).tolist()
        if _most_have_family_edges(
            list(product(rows[one][:NUM_TESTED], rows[other][:NUM_TESTED])),
            verify,
            settings,
        )
    ]
    merged = np.array(joined, np.int64).reshape(-1, 2)
    return renumber(components(merged, len(rows))[family])


def _most_have_family_edges(
    pairs: Sequence[tuple[int, int]], verify: Verify, settings: FamilySettings
) -> bool:
    edges = verify(np.sort(pairs, axis=1))
    strong = [edge for edge in edges if kind_of(edge, settings) is EdgeKind.FAMILY]
    return 2 * len(strong) > len(pairs)
