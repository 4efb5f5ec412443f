"""Packed tiles: raw RGB records of one size, cut once, then read at random.

Knows the form of a record and which shards a catalogue has; not what tiles show.
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lcc.data.catalogue import Catalogue
from lcc.errors import DataError, NotFoundError
from lcc.images.decode import Decoded, Image8, decode_image
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import scheme_of, shown_uri


@dataclass(frozen=True, slots=True, kw_only=True)
class TileShard:
    """One object of packed tiles, its length and its digest.

    Attributes:
        key: Where it lies under the root.
        num_records: Tiles in it.
        sha256: Digest of the object.
    """

    key: str
    num_records: int
    sha256: str


def make_tile(pixels: Image8, *, size_px: int) -> Image8:
    """Return an image as a square tile: shorter side scaled to size, centre cut out.

    Shrinking averages areas, so that no pixel is skipped; enlarging interpolates
    linearly. Nothing is stretched.

    Args:
        pixels: (height, width, 3) uint8, RGB, any size.
        size_px: Side of the tile.

    Returns:
        (size_px, size_px, 3) uint8, RGB.

    Example:
        >>> make_tile(np.zeros((40, 60, 3), np.uint8), size_px=32).shape
        (32, 32, 3)
    """
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    if side == size_px:
        return np.ascontiguousarray(square)
    method = cv2.INTER_AREA if side > size_px else cv2.INTER_LINEAR
    tile = cv2.resize(square, (size_px, size_px), interpolation=method)
    return np.asarray(tile, dtype=np.uint8)


def decode_tile(
    data: bytes, *, size_px: int, max_megapixels: float = 200.0
) -> tuple[Decoded, Image8]:
    """Return what a file shows, and the square tile that a network is given of it.

    The one way from a file to a tile: of images to learn from, and of new ones.

    Args:
        data: The file.
        size_px: Side of the tile.
        max_megapixels: A larger image is refused by its header, before decoding.

    Returns:
        The decoded image at full size, and a (size_px, size_px, 3) uint8 RGB tile.

    Raises:
        UnreadableError: With the reason.
    """
    decoded = decode_image(data, max_megapixels=max_megapixels)
    return decoded, make_tile(decoded.pixels, size_px=size_px)


def write_tile_index(
    store: Store, catalogue: Catalogue, shards: Sequence[TileShard], *, size_px: int
) -> None:
    """Write the note which objects hold the tiles of a catalogue at one size."""
    document = {
        "size_px": size_px,
        "shards": [asdict(shard) for shard in shards],
    }
    content = json.dumps(document, indent=1).encode()
    store.write(layout.tile_index(catalogue.name, catalogue.digest, size_px), content)


class Tiles:
    """Random access to packed tiles, by record number; memory holds what is asked for.

    Args:
        shards: One array (n, size, size, 3) uint8 per shard, in order.
        size_px: Side of the tiles.
    """

    def __init__(self, shards: Sequence[Image8], *, size_px: int) -> None:
        self.size_px = size_px
        self._shards = tuple(shards)
        self._starts = np.cumsum([0, *(len(shard) for shard in shards)])

    def __len__(self) -> int:
        """Return the number of records."""
        return int(self._starts[-1])

    def take(self, records: NDArray[np.int64]) -> Image8:
        """Return tiles in the order asked for.

        Args:
            records: (k,) record numbers, `catalogue.records[rows]`.

        Returns:
            (k, size, size, 3) uint8, RGB, 0–255.

        Raises:
            IndexError: A record is negative (an image without tile) or too large.
        """
        records = np.asarray(records, dtype=np.int64)
        if len(records) and not 0 <= records.min() <= records.max() < len(self):
            message = f"records must lie in 0–{len(self) - 1}, got {records}"
            raise IndexError(message)
        shape = (len(records), self.size_px, self.size_px, 3)
        tiles = np.empty(shape, dtype=np.uint8)
        owner = np.searchsorted(self._starts, records, side="right") - 1
        for number in np.unique(owner):
            mine = owner == number
            tiles[mine] = self._shards[number][records[mine] - self._starts[number]]
        return tiles


def open_tiles(
    store: Store, catalogue: Catalogue, *, size_px: int, scratch: Path
) -> Tiles:
    """Open the packed tiles of a catalogue.

    Files of a folder are mapped where they lie; those of a bucket are fetched to
    `scratch` once and checked by their SHA-256.

    Raises:
        NotFoundError: The catalogue has no tiles of this size.
        DataError: A shard is not what was packed.
    """
    shards = read_tile_index(store, catalogue, size_px=size_px)
    arrays = [_map(store, s, size_px, scratch) for s in shards if s.num_records]
    return Tiles(arrays, size_px=size_px)


def read_tile_index(
    store: Store, catalogue: Catalogue, *, size_px: int
) -> list[TileShard]:
    """Return the objects that hold the tiles of a catalogue at one size.

    Raises:
        NotFoundError: It has no tiles of this size.
    """
    key = layout.tile_index(catalogue.name, catalogue.digest, size_px)
    try:
        document = json.loads(store.read(key))
    except NotFoundError as err:
        message = (
            f"{shown_uri(store.uri, key)}: not found. Run prepare with "
            f"data.tile_size_px={size_px}, or set it to the size that was packed."
        )
        raise NotFoundError(message) from err
    return [TileShard(**fields) for fields in document["shards"]]


def read_tiles(store: Store, catalogue: Catalogue) -> Callable[[int], Image8]:
    """Return a function that reads single tiles by record number, for a look at a few.

    It may be called from several threads. Tiles are of the largest size packed.

    Raises:
        NotFoundError: No tiles were packed, or, when it is called, they are gone.
    """
    prefix = layout.tile_indexes_prefix(catalogue.name, catalogue.digest)
    documents = [
        json.loads(store.read(item.key)) for item in store.list_objects(prefix)
    ]
    if not documents:
        message = f"{shown_uri(store.uri, prefix)}*: not found. Run prepare again."
        raise NotFoundError(message)
    document = max(documents, key=lambda document: int(document["size_px"]))
    size_px = int(document["size_px"])
    shards = [TileShard(**fields) for fields in document["shards"]]
    return tile_reader(store, shards, size_px=size_px)


def tile_reader(
    store: Store, shards: Sequence[TileShard], *, size_px: int
) -> Callable[[int], Image8]:
    """Return a function that reads single tiles of some shards by record number."""
    ends = np.cumsum([shard.num_records for shard in shards])
    shape = (size_px, size_px, 3)
    length = math.prod(shape)

    def read(record: int) -> Image8:
        number = int(np.searchsorted(ends, record, side="right"))
        shard = shards[number]
        start = (record - int(ends[number]) + shard.num_records) * length
        try:
            content = store.read_range(shard.key, start=start, length=length)
        except NotFoundError as err:
            message = (
                f"{shown_uri(store.uri, shard.key)}: not found. Run prepare again."
            )
            raise NotFoundError(message) from err
        if len(content) < length:
            raise _wrong_bytes(store, shard)
        return np.frombuffer(content, np.uint8).reshape(shape)

    return read


def _map(store: Store, shard: TileShard, size_px: int, scratch: Path) -> Image8:
    path = store.fetch(shard.key, scratch)
    shape = (shard.num_records, size_px, size_px, 3)
    is_intact = path.stat().st_size == np.prod(shape)
    if is_intact and scheme_of(store.uri) != "file":
        with path.open("rb") as file:
            is_intact = hashlib.file_digest(file, "sha256").hexdigest() == shard.sha256
    if not is_intact:
        raise _wrong_bytes(store, shard)
    return np.memmap(path, dtype=np.uint8, mode="r", shape=shape)


def _wrong_bytes(store: Store, shard: TileShard) -> DataError:
    message = (
        f"{shown_uri(store.uri, shard.key)}: must be the {shard.num_records} tiles "
        "that were packed, got other bytes. Delete it and run prepare again."
    )
    return DataError(message)
