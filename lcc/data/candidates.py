"""Which pairs are worth a closer look: nearest neighbours by global descriptor."""

import numpy as np
from numpy.typing import NDArray


def find_candidates(
    descriptors: NDArray[np.float16], *, rows: range, num_neighbours: int
) -> NDArray[np.int64]:
    """Return the pairs of each row and its nearest neighbours among all rows.

    Args:
        descriptors: (n, 512), unit length.
        rows: Rows whose neighbours are looked up.
        num_neighbours: Neighbours per row, itself not counted.

    Returns:
        (m, 2) pairs a < b, each once, sorted. A pair that two slices find is returned
        by both.
    """
    import faiss

    if len(descriptors) < 2 or not len(rows):  # noqa: PLR2004 - a pair needs two
        return np.zeros((0, 2), np.int64)
    index = faiss.IndexFlatIP(descriptors.shape[1])
    index.add(descriptors.astype(np.float32))
    queries = descriptors[rows.start : rows.stop].astype(np.float32)
    _, found = index.search(queries, min(num_neighbours + 1, len(descriptors)))
    own = np.repeat(np.arange(rows.start, rows.stop), found.shape[1])
    pairs = np.stack([own, found.ravel()], axis=1)
    pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
    return np.unique(pairs, axis=0).astype(np.int64)
