"""The step `link`: verify candidate pairs shard by shard, and keep their edges.

Knows which shard verifies which pair and where edges lie; not what makes an edge
(`candidates`, `verification`).
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from joblib import effective_n_jobs
from numpy.typing import NDArray

from lcc.config.data import FamilySettings
from lcc.data.parquet import from_parquet, to_parquet
from lcc.data.shards import HashShards
from lcc.data.tiles import tile_reader
from lcc.data.work import ProgressCounter, shard_rows
from lcc.errors import DataError, NotFoundError
from lcc.families.candidates import (
    BYTES_PER_ROW,
    Rows,
    Vectors,
    build_index,
    find_nearest,
    share_pairs,
)
from lcc.families.closer import CloserLook
from lcc.families.clustering import Clustering
from lcc.families.edges import Edge
from lcc.families.marks import Marks, find_marks
from lcc.families.merging import SecondLook
from lcc.families.planting import KnownPictures
from lcc.families.verification import BLOCK_PAIRS, find_edges, verify_pairs
from lcc.images.decode import Image8
from lcc.storage import layout
from lcc.storage.uri import shown_uri


@dataclass(frozen=True, kw_only=True)
class LinkShards:
    """All shards of the step `link` for one data set.

    A *picture* is a readable image, the first file of its pixels; pictures are numbered
    in listing order. Copies take the family of the first.

    Attributes:
        hashed: Shards of the step `hash`.
        settings: How pairs are found and judged.
    """

    hashed: HashShards
    settings: FamilySettings

    @cached_property
    def digest(self) -> str:
        """Input digest: the settings, and the facts themselves.

        Facts, not their inputs: a file that vanished may be back in the next run.
        """
        return layout.input_digest(
            step="link",
            hashed=self.hashed.digest,
            facts=[sha256 for sha256, _ in self._facts],
            settings=self.settings.model_dump(mode="json", exclude={"num_planted"}),
        )

    @cached_property
    def records(self) -> Rows:
        """(n,) record number of each distinct picture."""
        pixels = np.concatenate([pixels for _, pixels in self._facts])
        _, first = np.unique(pixels, return_index=True)
        return np.sort(first).astype(np.int64)

    @cached_property
    def _facts(self) -> list[tuple[str, NDArray[np.bytes_]]]:
        """Digest of each table of facts, and of its pictures: all that memory holds."""
        return [
            (
                hashlib.sha256(content).hexdigest(),
                np.array(facts["pixel_sha256"].drop_null().to_pylist(), "S64"),
            )
            for content, facts in self.hashed.read_facts()
        ]

    def key(self, shard_index: int) -> str:
        """Return the key of one shard's edges."""
        num_shards = self.hashed.num_shards
        return layout.shard(
            self.digest, "link", shard_index, num_shards=num_shards, suffix="parquet"
        )

    def exists(self, shard_index: int) -> bool:
        """Whether one shard is done."""
        return self.hashed.store.exists(self.key(shard_index))

    def pairs(self, shard_indexes: Sequence[int]) -> dict[int, Rows]:
        """Return the pairs that fall to some shards, (m, 2) each, sorted.

        Whichever shards are asked for together, each has the same pairs.
        """
        num_shards, num_rows = self.hashed.num_shards, len(self.records)
        rows = [
            shard_rows(index, num_shards=num_shards, num_rows=num_rows)
            for index in shard_indexes
        ]
        own = np.concatenate([np.arange(num_rows)[mine] for mine in rows])
        pairs, task_of = share_pairs(own, self._nearest, num_rows=num_rows)
        return {
            index: pairs[(task_of >= mine.start) & (task_of < mine.stop)]
            for index, mine in zip(shard_indexes, rows, strict=True)
        }

    def _nearest(self, rows: Rows) -> Rows:
        return self.most_like(self.hashed.vectors(self.records[rows]))

    def most_like(self, vectors: Vectors) -> Rows:
        """Return the pictures most like each of (m, 512) global descriptors."""
        count = self.settings.num_neighbours + 1
        return find_nearest(vectors, self._indexes(), num_nearest=count)

    def _indexes(self) -> Iterator[Any]:
        """Yield FAISS indexes of all pictures; of several none is kept in memory."""
        num_rows = self.settings.index_memory_mib * 2**20 // BYTES_PER_ROW
        if len(self.records) <= num_rows:
            yield self._index
            return
        for start in range(0, len(self.records), num_rows):
            records = self.records[start : start + num_rows]
            yield build_index(self.hashed.vectors(records))

    @cached_property
    def _index(self) -> Any:
        return build_index(self.vectors())

    def link(self, shard_index: int, pairs: Rows, counter: ProgressCounter) -> None:
        """Verify the pairs of one shard and write its edges."""
        tables = [self.verify(pairs[:0])]
        for start in range(0, len(pairs), BLOCK_PAIRS):
            block = pairs[start : start + BLOCK_PAIRS]
            tables.append(self.verify(block))
            counter.advance(len(block))
        content = to_parquet(pa.concat_tables(tables).combine_chunks())
        self.hashed.store.write(self.key(shard_index), content)

    def verify(self, pairs: Rows) -> pa.Table:
        """Return the edges among pairs of pictures."""
        return verify_pairs(pairs.tolist(), self.features, settings=self.settings)

    def find(self, pairs: Rows) -> list[Edge]:
        """Return the edges among pairs of pictures, as a list."""
        return find_edges(pairs.tolist(), self.features, settings=self.settings)

    @cached_property
    def look(self) -> SecondLook:
        """Finds pairs of pictures that candidates missed."""
        return SecondLook(self.features, memory_mib=self.settings.index_memory_mib)

    def num_keypoints(self) -> NDArray[np.int64]:
        """Return (n,) how many keypoints each picture has."""
        reader = self.hashed.features()
        return np.array([reader.count(record) for record in self.records.tolist()])

    def closer(self, size_px: int) -> CloserLook:
        """Return what finds edges that `find` does not, from tiles of such a side."""
        return CloserLook(
            pixels=self.pixels(size_px),
            marks=self.marks,
            settings=self.settings,
            n_jobs=effective_n_jobs(-1),
        )

    def pixels(self, size_px: int) -> Callable[[int], Image8]:
        """Return a function that returns the tile of a picture, of such a side."""
        shards = self.hashed.tile_shards
        tile = tile_reader(self.hashed.store, shards, size_px=size_px)
        return lambda picture: tile(int(self.records[picture]))

    def known(self, clusters: Clustering, *, size_px: int) -> KnownPictures:
        """Return what is known of the pictures, to plant copies among them."""
        return KnownPictures(
            pixels=self.pixels(size_px),
            features=self.features,
            nearest=self.most_like,
            marks=self.marks,
            parts=self.look.parts,
            group=clusters.group,
        )

    def vectors(self) -> Vectors:
        """Return (n, 512) global descriptors of the pictures."""
        return self.hashed.vectors(self.records)

    @cached_property
    def features(self) -> Callable[[int], np.void]:
        """A function that returns the feature record of a picture, without marks."""
        return lambda picture: self.marks.without(self._read(picture))

    @cached_property
    def marks(self) -> Marks:
        """What was burned into the frame of many pictures."""
        return find_marks(self._read, len(self.records))

    @cached_property
    def _read(self) -> Callable[[int], np.void]:
        reader = self.hashed.features()
        return lambda picture: reader.read(int(self.records[picture]))

    def edges(self) -> pa.Table:
        """Return the edges of all shards, sorted by a and b.

        Raises:
            DataError: A shard is missing.
        """
        tables = [self._edges(index) for index in range(self.hashed.num_shards)]
        return pa.concat_tables(tables).sort_by(
            [("a", "ascending"), ("b", "ascending")]
        )

    def _edges(self, shard_index: int) -> pa.Table:
        try:
            return from_parquet(self.hashed.store.read(self.key(shard_index)))
        except NotFoundError as err:
            message = (
                f"{shown_uri(self.hashed.store.uri, self.key(shard_index))}: not "
                "found, a shard of link is missing. Run prepare again; finished shards "
                "are kept."
            )
            raise DataError(message) from err
