"""The distinct pictures among any images, and the verified edges between them.

Knows bytes, pixels and features, one image at a time: features go to a file, so that
memory holds descriptors alone. Copies never reach the stage that compares pairs.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lcc.config.data import DataSettings
from lcc.data.candidates import find_candidates
from lcc.data.decode import Image8, UnreadableError, decode_image
from lcc.data.digest import digest_pixels
from lcc.data.edges import Edge
from lcc.data.families import Joined, join_families
from lcc.data.fingerprint import GLOBAL_DIMENSIONS, extract_features, feature_dtype
from lcc.data.graph import Codes
from lcc.data.hashing import RecordWriter
from lcc.data.task import Counter
from lcc.data.verify import verify_pair, verify_pairs

BLOCK_PAIRS = 1024  # verified between two moves of the progress bar


class Pictures:
    """Images by what they contain: equal bytes, equal pixels, features of the rest.

    Args:
        scratch: Empty folder, for the features.
        settings: How images are read, and how kin is found.
    """

    def __init__(self, scratch: Path, settings: DataSettings) -> None:
        self.unreadable: dict[int, str] = {}  # image → why it cannot be judged
        self._settings = settings
        self._content: list[int] = []  # of each image: the first one with its bytes
        self._picture: list[int] = []  # of each image: its picture, -1 if unreadable
        self._by_bytes: dict[str, int] = {}
        self._by_pixels: dict[str, int] = {}
        self._vectors: list[NDArray[np.float16]] = []
        self._features = RecordWriter(scratch / "features")

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._content)

    @property
    def content(self) -> Codes:
        """(n,) first image with the same bytes as each image."""
        return np.array(self._content, np.int64)

    @property
    def picture(self) -> Codes:
        """(n,) picture of each image, numbered by first image; -1 if unreadable."""
        return np.array(self._picture, np.int64)

    def add_file(self, data: bytes) -> None:
        """Take one image file; only the first of equal bytes is decoded."""
        # An empty file is nobody's copy.
        digest = hashlib.sha256(data).hexdigest() if data else f"empty {len(self)}"
        first = self._by_bytes.setdefault(digest, len(self))
        if first < len(self):
            self._add(self._picture[first], first=first)
            return
        try:
            megapixels = self._settings.max_megapixels
            pixels = decode_image(data, max_megapixels=megapixels).pixels
        except UnreadableError as err:
            self.add_unreadable(err.reason)
        else:
            self.add_pixels(pixels)

    def add_pixels(self, pixels: Image8) -> None:
        """Take one image, (height, width, 3) uint8 RGB."""
        number = self._by_pixels.setdefault(digest_pixels(pixels), len(self._vectors))
        if number == len(self._vectors):
            num_keypoints = self._settings.families.num_keypoints
            record, vector = extract_features(pixels, num_keypoints=num_keypoints)
            self._features.write(np.asarray(record))
            self._vectors.append(vector)
        self._add(number, first=len(self))

    def add_unreadable(self, reason: str) -> None:
        """Take an image that cannot be judged."""
        self.unreadable[len(self)] = str(reason)
        self._add(-1, first=len(self))

    def join(self, counter: Counter | None = None) -> Joined:
        """Return families, groups and edges of the distinct pictures.

        Args:
            counter: Advanced by the number of images in all.
        """
        families = self._settings.families
        records = self._records()
        vectors = np.array(self._vectors, np.float16).reshape(-1, GLOBAL_DIMENSIONS)
        pairs = find_candidates(vectors, num_neighbours=families.num_neighbours)
        tables = [verify_pairs([], records.__getitem__, settings=families)]
        for block, done in _blocks(pairs, total=len(self)):
            tables.append(
                verify_pairs(block.tolist(), records.__getitem__, settings=families)
            )
            if counter:
                counter.advance(done)

        def verify(a: int, b: int) -> Edge | None:
            return verify_pair(a, b, features=records.__getitem__, settings=families)

        return join_families(
            pa.concat_tables(tables), vectors, verify=verify, settings=families
        )

    def _add(self, picture: int, *, first: int) -> None:
        if picture < 0:
            self.unreadable[len(self)] = self.unreadable[first]
        self._content.append(first)
        self._picture.append(picture)

    def _records(self) -> NDArray[np.void]:
        dtype = feature_dtype(self._settings.families.num_keypoints)
        file, count = self._features.close(), len(self._vectors)
        if not count:  # an empty file cannot be mapped
            return np.zeros(0, dtype)
        return np.memmap(file, dtype, "r", shape=(count,))


def _blocks(pairs: Codes, *, total: int) -> Iterator[tuple[Codes, int]]:
    """Yield blocks of pairs, each with its share of `total`."""
    shown = 0
    for start in range(0, len(pairs), BLOCK_PAIRS):
        block = pairs[start : start + BLOCK_PAIRS]
        done = (start + len(block)) * total // len(pairs)
        yield block, done - shown
        shown = done
