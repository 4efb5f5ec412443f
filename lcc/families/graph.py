"""Graphs whose nodes are rows: who is linked to whom, and what hangs together.

Knows integers only; what a link means is `families`.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

Codes = NDArray[np.int64]


def adjacency(pairs: Codes, num_rows: int) -> csr_array:
    """Return (m, 2) links of rows as a symmetric sparse matrix."""
    links = (np.ones(len(pairs), np.bool_), (pairs[:, 0], pairs[:, 1]))
    graph = coo_array(links, shape=(num_rows, num_rows))
    return (graph + graph.T).tocsr()


def neighbours(graph: csr_array, row: int) -> set[int]:
    """Return the rows that one row is linked to."""
    # Indexing the matrix by a row takes 19 times as long.
    start, stop = graph.indptr[row : row + 2]
    return set(graph.indices[start:stop].tolist())


def components(pairs: Codes, num_rows: int) -> Codes:
    """Return the connected component of each row, given (m, 2) links of rows."""
    _, labels = connected_components(adjacency(pairs, num_rows), directed=False)
    return renumber(labels)


def chain(codes: Codes) -> Codes:
    """Return (n, 2) links of each row to the first row of its code."""
    _, first = np.unique(codes, return_index=True)
    return np.stack([first[codes], np.arange(len(codes))], axis=1)


def members(codes: Codes) -> list[list[int]]:
    """Return the rows of each code, ascending.

    Example:
        >>> members(np.array([0, 1, 0]))
        [[0, 2], [1]]
    """
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order])) + 1
    return [part.tolist() for part in np.split(order, starts)] if len(codes) else []


def renumber(codes: Codes) -> Codes:
    """Return codes 0, 1, … in the order of their first row.

    Example:
        >>> renumber(np.array([7, 3, 7])).tolist()
        [0, 1, 0]
    """
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[inverse]
