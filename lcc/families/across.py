"""Find what two data sets have in common: pictures that show the same tissue.

Each set has been linked by itself; here its pictures are held against those of the
other alone, as planted copies are (`planting`). Knows pictures, features and groups; no
labels, no splits.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from joblib import effective_n_jobs

from lcc.config.data import FamilySettings
from lcc.data.catalogue import Codes
from lcc.data.work import ProgressCounter
from lcc.families.closer import CloserLook
from lcc.families.clustering import KnownEdges, look_closely
from lcc.families.edges import Edge, tabulate_edges
from lcc.families.link_step import LinkShards
from lcc.families.merging import (
    FREE_PAIRS,
    LOOK_PAIRS,
    MAX_NAMED,
    NUM_ALIKE,
    rank_members,
    spread_over,
)
from lcc.families.verification import BLOCK_PAIRS, find_edges
from lcc.families.voting import NUM_SHOWN, Asking, PartIndex, find_alike
from lcc.images.decode import Image8


@dataclass(frozen=True, kw_only=True)
class LinkedSet:
    """The distinct pictures of a data set.

    Attributes:
        linked: Their features.
        family: (n,) family of each picture.
        group: (n,) group of each picture.
        size_px: Side of its packed tiles.
    """

    linked: LinkShards
    family: Codes
    group: Codes
    size_px: int

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.group)


def find_across(
    known: LinkedSet,
    others: LinkedSet,
    *,
    settings: FamilySettings,
    progress: Callable[[int], ProgressCounter],
) -> pa.Table:
    """Return the edges between the pictures of one set and those of another.

    Each picture of the other set is verified against its nearest neighbours; those of
    groups that nothing ties are then looked up by their keypoints, and closely where
    they stand out. Deterministic.

    Args:
        known: The set that is searched.
        others: The set whose pictures are looked for.
        settings: How pairs are found and judged.
        progress: Starts a counter; each picture of the other set counts twice.

    Returns:
        Table of `EDGE_SCHEMA`, sorted: a counts the pictures of `known`, b those of
        `others`.
    """
    if not len(known) or not len(others):
        return tabulate_edges([])
    search = _Search(known, others, settings)
    counter = progress(2 * len(others))
    edges = KnownEdges(
        tabulate_edges([]), verify=search.verify, verify_closely=search.closely
    )
    for done, pairs in search.nearest():
        edges.ask(pairs)
        counter.advance(done)
    asking = search.asking(edges)
    named = search.named(asking)
    for start in range(0, len(named), BLOCK_PAIRS):
        edges.ask(np.unique(named[start : start + BLOCK_PAIRS], axis=0))
    look_closely(edges, named, search.codes)
    counter.advance(len(others))
    table = edges.table
    return table.set_column(1, "b", pa.array(table["b"].to_numpy() - len(known)))


@dataclass(frozen=True)
class _Search:
    """The pictures of both sets as one row of numbers: known ones first."""

    known: LinkedSet
    others: LinkedSet
    settings: FamilySettings

    @property
    def codes(self) -> Codes:
        """(n + m,) group of each picture, no two sets alike."""
        first = int(self.known.group.max()) + 1
        own = np.concatenate([self.known.group, self.others.group + first])
        _, codes = np.unique(own, return_inverse=True)
        return np.asarray(codes, np.int64)

    def nearest(self) -> Iterator[tuple[int, Codes]]:
        """Yield the next pictures' number, and their pairs with those most like."""
        found = self.known.linked.most_like(self.others.linked.vectors())
        size = max(BLOCK_PAIRS // max(found.shape[1], 1), 1)
        for start in range(0, len(found), size):
            near = found[start : start + size]
            own = np.arange(start, start + len(near)) + len(self.known)
            pairs = np.stack([near.ravel(), np.repeat(own, near.shape[1])], axis=1)
            yield len(near), pairs[pairs[:, 0] >= 0]

    def asking(self, edges: KnownEdges) -> list[Asking]:
        """Return the other set's pictures of groups that no edge ties yet."""
        first = len(self.known)
        tied = np.unique(self.codes[edges.table["b"].to_numpy()])
        rows = np.flatnonzero(~np.isin(self.codes[first:], tied)) + first
        if not len(rows):
            return []
        budget = max(LOOK_PAIRS * len(rows), FREE_PAIRS) // (NUM_ALIKE * len(rows))
        most = min(max(budget, 1), MAX_NAMED)
        nobody = len(self.known)  # on: parts that are none of the known families
        return [Asking(row, nobody + row, most) for row in rows.tolist()]

    def named(self, asking: list[Asking]) -> Codes:
        """Return pairs with what the keypoints of those that ask name."""
        if not asking:
            return np.zeros((0, 2), np.int64)
        family = self.known.family
        ranked = rank_members(family, np.zeros(len(family), np.int64))
        parts = PartIndex(
            shown=[spread_over(rows, NUM_SHOWN) for rows in ranked],
            features=self._record,
            memory_mib=self.settings.index_memory_mib,
        )
        return find_alike(asking, parts, self._record, num_images=NUM_ALIKE)

    def verify(self, pairs: Codes) -> list[Edge]:
        """Return the edges among pairs, verified in as many threads as cores."""

        def find(pair: list[int]) -> list[Edge]:
            return find_edges([pair], self._record, settings=self.settings)

        with ThreadPoolExecutor(effective_n_jobs(-1)) as threads:
            return [edge for own in threads.map(find, pairs.tolist()) for edge in own]

    @property
    def closely(self) -> CloserLook:
        """Finds more edges, by pixels."""
        return CloserLook(
            pixels=self._pixels,
            marks=self.known.linked.marks,
            settings=self.settings,
            n_jobs=effective_n_jobs(-1),
        )

    def _record(self, row: int) -> np.void:
        first = len(self.known)
        if row < first:
            return self.known.linked.features(row)
        return self.others.linked.features(row - first)

    def _pixels(self, row: int) -> Image8:
        first = len(self.known)
        own = self.known if row < first else self.others
        read = own.linked.pixels(own.size_px)
        return read(row if row < first else row - first)
