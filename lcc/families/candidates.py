"""Choose the pairs of images to compare: nearest neighbours by global descriptor.

Knows vectors and row numbers. An index holds one block of vectors at a time, so that
memory is bounded, and leads a query along a graph, so that time grows hardly more than
the number of images, not with its square (`benchmarks/candidates.py`).
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Vectors = NDArray[np.float16]
Nearest = Callable[[Rows], Rows]

# A graph of the small-world kind, HNSW: Malkov and Yashunin, PAMI 2020. Neighbours of
# a node, and nodes that a query keeps in view: chosen for 0.99 of the exact pairs.
NUM_GRAPH_NEIGHBOURS = 32
NUM_IN_VIEW = 160
# Of an index while it is built: the vector twice, its neighbours, what FAISS has in
# reserve (`benchmarks/link_memory.py`).
BYTES_PER_ROW = 4096
NUM_QUERIES = 4096  # at a time, in float32: 8 MiB


def find_candidates(descriptors: Vectors, *, num_neighbours: int) -> Rows:
    """Return the pairs of each row and its nearest neighbours among all rows.

    Args:
        descriptors: (n, 512), unit length.
        num_neighbours: Neighbours per row, itself not counted.

    Returns:
        (m, 2) pairs a < b, each once, sorted.
    """
    index = build_index(descriptors)
    found = find_nearest(descriptors, [index], num_nearest=num_neighbours + 1)
    rows = np.arange(len(descriptors))
    return share_pairs(rows, found.__getitem__, num_rows=len(rows))[0]


def share_pairs(rows: Rows, nearest: Nearest, *, num_rows: int) -> tuple[Rows, Rows]:
    """Return the pairs to verify for some rows, so that all rows together do each once.

    A pair is the task of its owner, the smaller row or the larger by turns, if the
    owner finds it, else of the row that does: each pair is looked at once, whoever
    finds it, and no row needs to know what all others find.

    Args:
        rows: (m,) rows.
        nearest: Neighbours of given rows, (rows, k), -1 where there is none.
        num_rows: Number of all rows.

    Returns:
        (p, 2) pairs a < b, each once, sorted, and (p,) the row that each is a task of.
    """
    finder, owner, pair = _directed(rows, nearest(rows), num_rows)
    others = np.unique(owner[owner != finder])
    their_finder, their_owner, their_pair = _directed(others, nearest(others), num_rows)
    theirs = their_pair[their_finder == their_owner]
    is_task = (finder == owner) | ~np.isin(pair, theirs)
    codes, first = np.unique(pair[is_task], return_index=True)
    pairs = np.stack(np.divmod(codes, max(num_rows, 1)), axis=1)
    return pairs, finder[is_task][first]


def _directed(rows: Rows, found: Rows, num_rows: int) -> tuple[Rows, Rows, Rows]:
    """Return finder, owner and number of each pair of a row and its neighbours."""
    finder = np.repeat(rows, found.shape[1])
    other = found.ravel()
    is_pair = (other >= 0) & (other != finder)
    finder, other = finder[is_pair], other[is_pair]
    low, high = np.minimum(finder, other), np.maximum(finder, other)
    owner = np.where((low + high) % 2 == 0, low, high)
    return finder, owner, low * num_rows + high


def find_nearest(queries: Vectors, indexes: Iterable[Any], *, num_nearest: int) -> Rows:
    """Return the nearest rows of each query, itself included.

    Args:
        queries: (m, 512), unit length.
        indexes: All vectors in order, each block of them as an index.
        num_nearest: Rows per query.

    Returns:
        (m, num_nearest), most like first; -1 where there are no more.
    """
    likeness = np.full((len(queries), num_nearest), -np.inf, np.float32)
    rows = np.full((len(queries), num_nearest), -1)
    start = 0
    for index in indexes:
        for first in range(0, len(queries), NUM_QUERIES):
            chosen = slice(first, first + NUM_QUERIES)
            new, found = index.search(queries[chosen].astype(np.float32), num_nearest)
            found = np.where(found < 0, -1, found + start)
            both = np.hstack([likeness[chosen], np.where(found < 0, -np.inf, new)])
            best = np.argsort(-both, axis=1, kind="stable")[:, :num_nearest]
            likeness[chosen] = np.take_along_axis(both, best, axis=1)
            rows[chosen] = np.take_along_axis(
                np.hstack([rows[chosen], found]), best, axis=1
            )
        start += index.ntotal
    return rows


def build_index(block: Vectors, *, num_in_view: int = NUM_IN_VIEW) -> Any:
    """Build a FAISS index of (n, 512) vectors; in one thread it is always the same.

    Args:
        block: The vectors.
        num_in_view: Nodes that a query keeps in view, no fewer than it asks for.
    """
    import faiss

    kind = f"HNSW{NUM_GRAPH_NEIGHBOURS}_SQfp16"
    index: Any = faiss.index_factory(block.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    index.is_trained = True  # half floats need no training
    index.hnsw.efSearch = num_in_view
    for first in range(0, len(block), NUM_QUERIES):
        index.add(block[first : first + NUM_QUERIES].astype(np.float32))
    return index
