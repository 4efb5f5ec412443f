"""Which pairs are worth a closer look: nearest neighbours by global descriptor."""

import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS = 1024  # in float32 at a time, 2 MiB; the whole set stays in float16


def find_candidates(
    descriptors: NDArray[np.float16], *, num_neighbours: int
) -> NDArray[np.int64]:
    """Return the pairs of each row and its nearest neighbours among all rows; exact.

    Args:
        descriptors: (n, 512), unit length.
        num_neighbours: Neighbours per row, itself not counted.

    Returns:
        (m, 2) pairs a < b, each once, sorted.
    """
    num_rows = len(descriptors)
    codes = [np.zeros(0, np.int64)]
    for start in range(0, num_rows, BLOCK_ROWS):
        found = _nearest(descriptors, start, min(num_neighbours + 1, num_rows))
        own = np.arange(start, start + len(found))[:, None]
        code = np.minimum(own, found) * num_rows + np.maximum(own, found)
        codes.append(np.unique(code[own != found]))
    return np.stack(np.divmod(np.unique(np.concatenate(codes)), num_rows), axis=1)


def _nearest(
    descriptors: NDArray[np.float16], start: int, num_nearest: int
) -> NDArray[np.int64]:
    """Return (rows of a block, num_nearest) rows of the nearest, most like first."""
    import faiss

    queries = descriptors[start : start + BLOCK_ROWS].astype(np.float32)
    heap = faiss.ResultHeap(len(queries), num_nearest, keep_max=True)
    for first in range(0, len(descriptors), BLOCK_ROWS):
        block = descriptors[first : first + BLOCK_ROWS].astype(np.float32)
        likeness, rows = faiss.knn(
            queries,
            block,
            min(num_nearest, len(block)),
            metric=faiss.METRIC_INNER_PRODUCT,
        )
        heap.add_result(likeness, rows + first)
    heap.finalize()
    return np.asarray(heap.I, np.int64)
