"""Hash images: one shard of the listing → facts, features and packed tiles.

Knows one image at a time, so that memory does not grow with the shard, which is four
objects. The table of facts is written last: a shard is there when its table is.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lcc.data.digest import digest_file, digest_pixels
from lcc.data.features import Features
from lcc.data.tiles import decode_tile
from lcc.errors import UnavailableError
from lcc.images.decode import Image8, UnreadableError
from lcc.images.reasons import Reason

FACTS = pa.schema(
    {
        "path": pa.string(),
        "md5": pa.string(),
        "sha256": pa.string(),
        "pixel_sha256": pa.string(),
        "width_px": pa.int64(),
        "height_px": pa.int64(),
        "reason": pa.string(),
        "conversions": pa.string(),
    }
)
Extract = Callable[[Image8], Features]


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedImage:
    """Digests, tile and features of one file.

    Attributes:
        facts: One row of `FACTS`, without the path.
        tile: Packed tile, none for an unreadable file.
        features: Features, none for an unreadable file or where not asked for.
    """

    facts: dict[str, object]
    tile: Image8 | None = None
    features: Features | None = None


Hash = Callable[[bytes], HashedImage]


def hash_image(
    data: bytes, *, size_px: int, max_megapixels: float, extract: Extract | None
) -> HashedImage:
    """Take digests, tile and features of one file.

    Args:
        data: The file.
        size_px: Side of the tile.
        max_megapixels: A larger image is unreadable.
        extract: Makes features of the decoded pixels; none leaves them out.
    """
    digests = digest_file(data)
    facts: dict[str, object] = {"md5": digests.md5, "sha256": digests.sha256}
    try:
        decoded, tile = decode_tile(
            data, size_px=size_px, max_megapixels=max_megapixels
        )
    except UnreadableError as err:
        width, height = err.size_px or (None, None)
        facts |= {"reason": str(err.reason), "width_px": width, "height_px": height}
        return HashedImage(facts=facts)
    height, width = decoded.pixels.shape[:2]
    facts |= {
        "pixel_sha256": digest_pixels(decoded.pixels),
        "width_px": width,
        "height_px": height,
        "conversions": "+".join(decoded.conversions) or None,
    }
    return HashedImage(
        facts=facts,
        tile=tile,
        features=extract(decoded.pixels) if extract else None,
    )


def missing_image(reason: Reason) -> HashedImage:
    """Return the facts of a file that is gone or not the one that was listed."""
    return HashedImage(facts={"reason": str(reason)})


class ShardWriter:
    """Write one shard to local files, record by record.

    Args:
        folder: Where the files are made.
    """

    def __init__(self, folder: Path) -> None:
        self._rows: list[dict[str, object]] = []
        self._files = {
            suffix: RecordWriter(folder / f"shard.{suffix}")
            for suffix in ("tiles", "features", "globals")
        }

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the local files."""
        for file in self._files.values():
            file.remove()

    def add(self, path: str, image: HashedImage) -> None:
        """Add one file: always its facts; tile and features where there are some."""
        self._rows.append({"path": path, **image.facts})
        if image.tile is not None:
            self._files["tiles"].write(image.tile)
        if image.features is not None:
            record, vector = image.features
            self._files["features"].write(np.asarray(record))
            self._files["globals"].write(vector)

    def finish(self) -> tuple[pa.Table, dict[str, Path]]:
        """Return the table of facts and, by suffix, the files to upload before it."""
        paths = {suffix: file.close() for suffix, file in self._files.items()}
        tiles = self._files["tiles"]
        notes = {"num_records": str(tiles.num_records), "sha256": tiles.sha256}
        table = pa.Table.from_pylist(self._rows, schema=FACTS)
        return table.replace_schema_metadata(notes), paths


class RecordWriter:
    """Append records of one length to a local file, which the first one makes."""

    def __init__(self, path: Path) -> None:
        self.num_records = 0
        self._path = path
        self._digest = hashlib.sha256()

    @cached_property
    def _file(self) -> BinaryIO:
        return self._path.open("wb")

    @property
    def sha256(self) -> str:
        """Digest of what was written so far."""
        return self._digest.hexdigest()

    def write(self, record: NDArray[Any]) -> None:
        """Append one record."""
        content = record.tobytes()
        with self._needing_room():
            self._file.write(content)
        self._digest.update(content)
        self.num_records += 1

    def close(self) -> Path:
        """Close and return the file."""
        with self._needing_room():  # the last bytes are written now
            self._file.close()
        return self._path

    def remove(self) -> None:
        """Close and remove the file."""
        with suppress(OSError):  # what is left in the buffer need not fit
            self._file.close()
        self._path.unlink(missing_ok=True)

    @contextmanager
    def _needing_room(self) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            message = (
                f"{self._path.parent}: must have room for one shard of tiles, got "
                f"{err.strerror}. Free some, set TMPDIR, or raise data.num_shards."
            )
            raise UnavailableError(message) from err
