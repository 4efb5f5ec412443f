"""From verified edges to families (copies of one source) and groups (never split).

Knows graphs of rows; pixels only through the `verify` it is given.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from lcc.config.data import FamilySettings
from lcc.data.edges import Edge, Link, link_of, tabulate_edges

Codes = NDArray[np.int64]
Verify = Callable[[int, int], Edge | None]

MIN_SUPPORT = 2  # edges into a family that make a member: one alone may be false
SMALL_FAMILY = 3  # members; below it a family gets the second sweep
NUM_LEADERS = 500  # that one tile is held against, nearest first: half a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Families and groups of n rows.

    Attributes:
        family: (n,) codes, numbered by first member.
        group: (n,) codes, numbered by first member; a family lies in one group.
        leaders: Row that stands for each family.
        edges: Table of `EDGE_SCHEMA`, those found while joining included; sorted.
        alarms: What looks larger than the data set makes plausible.
    """

    family: Codes
    group: Codes
    leaders: Codes
    edges: pa.Table
    alarms: tuple[str, ...]


def join_families(
    edges: pa.Table,
    descriptors: NDArray[np.float16],
    *,
    verify: Verify,
    settings: FamilySettings,
) -> Joined:
    """Join verified edges twice: into families, and into groups of families.

    A family joins edges that both judges support (overlap and correlation); each
    member must be tied to the family's leader, directly or by two accepted members, so
    that one false edge cannot chain two families. A group joins families by *any*
    verified edge. Deterministic: depends on the set of edges alone.

    Args:
        edges: Table of `EDGE_SCHEMA` over rows 0 to n - 1.
        descriptors: (n, 512) global descriptors, for the second sweep.
        verify: Verifies one more pair of rows.
        settings: Thresholds.
    """
    num_rows = len(descriptors)
    column = {name: edges[name].to_numpy() for name in edges.column_names}
    pairs = np.stack([column["a"], column["b"]], axis=1)
    strong = _are_strong(column["overlap"], column["correlation"], settings)
    asked: dict[tuple[int, int], Edge] = {}

    def ask(a: int, b: int) -> Edge | None:
        edge = verify(a, b)
        if edge is not None:
            asked[a, b] = edge
        return edge

    family = _grow_families(pairs[strong], num_rows, verify=ask, settings=settings)
    extra = list(_second_sweep(family, descriptors, verify=ask))
    family = _merge_small(family, extra, settings=settings)
    known = set(map(tuple, pairs.tolist()))
    edges = _with_edges(edges, [e for pair, e in asked.items() if pair not in known])
    more = np.array([(edge.a, edge.b) for edge in extra], np.int64).reshape(-1, 2)
    group = _components(np.concatenate([pairs, more, _chain(family)]), num_rows)
    return Joined(
        family=family,
        group=group,
        leaders=np.unique(family, return_index=True)[1].astype(np.int64),
        edges=edges,
        alarms=tuple(_alarms(group, settings)),
    )


def _with_edges(edges: pa.Table, more: list[Edge]) -> pa.Table:
    order = [("a", "ascending"), ("b", "ascending")]
    return pa.concat_tables([edges, tabulate_edges(more)]).sort_by(order)


def _are_strong(
    overlap: NDArray[np.float64],
    correlation: NDArray[np.float64],
    settings: FamilySettings,
) -> NDArray[np.bool_]:
    """Return whether both judges say: mostly the same tissue (`Link.FAMILY`)."""
    return (overlap >= settings.min_overlap_fraction) & (
        correlation >= settings.min_correlation
    )


def _grow_families(
    pairs: Codes, num_rows: int, *, verify: Verify, settings: FamilySettings
) -> Codes:
    """Return family codes, each component checked against its leaders."""
    graph = _graph(pairs, num_rows)
    graph = (graph + graph.T).tocsr()
    family = np.full(num_rows, -1, np.int64)
    for members in _members(_components(pairs, num_rows)):
        neighbours = {row: _row(graph, row) for row in members}
        left = set(members)
        while left:
            leader = min(left, key=lambda row: (-len(neighbours[row] & left), row))
            accepted = _accept(leader, left, neighbours, verify, settings)
            family[sorted(accepted)] = min(accepted)
            left -= accepted
    return _renumber(family)


def _accept(
    leader: int,
    left: set[int],
    neighbours: dict[int, set[int]],
    verify: Verify,
    settings: FamilySettings,
) -> set[int]:
    """Return the members of the leader's family among the rows left."""
    near_leader = {leader} | (neighbours[leader] & left)
    accepted = {leader} | {
        row
        for row in near_leader - {leader}
        # Its one edge to the leader may be false where all its others lead elsewhere.
        if len(neighbours[row] & near_leader) >= MIN_SUPPORT
        or neighbours[row] & left <= near_leader
    }
    tried = set(near_leader)  # that edge is not asked about again
    while True:
        near = {row for known in accepted for row in neighbours[known]} & left
        found = set()
        for row in sorted(near - accepted):
            support = len(neighbours[row] & accepted)
            if support >= MIN_SUPPORT or (
                row not in tried and _is_tied(leader, row, verify, settings)
            ):
                found.add(row)
            tried.add(row)
        if not found:
            return accepted
        accepted |= found


def _is_tied(first: int, second: int, verify: Verify, settings: FamilySettings) -> bool:
    edge = verify(min(first, second), max(first, second))
    return edge is not None and link_of(edge, settings) is Link.FAMILY


def _second_sweep(
    family: Codes, descriptors: NDArray[np.float16], *, verify: Verify
) -> Iterator[Edge]:
    """Yield edges from members of small families to the leaders of others.

    A strong zoom leaves a tile far from its family by global descriptor, but not by
    geometry. Leaders are those of families that are not small themselves, so that a set
    without families costs nothing.
    """
    sizes = np.bincount(family, minlength=1)
    leaders = np.unique(family, return_index=True)[1][sizes >= SMALL_FAMILY]
    vectors = descriptors[leaders].astype(np.float32)
    for row in np.flatnonzero(sizes[family] < SMALL_FAMILY):
        likeness = vectors @ descriptors[row].astype(np.float32)
        nearest = np.argsort(-likeness, kind="stable")[:NUM_LEADERS]
        for leader in leaders[nearest].tolist():
            edge = verify(min(leader, int(row)), max(leader, int(row)))
            if edge is not None:
                yield edge


def _merge_small(
    family: Codes, edges: list[Edge], *, settings: FamilySettings
) -> Codes:
    """Bring each small family home to the one family that ties it best."""
    sizes = np.bincount(family)
    home = np.arange(len(sizes))
    for edge in sorted(edges, key=lambda edge: (-edge.inliers, edge.a, edge.b)):
        small, large = sorted(
            (int(family[edge.a]), int(family[edge.b])), key=lambda code: sizes[code]
        )
        is_free = home[small] == small and home[large] == large
        is_strong = link_of(edge, settings) is Link.FAMILY
        if is_free and sizes[small] < SMALL_FAMILY and is_strong:
            home[small] = large
    return _renumber(home[family])


def _graph(pairs: Codes, num_rows: int) -> coo_array:
    """Return (m, 2) links of rows as a sparse matrix."""
    links = (np.ones(len(pairs), np.bool_), (pairs[:, 0], pairs[:, 1]))
    return coo_array(links, shape=(num_rows, num_rows))


def _row(graph: csr_array, row: int) -> set[int]:
    """Return the rows that one row is linked to."""
    # Indexing the matrix by a row takes 19 times as long.
    start, stop = graph.indptr[row : row + 2]
    return set(graph.indices[start:stop].tolist())


def _components(pairs: Codes, num_rows: int) -> Codes:
    """Return the connected component of each row, given (m, 2) links of rows."""
    _, labels = connected_components(_graph(pairs, num_rows), directed=False)
    return _renumber(labels.astype(np.int64))


def _chain(family: Codes) -> Codes:
    """Return (n, 2) links of each row to the first of its family."""
    _, first = np.unique(family, return_index=True)
    return np.stack([first[family], np.arange(len(family))], axis=1)


def _members(codes: Codes) -> list[list[int]]:
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order])) + 1
    return [part.tolist() for part in np.split(order, starts)] if len(codes) else []


def _renumber(codes: Codes) -> Codes:
    """Return codes 0, 1, … in the order of their first row."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[inverse]


def _alarms(group: Codes, settings: FamilySettings) -> Iterator[str]:
    """Yield a sentence for each group that is larger than plausible."""
    sizes = np.bincount(group) if len(group) else np.zeros(0, np.int64)
    # Below 50 groups' worth of images a fair group is larger than any fixed share.
    limit = max(
        settings.max_family_fraction * len(group),
        3 * float(np.median(sizes)) if len(sizes) else 0,
    )
    for code in np.flatnonzero(sizes > limit):
        yield (
            f"group {code}: holds {sizes[code]} of {len(group)} images, more than "
            f"data.families.max_family_fraction ({settings.max_family_fraction:g}). "
            "Look at its pictures before you believe it."
        )
