"""Slices of the pairs worth a look, and the table of edges that survive verification.

Knows who verifies which pair and where edges lie; not what makes an edge
(`candidates`, `verify`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lcc.config.data import FamilySettings
from lcc.data.candidates import find_candidates
from lcc.data.edges import Edge
from lcc.data.parquet import from_parquet, to_parquet
from lcc.data.parts import HashParts
from lcc.data.task import Counter, slice_rows
from lcc.data.verify import verify_pair, verify_pairs
from lcc.errors import DataError, NotFoundError
from lcc.storage import layout

BLOCK_PAIRS = 1024  # about a second of work: how often progress shows
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LinkParts:
    """All parts of one link step.

    A *picture* is a readable image, the first file of its pixels; pictures are numbered
    in listing order. Copies take the family of the first.

    Attributes:
        hashed: Parts of the hash step.
        settings: How pairs are found and judged.
    """

    hashed: HashParts
    settings: FamilySettings

    @cached_property
    def digest(self) -> str:
        """Input digest: the settings, and the facts themselves.

        Facts, not their inputs: a file that vanished may be back in the next run.
        """
        facts = hashlib.sha256(to_parquet(self.hashed.facts)).hexdigest()
        return layout.input_digest(
            step="link",
            hashed=self.hashed.digest,
            facts=facts,
            settings=self.settings.model_dump(mode="json"),
        )

    @cached_property
    def records(self) -> Rows:
        """(n,) record number of each distinct picture."""
        pixels = self.hashed.facts["pixel_sha256"].drop_null().to_numpy()
        _, first = np.unique(pixels, return_index=True)
        return np.sort(first).astype(np.int64)

    def key(self, index: int) -> str:
        """Return the key of one slice's edges."""
        return layout.part(
            self.digest, "link", index, self.hashed.num_slices, "parquet"
        )

    def exists(self, index: int) -> bool:
        """Whether one slice is linked."""
        return self.hashed.store.exists(self.key(index))

    @cached_property
    def candidates(self) -> Rows:
        """(m, 2) pairs worth a look, a < b, sorted.

        They are looked up over all pictures in each process, which costs a second where
        verification costs minutes: so each pair is known once, whoever found it.
        """
        return find_candidates(
            self.vectors(), num_neighbours=self.settings.num_neighbours
        )

    def pairs(self, index: int) -> Rows:
        """Return the pairs that fall to one slice.

        The owner of a pair is the slice of a or of b by turns, so that slices have
        equal shares.
        """
        found = self.candidates
        owner = np.where(found.sum(axis=1) % 2 == 0, found[:, 0], found[:, 1])
        mine = slice_rows(
            index, num_slices=self.hashed.num_slices, num_rows=len(self.records)
        )
        return found[(owner >= mine.start) & (owner < mine.stop)]

    def link(self, index: int, counter: Counter) -> None:
        """Verify the pairs of one slice and keep its edges."""
        pairs = self.pairs(index)
        tables = [self.verify(pairs[:0])]
        for start in range(0, len(pairs), BLOCK_PAIRS):
            block = pairs[start : start + BLOCK_PAIRS]
            tables.append(self.verify(block))
            counter.advance(len(block))
        content = to_parquet(pa.concat_tables(tables).combine_chunks())
        self.hashed.store.write(self.key(index), content)

    def verify(self, pairs: Rows) -> pa.Table:
        """Return the edges among pairs of pictures."""
        return verify_pairs(pairs.tolist(), self.features, settings=self.settings)

    def verify_one(self, a: int, b: int) -> Edge | None:
        """Return the edge between two pictures, none where there is none."""
        return verify_pair(a, b, features=self.features, settings=self.settings)

    def vectors(self) -> NDArray[np.float16]:
        """Return (n, 512) global descriptors of the pictures."""
        return self.hashed.vectors(self.records)

    @cached_property
    def features(self) -> Callable[[int], np.void]:
        """Feature record of a picture."""
        reader = self.hashed.features()
        return lambda picture: reader.read(int(self.records[picture]))

    def edges(self) -> pa.Table:
        """Return the edges of all slices, sorted by a and b.

        Raises:
            DataError: A slice is missing.
        """
        tables = [self._edges(index) for index in range(self.hashed.num_slices)]
        return pa.concat_tables(tables).sort_by(
            [("a", "ascending"), ("b", "ascending")]
        )

    def _edges(self, index: int) -> pa.Table:
        try:
            return from_parquet(self.hashed.store.read(self.key(index)))
        except NotFoundError as err:
            message = (
                f"{self.hashed.store.uri}/{self.key(index)}: not found, a slice of "
                "link is missing. Run prepare again; finished slices are kept."
            )
            raise DataError(message) from err
