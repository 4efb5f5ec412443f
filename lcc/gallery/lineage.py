"""Find the path of edges from every image to the first one of its family.

Knows the rows of a catalogue and the edges between them.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from lcc.data.catalogue import Catalogue, Codes
from lcc.data.drawing import Transform, transform_of
from lcc.families.edges import ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The path of fewest edges from each image to its family's leader.

    Attributes:
        leader: (n,) first image of each one's family, -1 for unreadable files.
        picture: (n,) the image that stands for all with the same pixels.
        distance: (n,) edges to the leader, each counted 1 to 1.5, the more the fewer
            matches it has; inf where none lead there.
        following: (n,) next image on the path, negative at its end.
        edge: (n,) row of the edge to it, -1 where there is none.
        edges: Table of `EDGE_SCHEMA`.
    """

    leader: Codes
    picture: Codes
    distance: NDArray[np.float64]
    following: Codes
    edge: Codes
    edges: pa.Table

    def path(self, row: int) -> list[int]:
        """Return the edges from a row to its leader in order, none for its copies."""
        here = int(self.picture[row])
        numbers = []
        while self.edge[here] >= 0:
            numbers.append(int(self.edge[here]))
            here = int(self.following[here])
        return numbers

    def to_leader(self, row: int) -> Transform | None:
        """Return the transform that lays an image on its leader, None if no path."""
        here = int(self.picture[row])
        if not np.isfinite(self.distance[here]):
            return None
        total = np.eye(3)
        for number in self.path(here):
            edge = self.edges.slice(number, 1).to_pylist()[0]
            forward = transform_of(edge["matrix"], mirrored=edge["mirrored"])
            is_forward = edge["a"] == here
            total = (forward if is_forward else np.linalg.inv(forward)) @ total
            here = edge["b"] if is_forward else edge["a"]
        return total


def trace_lineage(catalogue: Catalogue, edges: pa.Table) -> Lineage:
    """Find the paths from all images to their leaders in one search.

    Args:
        catalogue: The table.
        edges: Table of `EDGE_SCHEMA` between its rows.
    """
    families = catalogue.families
    size = len(families)
    pairs = ends(edges)
    numbers = np.flatnonzero(families[pairs[:, 0]] == families[pairs[:, 1]])
    pairs = pairs[numbers]
    weights = 1 + 1 / (2 + edges["inliers"].to_numpy()[numbers])
    graph = coo_array((weights, tuple(pairs.T)), shape=(size, size)).tocsr()
    leader = _first_of(families)
    distance, following, _ = dijkstra(
        graph,
        directed=False,
        indices=np.unique(leader[leader >= 0]),
        return_predecessors=True,
        min_only=True,  # families share no edge: each row's nearest leader is its own
    )
    return Lineage(
        leader=leader,
        picture=_pictures(catalogue),
        distance=distance,
        following=following.astype(np.int64),
        edge=_edges_on_paths(following, pairs, numbers),
        edges=edges,
    )


def _first_of(codes: Codes) -> Codes:
    """Return the first row of each row's code, -1 where the code is negative."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return np.where(codes >= 0, first[inverse], -1)


def _pictures(catalogue: Catalogue) -> Codes:
    pixels = catalogue.table["pixel_sha256"].to_pylist()
    first: dict[str, int] = {}
    return np.array(
        [
            row if digest is None else first.setdefault(digest, row)
            for row, digest in enumerate(pixels)
        ],
        np.int64,
    )


def _edges_on_paths(following: Codes, pairs: Codes, numbers: Codes) -> Codes:
    """Return the edge between each row and the next on its path, -1 at the end."""
    size = len(following)
    keys = pairs[:, 0] * size + pairs[:, 1]
    order = np.argsort(keys)
    rows = np.flatnonzero(following >= 0)
    others = following[rows]
    lower, upper = np.minimum(rows, others), np.maximum(rows, others)
    position = np.searchsorted(keys, lower * size + upper, sorter=order)
    found = np.full(size, -1, np.int64)
    found[rows] = numbers[order[position]]
    return found
