"""How a step works through its rows: counted, in shards, each in one thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import cv2


class ProgressCounter(Protocol):
    """A progress bar, or anything else that counts finished units."""

    def advance(self, count: int = 1) -> None:
        """Count finished units."""


def shard_rows(shard_index: int, *, num_shards: int, num_rows: int) -> range:
    """Return the rows of one shard; shards are contiguous, their sizes differ by one.

    Example:
        >>> [list(shard_rows(i, num_shards=2, num_rows=5)) for i in range(2)]
        [[0, 1], [2, 3, 4]]
    """
    start = shard_index * num_rows // num_shards
    return range(start, (shard_index + 1) * num_rows // num_shards)


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep OpenCV, BLAS and FAISS to one thread.

    There is a process per core already, and sums taken by several threads may differ in
    the last bit: shards must not depend on the machine.
    """
    from threadpoolctl import threadpool_limits  # of scikit-learn

    cv2.setNumThreads(1)
    with threadpool_limits(1):
        yield
