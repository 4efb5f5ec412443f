"""Why an image is in its family and group, and how large families are.

Knows the rows of a catalogue and the edges between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from lcc.data.catalogue import Catalogue, Status
from lcc.errors import NotFoundError

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedEdge:
    """A link, with the paths of its ends.

    Attributes:
        first: Path of `a`.
        second: Path of `b`.
        edge: Row of `edges.parquet`.
    """

    first: str
    second: str
    edge: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What is known of one image and its kin.

    Attributes:
        row: The image's row of the catalogue.
        leader: Path that its family is named by.
        num_family: Images of its family.
        families: Families of its group.
        chain: Links from the image to the leader, in order; none for a copy of it.
        bridges: Links from its family to the others of the group, widest first.
    """

    row: Row
    leader: str
    num_family: int
    families: tuple[int, ...]
    chain: tuple[NamedEdge, ...]
    bridges: tuple[NamedEdge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSizes:
    """How many images and families a class has.

    Attributes:
        name: Label.
        num_images: Files listed.
        num_kept: Of them, training material.
        families: Images of each family, copies included.
        num_groups: Groups.
    """

    name: str
    num_images: int
    num_kept: int
    families: tuple[int, ...]
    num_groups: int


def explain(catalogue: Catalogue, edges: pa.Table, path: str) -> Explanation:
    """Return why an image is in its family and group.

    Args:
        catalogue: The table.
        edges: Table of `EDGE_SCHEMA` between its rows.
        path: As in the catalogue.

    Raises:
        NotFoundError: The catalogue has no such image.
    """
    paths = catalogue.paths
    if path not in paths:
        near = get_close_matches(path, paths, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        message = (
            f"--explain: must be a path of the catalogue {catalogue.digest[:12]}, got "
            f"{path}.{hint} Paths are relative to the source."
        )
        raise NotFoundError(message)
    row = paths.index(path)
    families, groups = catalogue.families, catalogue.groups
    own = np.flatnonzero(families == families[row])
    leader = int(own[0])
    return Explanation(
        row=catalogue.table.slice(row, 1).to_pylist()[0],
        leader=paths[leader],
        num_family=len(own),
        families=tuple(np.unique(families[groups == groups[row]]).tolist()),
        chain=_chain(catalogue, edges, row, leader),
        bridges=_bridges(catalogue, edges, int(families[row])),
    )


def _chain(
    catalogue: Catalogue, edges: pa.Table, row: int, leader: int
) -> tuple[NamedEdge, ...]:
    """Return the fewest links from a row to a leader, those of many inliers first."""
    a, b = edges["a"].to_numpy(), edges["b"].to_numpy()
    family = catalogue.families
    numbers = np.flatnonzero((family[a] == family[row]) & (family[b] == family[row]))
    weights = 1 + 1 / (2 + edges["inliers"].to_numpy()[numbers])
    size = len(catalogue.paths)
    graph = coo_array((weights, (a[numbers], b[numbers])), shape=(size, size))
    start, end = (_shown(catalogue, one) for one in (row, leader))
    _, before = dijkstra(
        graph.tocsr(), directed=False, indices=end, return_predecessors=True
    )
    known = {tuple(sorted((a[n], b[n]))): n for n in numbers.tolist()}
    chain = []
    while start != end and before[start] >= 0:
        number = known[tuple(sorted((start, before[start])))]
        chain.append(_tie(catalogue, edges, number))
        start = before[start]
    return tuple(chain)


def _shown(catalogue: Catalogue, row: int) -> int:
    """Return the row that stands for all copies of a picture."""
    pixels: Sequence[str | None] = catalogue.table["pixel_sha256"].to_pylist()
    return row if pixels[row] is None else pixels.index(pixels[row])


def _bridges(
    catalogue: Catalogue, edges: pa.Table, family: int
) -> tuple[NamedEdge, ...]:
    first, second = (catalogue.families[edges[end].to_numpy()] for end in ("a", "b"))
    crosses = (first != second) & ((first == family) | (second == family))
    numbers = np.flatnonzero(crosses)
    order = np.argsort(-edges["overlap"].to_numpy()[numbers], kind="stable")
    return tuple(_tie(catalogue, edges, int(n)) for n in numbers[order])


def _tie(catalogue: Catalogue, edges: pa.Table, number: int) -> NamedEdge:
    edge = edges.slice(number, 1).to_pylist()[0]
    return NamedEdge(
        first=catalogue.paths[edge["a"]], second=catalogue.paths[edge["b"]], edge=edge
    )


def class_sizes(catalogue: Catalogue) -> tuple[ClassSizes, ...]:
    """Return the sizes of each class; those of families count copies too."""
    labels = np.array(catalogue.table["label"].to_pylist())
    kept = np.array(catalogue.table["status"].to_pylist()) == Status.KEPT
    return tuple(
        ClassSizes(
            name=name,
            num_images=int(np.sum(labels == name)),
            num_kept=int(np.sum(kept & (labels == name))),
            families=tuple(
                np.unique(catalogue.families[own], return_counts=True)[1].tolist()
            ),
            num_groups=len(np.unique(catalogue.groups[own])),
        )
        for name in catalogue.class_names
        for own in [(labels == name) & (catalogue.families >= 0)]
    )
