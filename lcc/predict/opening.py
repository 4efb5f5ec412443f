"""Opens new images ahead of a network: read, decoded and cut to its tiles, in order.

Knows files and what keeps one from an answer; nothing of networks.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

from lcc.data.tiles import decode_tile
from lcc.images.decode import Image8, UnreadableError
from lcc.images.reasons import Reason
from lcc.listing.sources import read_listed
from lcc.predict.sizes import LARGER, TrainingSizes
from lcc.storage.store import Store
from lcc.storage.uri import scheme_of

# Decoders let go of Python's lock. More of them would take the network's cores; of a
# bucket the answers are waited for, not the bytes.
NUM_THREADS = {"file": 2, "s3": 8}
BLOCK = 16  # images that a thread takes at a time: each hand-over costs

Item = TypeVar("Item")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedImage:
    """One image, before a network is asked.

    Attributes:
        path: As listed.
        width_px: Of the file's picture; none where nobody could tell.
        height_px: The same.
        reason: Why there is no answer, none where there will be one.
        tile: (side, side, 3) uint8 RGB, none where there will be no answer.
    """

    path: str
    width_px: int | None = None
    height_px: int | None = None
    reason: str | None = None
    tile: Image8 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """Opens the files of a source.

    Attributes:
        source: Holds them.
        side_px: Side of the tiles.
        max_megapixels: A larger image is not decoded.
        sizes: Of the training images; a larger image gets no answer. None: any does.
    """

    source: Store
    side_px: int
    max_megapixels: float
    sizes: TrainingSizes | None

    def open_all(self, rows: Iterable[Mapping[str, object]]) -> Iterator[OpenedImage]:
        """Yield listed files opened, in their order, a few ahead of who asks."""
        num_threads = NUM_THREADS[scheme_of(self.source.uri)]
        left = iter(rows)
        blocks = iter(lambda: list(islice(left, BLOCK)), [])
        opened = map_ahead(
            self._open_block, blocks, num_threads=num_threads, ahead=num_threads + 1
        )
        return chain.from_iterable(opened)

    def _open_block(
        self, rows: Iterable[Mapping[str, object]]
    ) -> Sequence[OpenedImage]:
        return [self.open(row) for row in rows]

    def open(self, row: Mapping[str, object]) -> OpenedImage:
        """Return one listed file opened; never raises for what is in it."""
        path, data = str(row["path"]), read_listed(self.source, row)
        if isinstance(data, Reason):
            return OpenedImage(path=path, reason=str(data))
        try:
            decoded, tile = decode_tile(
                data, size_px=self.side_px, max_megapixels=self.max_megapixels
            )
        except UnreadableError as err:
            width, height = err.size_px or (None, None)
            return OpenedImage(
                path=path, width_px=width, height_px=height, reason=str(err.reason)
            )
        height, width = decoded.pixels.shape[:2]
        is_larger = self.sizes is not None and self.sizes.is_larger(width, height)
        return OpenedImage(
            path=path,
            width_px=width,
            height_px=height,
            reason=LARGER if is_larger else None,
            tile=None if is_larger else tile,
        )


def map_ahead(
    work: Callable[[Item], Found],
    items: Iterable[Item],
    *,
    num_threads: int,
    ahead: int,
) -> Iterator[Found]:
    """Yield what some work makes of items, in their order, done ahead in threads.

    Args:
        work: Called in a thread, once for each item.
        items: Taken as they are needed.
        num_threads: That work.
        ahead: Most results that wait.

    Example:
        >>> list(map_ahead(abs, [-3, 2, -1], num_threads=2, ahead=2))
        [3, 2, 1]
    """
    waiting: deque[Future[Found]] = deque()
    with ThreadPoolExecutor(num_threads) as pool:
        try:
            for item in items:
                if len(waiting) == ahead:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(work, item))
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
