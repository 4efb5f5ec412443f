"""Find parts that show some of the same tissue as others, by votes of their keypoints.

Knows feature records and parts of rows. A strong zoom leaves a tile far from its family
by global descriptor, but not by single keypoints: those of a close view lie among those
of every wide one.

Source: McCann and Lowe, Local naive Bayes nearest neighbor for image classification,
CVPR 2012: a keypoint votes for the parts that its nearest neighbours come from, by how
much nearer they are than the first that it does not count.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcc.data.catalogue import Codes
from lcc.data.features import mirror_descriptors

NUM_SHOWN = 6  # members of a part that others are held against: zooms differ
NUM_NEAREST = 16  # of a keypoint: those of two shown parts, and what lies behind them
NUM_CELLS, NUM_PROBED = 512, 4  # of the index: little of it is looked at
NUM_TRAINING = 20_000  # keypoints that cells are learnt from; fewer are all looked at
BYTES_PER_SHOWN = 16 * 1024  # of an index, an image: 200 keypoints, and building it
NUM_TOGETHER = 32  # images that ask at once: 10 MiB
SEED = 20101  # of the keypoints that cells are learnt from: any fixed number

Features = Callable[[int], np.void]


@dataclass(frozen=True, slots=True)
class Named:
    """A part that a row names.

    Attributes:
        votes: Of the row's keypoints, or of its mirror image's.
        prominence: Standard deviations by which it exceeds the mean of all parts.
        rows: Of the part, those with most votes first.
    """

    votes: float
    prominence: float
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Asking:
    """A row that asks where else its tissue is shown; it names so many parts."""

    row: int
    part: int
    num_parts: int


def find_alike(
    asking: Sequence[Asking], parts: "PartIndex", features: Features, *, num_images: int
) -> Codes:
    """Return the pairs of rows worth verifying: those with most votes.

    Args:
        asking: Rows that ask; each names the parts with most votes but its own.
        parts: Those that can be named.
        features: Feature record of a row that asks.
        num_images: Rows of a named part to pair with, those with most votes first.

    Returns:
        (m, 2) rows a < b, each pair once: first the best row of each named part, those
        parts before others that stand out more among all.
    """
    named: dict[int, list[Named]] = defaultdict(list)
    for index in parts.blocks():
        for start in range(0, len(asking), NUM_TOGETHER):
            together = asking[start : start + NUM_TOGETHER]
            votes = index.vote([(one.row, one.part) for one in together], features)
            for one, own in zip(together, votes, strict=True):
                named[one.row] += index.best(own, one.num_parts, num_images)
    found = sorted(
        (place, -part.prominence, one.row, row)
        for one in asking
        for part in sorted(named[one.row], key=_by_votes)[: one.num_parts]
        for place, row in enumerate(part.rows)
    )
    ends = [(row, other) for _, _, row, other in found]
    pairs = np.sort(np.array(ends, np.int64).reshape(-1, 2), axis=1)
    _, first = np.unique(pairs, axis=0, return_index=True)
    return pairs[np.sort(first)]


def _by_votes(named: "Named") -> tuple[float, tuple[int, ...]]:
    return -named.votes, named.rows


def _blocks(shown: Sequence[Codes], most: int) -> Iterator[list[int]]:
    """Yield the parts in blocks of at most so many shown rows, one part at least."""
    block: list[int] = []
    size = 0
    for part, rows in enumerate(shown):
        if block and size + len(rows) > most:
            yield block
            block, size = [], 0
        block.append(part)
        size += len(rows)
    if block:
        yield block


@dataclass(frozen=True, kw_only=True)
class PartIndex:
    """Parts that can be named, by the keypoints of the rows that stand for them.

    Attributes:
        shown: Rows of each part that stand for it.
        features: Feature record of a row.
        memory_mib: Of an index; beyond it there are several, none kept.
    """

    shown: Sequence[Codes]
    features: Features
    memory_mib: int

    def blocks(self) -> Iterable["KeypointIndex"]:
        """Return the indexes of all parts, one after another."""
        if len(self._parts) == 1:
            return [self._whole]
        return map(self._build, self._parts)

    @cached_property
    def _parts(self) -> list[list[int]]:
        return list(_blocks(self.shown, self.memory_mib * 2**20 // BYTES_PER_SHOWN))

    @cached_property
    def _whole(self) -> "KeypointIndex":
        return self._build(self._parts[0])

    def _build(self, parts: Sequence[int]) -> "KeypointIndex":
        shown = [(part, self.shown[part]) for part in parts]
        return KeypointIndex.build(shown, self.features)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeypointIndex:
    """The keypoints of some images, by likeness.

    Attributes:
        index: FAISS index of the descriptors.
        image: (d,) image of each keypoint.
        row: (r,) row of each image.
        part: (r,) part of each image, ascending.
    """

    index: Any
    image: NDArray[np.int32]
    row: Codes
    part: Codes

    @classmethod
    def build(
        cls, shown: Sequence[tuple[int, Codes]], features: Features
    ) -> "KeypointIndex":
        """Index the keypoints of the rows of each part."""
        part = np.repeat([p for p, _ in shown], [len(rows) for _, rows in shown])
        row = np.concatenate([rows for _, rows in shown])
        index = _empty_index(row, features)
        counts: list[int] = []
        for start in range(0, len(row), NUM_TOGETHER):
            local, found = _descriptors(row[start : start + NUM_TOGETHER], features)
            index.add(local)
            counts += found
        image = np.repeat(np.arange(len(row), dtype=np.int32), counts)
        return cls(index=index, image=image, row=row, part=part)

    def vote(
        self, asking: Sequence[tuple[int, int]], features: Features
    ) -> Iterator[NDArray[np.float64]]:
        """Yield, for each row that asks with its part, the votes for each image.

        Returns:
            (2, r) votes of the row's keypoints and of its mirror image's.
        """
        rows = np.array([row for row, _ in asking], np.int64)
        local, counts = _descriptors(rows, features)
        own = np.repeat([part for _, part in asking], counts)
        found = [self._votes(each, own) for each in (local, mirror_descriptors(local))]
        ends = np.cumsum(counts)
        for start, end in zip(ends - counts, ends, strict=True):
            yield np.stack([self._count(*votes, start, end) for votes in found])

    def _votes(self, local: Any, own: Codes) -> tuple[Any, Any]:
        """Return the image and the weight of each vote, (m, NUM_NEAREST)."""
        if not len(local) or not len(self.image):
            empty = np.zeros((len(local), 0))
            return empty.astype(np.int32), empty
        most = min(NUM_NEAREST, len(self.image))
        distance, found = self.index.search(np.ascontiguousarray(local), most)
        is_there = found >= 0
        image = self.image[np.where(is_there, found, 0)]
        part = self.part[image]
        limit = np.where(is_there, distance, 0).max(axis=1, keepdims=True)
        weight = np.where(is_there, limit - distance, 0)
        weight[part == own[:, None]] = 0
        for position in range(1, most):  # a part has one vote of each keypoint
            again = part[:, :position] == part[:, position : position + 1]
            weight[again.any(axis=1), position] = 0
        return image, weight

    def _count(
        self, image: Any, weight: Any, start: int, end: int
    ) -> NDArray[np.float64]:
        votes: NDArray[np.float64] = np.bincount(
            image[start:end].ravel(),
            weight[start:end].ravel(),
            minlength=len(self.row),
        ).astype(np.float64)
        return votes

    def best(
        self, votes: NDArray[np.float64], num_parts: int, num_images: int
    ) -> list[Named]:
        """Return the parts with most votes, most votes first."""
        _, first = np.unique(self.part, return_index=True)
        if not len(first):
            return []
        of_part = np.add.reduceat(votes, first, axis=1).max(axis=0)
        prominence = (of_part - of_part.mean()) / max(float(of_part.std()), 1e-9)
        last = [*first[1:], len(self.part)]
        of_image = votes.max(axis=0)
        named = []
        for n in np.argsort(-of_part, kind="stable")[:num_parts].tolist():
            own = slice(first[n], last[n])
            order = np.argsort(-of_image[own], kind="stable")[:num_images]
            if of_part[n] > 0:
                rows = tuple(self.row[own][order].tolist())
                named.append(Named(float(of_part[n]), float(prominence[n]), rows))
        return named


def _descriptors(
    rows: Codes, features: Features
) -> tuple[NDArray[np.float32], list[int]]:
    """Return the descriptors of some rows, one row after another, and their numbers."""
    records = [features(row) for row in rows.tolist()]
    local = [record["descriptors"][: int(record["num"])] for record in records]
    empty = np.zeros((0, 128), np.uint8)
    return np.concatenate([empty, *local]).astype(np.float32), list(map(len, local))


def _empty_index(rows: Codes, features: Features) -> Any:
    """Return an index that has learnt its cells; in one thread always the same."""
    import faiss

    chosen = np.random.Generator(np.random.PCG64(SEED)).permutation(rows)
    local, total = [], 0
    for start in range(0, len(chosen), NUM_TOGETHER):
        local.append(_descriptors(chosen[start : start + NUM_TOGETHER], features)[0])
        total += len(local[-1])
        if total >= NUM_TRAINING:
            break
    else:
        return faiss.IndexFlatL2(128)
    index: Any = faiss.index_factory(128, f"IVF{NUM_CELLS},PQ64x4fs")
    index.train(np.concatenate(local))
    index.nprobe = NUM_PROBED
    return index
