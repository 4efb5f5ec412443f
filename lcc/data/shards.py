"""Read the shards that `hash` wrote: facts at once, records one at a time.

Knows keys and record lengths. Records are read, not mapped: a mapped page counts as
memory of the process, and linking touches them all.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lcc.data.catalogue import Catalogue
from lcc.data.features import GLOBAL_DIMENSIONS, feature_dtype
from lcc.data.parquet import from_parquet
from lcc.data.tiles import TileShard, read_tile_index
from lcc.errors import DataError, NotFoundError
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri

# 52 KiB each at 200 keypoints: 13 MiB, more than the pairs of a few rows
CACHED_RECORDS = 256


@dataclass(frozen=True, kw_only=True)
class HashShards:
    """All shards of the step `hash` for one data set.

    Attributes:
        store: The root.
        digest: Input digest of the step.
        num_shards: Number of shards.
        num_keypoints: Keypoints in a feature record.
        scratch: Where the objects of a bucket are fetched to.
    """

    store: Store
    digest: str
    num_shards: int
    num_keypoints: int
    scratch: Path

    def key(self, shard_index: int, suffix: str) -> str:
        """Return the key of one object of a shard."""
        return layout.shard(
            self.digest, "hash", shard_index, num_shards=self.num_shards, suffix=suffix
        )

    def read_facts(self) -> Iterator[tuple[bytes, pa.Table]]:
        """Yield the facts of each shard, as stored and as a table, one at a time.

        The metadata of a table tell number and digest of the shard's tiles.

        Raises:
            DataError: A shard is missing.
        """
        for index in range(self.num_shards):
            content = self._read(index)
            yield content, from_parquet(content)

    @cached_property
    def facts(self) -> pa.Table:
        """Facts of all shards, in listing order."""
        tables = (table.replace_schema_metadata(None) for _, table in self.read_facts())
        return pa.concat_tables(tables)

    @cached_property
    def tile_shards(self) -> tuple[TileShard, ...]:
        """Objects that hold the tiles."""
        return tuple(
            TileShard(
                key=self.key(index, "tiles"),
                num_records=int(table.schema.metadata[b"num_records"]),
                sha256=table.schema.metadata[b"sha256"].decode(),
            )
            for index, (_, table) in enumerate(self.read_facts())
        )

    def vectors(self, records: NDArray[np.int64]) -> NDArray[np.float16]:
        """Return (n, 512) global descriptors of n records, which must ascend."""
        found = np.empty((len(records), GLOBAL_DIMENSIONS), "<f2")
        start = 0
        for index in range(self.num_shards):
            content = self.store.read(self.key(index, "globals"))
            shard = np.frombuffer(content, "<f2").reshape(-1, GLOBAL_DIMENSIONS)
            mine = slice(*np.searchsorted(records, [start, start + len(shard)]))
            found[mine] = shard[records[mine] - start]
            start += len(shard)
        return found

    def features(self) -> "RecordReader":
        """Return random access to the feature records."""
        return RecordReader(self, "features", dtype=feature_dtype(self.num_keypoints))

    def _read(self, shard_index: int) -> bytes:
        key = self.key(shard_index, "parquet")
        try:
            return self.store.read(key)
        except NotFoundError as err:
            message = (
                f"{shown_uri(self.store.uri, key)}: not found, a shard of hash is "
                "missing. Run prepare again; finished shards are kept."
            )
            raise DataError(message) from err


def open_hash_shards(
    store: Store, catalogue: Catalogue, *, size_px: int, scratch: Path
) -> HashShards:
    """Return the shards that a catalogue was made of, by the note on its tiles.

    Args:
        store: The root.
        catalogue: The data set.
        size_px: Side of its packed tiles.
        scratch: Where the objects of a bucket are fetched to.

    Raises:
        NotFoundError: It has no tiles of this size, or they were deleted.
    """
    tiles = read_tile_index(store, catalogue, size_px=size_px)
    digest, num_shards = layout.shards_of(tiles[0].key) or ("", 0)
    found = HashShards(
        store=store,
        digest=digest,
        num_shards=num_shards,
        num_keypoints=0,  # not noted: the size of the records tells
        scratch=scratch,
    )
    number, full = next((n, own) for n, own in enumerate(tiles) if own.num_records)
    key = found.key(number, "features")
    entry = next(iter(store.list_objects(key)), None)
    if entry is None:
        message = (
            f"{shown_uri(store.uri, key)}: not found, what pictures are compared by "
            f"is gone. Run prepare again for {catalogue.name}."
        )
        raise NotFoundError(message)
    size, one = (feature_dtype(n).itemsize for n in (0, 1))
    num_keypoints = (entry.size_bytes // full.num_records - size) // (one - size)
    return replace(found, num_keypoints=num_keypoints)


class RecordReader:
    """Reads records of one kind by number; the last few stay in memory."""

    def __init__(
        self, shards: HashShards, suffix: str, *, dtype: np.dtype[Any]
    ) -> None:
        self._shards = shards
        self._suffix = suffix
        self._dtype = dtype
        counts = [shard.num_records for shard in shards.tile_shards]
        self._starts: Sequence[int] = np.cumsum([0, *counts]).tolist()
        self._files: dict[int, Path] = {}
        self.read = lru_cache(CACHED_RECORDS)(self._read)

    def count(self, record: int) -> int:
        """Return the first field of a record of features: how many there are."""
        kind = np.dtype("<u2")
        return int(np.frombuffer(self._bytes(record, kind.itemsize), kind)[0])

    def _read(self, record: int) -> Any:
        return np.frombuffer(self._bytes(record, self._dtype.itemsize), self._dtype)[0]

    def _bytes(self, record: int, size: int) -> bytes:
        """Return the first bytes of a record."""
        number = bisect_right(self._starts, record) - 1
        if number not in self._files:
            key = self._shards.key(number, self._suffix)
            self._files[number] = self._shards.store.fetch(key, self._shards.scratch)
        with self._files[number].open("rb", buffering=0) as file:
            file.seek((record - self._starts[number]) * self._dtype.itemsize)
            return file.read(size)
