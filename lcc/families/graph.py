"""Graphs whose nodes are rows: neighbours, connected components, numbering.

Knows integers only; what an edge means is `edges`.
"""

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from lcc.data.catalogue import Codes


def adjacency(pairs: Codes, num_rows: int) -> csr_array:
    """Return (m, 2) pairs of rows as a symmetric sparse matrix."""
    entries = (np.ones(len(pairs), np.bool_), (pairs[:, 0], pairs[:, 1]))
    graph = coo_array(entries, shape=(num_rows, num_rows))
    return (graph + graph.T).tocsr()


def neighbours(graph: csr_array, row: int) -> set[int]:
    """Return the neighbours of one row."""
    # Indexing the matrix by a row takes 19 times as long.
    start, stop = graph.indptr[row : row + 2]
    return set(graph.indices[start:stop].tolist())


def components(pairs: Codes, num_rows: int) -> Codes:
    """Return the connected component of each row, given (m, 2) pairs of rows."""
    _, labels = connected_components(adjacency(pairs, num_rows), directed=False)
    return renumber(labels)


def chain(codes: Codes) -> Codes:
    """Return (n, 2) pairs of each row and the first row of its code."""
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
    return [rows.tolist() for rows in np.split(order, starts)] if len(codes) else []


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
