"""What every step of `prepare` is given, and which parts are its own.

Knows settings, the root and the digests that address parts; not what a step computes.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import PIL

from lcc.config.settings import Settings
from lcc.data.listing import Listing, read_listing
from lcc.data.shards import HashParts
from lcc.errors import ConfigError
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import absolute_uri, open_store


class Counter(Protocol):
    """Somebody who shows how far a step is."""

    def advance(self, count: int = 1) -> None:
        """Count finished units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a step of `prepare` is given.

    Attributes:
        run_id: Run that the step belongs to.
        store: The root.
        settings: Settings in force.
        scratch: Empty local folder.
        progress: Starts a counter of so many units.
    """

    run_id: str
    store: Store
    settings: Settings
    scratch: Path
    progress: Callable[[int], Counter]

    @property
    def name(self) -> str:
        """Name of the data set."""
        if self.settings.data.name is None:  # the launcher always writes it
            message = "data.name: must be set, got none. Pass --name."
            raise ConfigError(message)
        return self.settings.data.name

    @property
    def source(self) -> Store:
        """The images."""
        if self.settings.data.source is None:
            message = "data.source: must be set, got none. Name a folder or s3://… URI."
            raise ConfigError(message)
        return open_store(
            absolute_uri(self.settings.data.source), self.settings.storage
        )

    def listing(self) -> Listing:
        """Return what the list step of this run found."""
        pointer = json.loads(self.store.read(layout.listing_pointer(self.run_id)))
        return read_listing(self.store, name=self.name, digest=pointer["listing"])

    def hash_parts(self, listing: Listing) -> HashParts:
        """Return the parts of the hash step, made or not."""
        data = self.settings.data
        digest = layout.input_digest(
            step="hash",
            listing=listing.digest,
            tile_size_px=data.tile_size_px,
            max_megapixels=data.max_megapixels,
            num_keypoints=data.families.num_keypoints,
            decoders=[cv2.__version__, PIL.__version__],
        )
        return HashParts(
            store=self.store,
            digest=digest,
            num_slices=data.num_shards,
            num_keypoints=data.families.num_keypoints,
            scratch=self.scratch,
        )


def slice_rows(index: int, *, num_slices: int, num_rows: int) -> range:
    """Return the rows of one slice; slices are contiguous and differ by one at most.

    Example:
        >>> [list(slice_rows(i, num_slices=2, num_rows=5)) for i in range(2)]
        [[0, 1], [2, 3, 4]]
    """
    start = index * num_rows // num_slices
    return range(start, (index + 1) * num_rows // num_slices)


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep OpenCV, BLAS and FAISS to one thread.

    There is a process per core already, and sums taken by several threads may differ in
    the last bit: parts must not depend on the machine.
    """
    from threadpoolctl import threadpool_limits  # of scikit-learn

    cv2.setNumThreads(1)
    with threadpool_limits(1):
        yield
