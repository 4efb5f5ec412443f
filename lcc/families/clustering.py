"""Cluster verified edges into families (copies of one source) and groups (never split).

Knows edges between rows; pixels only through the `verify` it is given.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from lcc.config.data import FamilySettings
from lcc.data.catalogue import Codes
from lcc.families.alarms import Alarm, find_alarms
from lcc.families.edges import Edge, EdgeKind, ends, kind_of, kinds_of, tabulate_edges
from lcc.families.fields import divide_fields
from lcc.families.graph import (
    adjacency,
    chain,
    components,
    members,
    neighbours,
    renumber,
)
from lcc.families.merging import Verify, merge_families, merge_small

Look = Callable[[Codes, Codes], Codes]  # family, degree → (m, 2) rows a < b

LITTLE_IN_COMMON = 0.7  # of the smaller tile: two of one family seldom share less
CLOSE_PAIRS = 0.2  # an image, on average, that are looked at closely
FREE_CLOSE_PAIRS = 500  # in any case: half a minute of one core
MAX_CLOSE_BLOCKS = 5  # of so many pairs
MIN_YIELD = 0.01  # of a block; where fewer are tied, those that stand out less are not
BY_ROWS = [("a", "ascending"), ("b", "ascending")]
MIN_SUPPORT = 2  # edges into a family that make a member: one alone may be false


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustering:
    """Families and groups of n rows.

    Attributes:
        family: (n,) codes, numbered by first member.
        group: (n,) codes, numbered by first member; a family lies in one group.
        edges: Table of `EDGE_SCHEMA`, those found while joining included; sorted.
        alarms: What looks larger than the data set makes plausible.
    """

    family: Codes
    group: Codes
    edges: pa.Table
    alarms: tuple[Alarm, ...]


def join_families(
    edges: pa.Table,
    num_rows: int,
    *,
    look: Look,
    verify: Verify,
    verify_closely: Verify,
    settings: FamilySettings,
) -> Clustering:
    """Cluster verified edges twice: into families, and into groups of families.

    A family joins edges that both judges support and that say "mostly the same". It
    grows from a leader, the row with the most of them; a member must have most of its
    own lead into the family, at least two or all there are, and fewer that say "little
    in common"; or have such an edge to the leader when that pair is verified. So
    neither a false edge nor a row of neighbouring fields chains two families. Pieces of
    one family that candidates left apart are then looked for, by votes of keypoints and
    closely, and merged (`merging`), and photographs of neighbouring fields divided
    (`fields`). A group joins families by *any* verified edge. Deterministic: depends on
    the set of edges alone.

    Args:
        edges: Table of `EDGE_SCHEMA` over the rows.
        num_rows: n.
        look: Finds pairs that candidates missed, given family and degree of each row;
            those that stand out most come first.
        verify: Verifies more pairs of rows.
        verify_closely: Finds more edges among pairs, and takes long.
        settings: Thresholds.
    """
    known = KnownEdges(edges, verify, verify_closely)
    graphs = _EdgeGraphs.of(edges, num_rows, settings)
    family = _grow_families(graphs, verify=known.ask, settings=settings)
    family = merge_small(family, known.table, settings=settings)
    named = look(family, graphs.degree)
    known.ask(np.unique(named, axis=0))
    look_closely(known, named, family)
    family = merge_small(family, known.table, settings=settings)
    family = merge_families(
        family, graphs.degree, known.table, verify=known.ask_twice, settings=settings
    )
    group = known.groups(family)
    family = divide_fields(family, group, known.table, settings=settings)
    return Clustering(
        family=family,
        group=group,
        edges=known.table,
        alarms=tuple(
            find_alarms(family, group, max_fraction=settings.max_family_fraction)
        ),
    )


def look_closely(known: "KnownEdges", named: Codes, family: Codes) -> int:
    """Look closely at pairs that stand out and lie in two groups, while it pays.

    Args:
        known: Takes what is found.
        named: (m, 2) rows a < b, those that stand out most first.
        family: (n,) codes.

    Returns:
        How many pairs were looked at: a fifth of n, or as many as n.
    """
    size = max(round(CLOSE_PAIRS * len(family)), FREE_CLOSE_PAIRS)
    rest, count = named, 0
    for _ in range(MAX_CLOSE_BLOCKS):
        group = known.groups(family)
        rest = rest[group[rest[:, 0]] != group[rest[:, 1]]]
        block, rest = rest[:size], rest[size:]
        count += len(block)
        found = known.ask_closely(np.unique(block, axis=0))
        if len(found) <= MIN_YIELD * len(block):
            break
    return count


class KnownEdges:
    """All edges that were found so far, and two ways to find more."""

    def __init__(self, edges: pa.Table, verify: Verify, verify_closely: Verify) -> None:
        self._table = edges.sort_by(BY_ROWS)
        self._verify = verify
        self._verify_closely = verify_closely
        self._pairs = set(map(tuple, ends(edges).tolist()))
        self._new: list[Edge] = []  # not in the table yet

    def ask(self, pairs: Codes) -> Sequence[Edge]:
        """Return the edges among pairs, and keep them."""
        return self._keep(self._verify(pairs))

    def ask_closely(self, pairs: Codes) -> Sequence[Edge]:
        """Return the edges among pairs by a closer look, and keep them."""
        return self._keep(self._verify_closely(pairs))

    def ask_twice(self, pairs: Codes) -> Sequence[Edge]:
        """Return the edges among pairs: a closer look at those that have none."""
        found = self.ask(pairs)
        tied = {(edge.a, edge.b) for edge in found}
        rest = [pair for pair in pairs.tolist() if tuple(pair) not in tied]
        others = np.array(rest, np.int64).reshape(-1, 2)
        return [*found, *self.ask_closely(others)]

    def _keep(self, found: Sequence[Edge]) -> Sequence[Edge]:
        new = {(edge.a, edge.b): edge for edge in found}
        self._new += [new[pair] for pair in new.keys() - self._pairs]
        self._pairs |= new.keys()
        return found

    @property
    def table(self) -> pa.Table:
        """Table of `EDGE_SCHEMA`, each pair once, sorted."""
        if self._new:
            found = tabulate_edges(self._new)
            self._table = pa.concat_tables([self._table, found]).sort_by(BY_ROWS)
            self._new = []
        return self._table

    def groups(self, family: Codes) -> Codes:
        """Return the group of each row: families joined by any edge."""
        pairs = np.concatenate([ends(self.table), chain(family)])
        return components(pairs, len(family))


@dataclass(frozen=True, slots=True)
class _EdgeGraphs:
    """Two graphs of rows: of edges that make a family, and of those against it."""

    strong: csr_array
    weak: csr_array

    @classmethod
    def of(
        cls, edges: pa.Table, num_rows: int, settings: FamilySettings
    ) -> "_EdgeGraphs":
        kinds = kinds_of(edges, settings)
        is_strong = kinds == EdgeKind.FAMILY
        is_weak = edges["overlap"].to_numpy() < LITTLE_IN_COMMON
        is_weak = ~is_strong & (is_weak | (kinds == EdgeKind.QUESTION))
        pairs = ends(edges)
        return cls(
            adjacency(pairs[is_strong], num_rows), adjacency(pairs[is_weak], num_rows)
        )

    def is_member(self, row: int, family: set[int], left: set[int]) -> bool:
        """Whether a row's edges to the rows left speak for a family.

        Most of them lead there, at least two of them or all there are: one alone may
        be false. And no more say "little in common".
        """
        others = neighbours(self.strong, row) & left
        inside = len(others & family)
        weak = len(neighbours(self.weak, row) & family)
        least = max(min(MIN_SUPPORT, len(others)), len(others) / 2)
        return inside >= least and inside > weak

    @property
    def degree(self) -> Codes:
        """(n,) strong edges of each row."""
        return np.asarray(np.diff(self.strong.indptr), np.int64)


def _grow_families(
    graphs: _EdgeGraphs, *, verify: Verify, settings: FamilySettings
) -> Codes:
    """Return family codes, each component of strong edges checked against leaders."""
    num_rows = graphs.strong.shape[0]
    family = np.full(num_rows, -1, np.int64)
    _, component = connected_components(graphs.strong, directed=False)
    for rows in members(component):
        left = set(rows)
        while left:
            degree = {row: len(neighbours(graphs.strong, row) & left) for row in left}
            leader = min(left, key=lambda row: (-degree[row], row))
            accepted = _accept(leader, left, graphs, verify, settings)
            family[sorted(accepted)] = min(accepted)
            left -= accepted
    return renumber(family)


def _accept(
    leader: int,
    left: set[int],
    graphs: _EdgeGraphs,
    verify: Verify,
    settings: FamilySettings,
) -> set[int]:
    """Return the members of the leader's family among the rows left."""
    near_leader = {leader} | (neighbours(graphs.strong, leader) & left)
    others = near_leader - {leader}
    accepted = {leader} | {r for r in others if graphs.is_member(r, near_leader, left)}
    tried = set(near_leader)  # that edge is not asked about again
    while True:
        near = {r for row in accepted for r in neighbours(graphs.strong, row)} & left
        found = set()
        for row in sorted(near - accepted):
            if graphs.is_member(row, accepted, left) or (
                row not in tried and _has_family_edge(leader, row, verify, settings)
            ):
                found.add(row)
            tried.add(row)
        if not found:
            return accepted
        accepted |= found


def _has_family_edge(
    first: int, second: int, verify: Verify, settings: FamilySettings
) -> bool:
    edges = verify(np.sort([[first, second]], axis=1))
    return any(kind_of(edge, settings) is EdgeKind.FAMILY for edge in edges)
