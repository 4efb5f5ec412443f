"""Explain why an image is in its family and group, and how large families are.

Knows the rows of a catalogue and the edges between them.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa

from lcc.data.catalogue import Catalogue, ImageStatus
from lcc.errors import NotFoundError
from lcc.gallery.lineage import trace_lineage
from lcc.gallery.ranking import edges_between_families

TableRow = dict[str, Any]  # of a catalogue or of its edges


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedEdge:
    """An edge, with the paths of its two images.

    Attributes:
        first: Path of `a`.
        second: Path of `b`.
        edge: TableRow of `edges.parquet`.
        number: Which row that is.
    """

    first: str
    second: str
    edge: TableRow
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one image is in its family and group.

    Attributes:
        row: The image's row of the catalogue.
        leader: Path that its family is named by.
        num_family: Images of its family.
        families: Families of its group.
        path: Edges from the image to the leader, in order; none for a copy of it.
        to_others: The edge of most overlap to each other family that has one.
    """

    row: TableRow
    leader: str
    num_family: int
    families: tuple[int, ...]
    path: tuple[NamedEdge, ...]
    to_others: tuple[NamedEdge, ...]


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
    lineage = trace_lineage(catalogue, edges)
    others = edges_between_families(catalogue, edges, family=int(families[row]))
    return Explanation(
        row=catalogue.table.slice(row, 1).to_pylist()[0],
        leader=paths[lineage.leader[row]],
        num_family=len(own),
        families=tuple(np.unique(families[groups == groups[row]]).tolist()),
        path=tuple(name_edge(catalogue, edges, n) for n in lineage.path(row)),
        to_others=tuple(name_edge(catalogue, edges, n) for n in others),
    )


def name_edge(catalogue: Catalogue, edges: pa.Table, number: int) -> NamedEdge:
    """Return an edge with the paths of its two images."""
    edge = edges.slice(number, 1).to_pylist()[0]
    return NamedEdge(
        first=catalogue.paths[edge["a"]],
        second=catalogue.paths[edge["b"]],
        edge=edge,
        number=number,
    )


def describe_edge(edge: TableRow) -> str:
    """Return in words how an edge lays one image on the other, and what supports it."""
    mirrored = ", mirrored" if edge["mirrored"] else ""
    support = f"{edge['inliers']} inliers" if edge["inliers"] else "pixels alone"
    return (
        f"{edge['angle']:.0f}°{mirrored}, × {edge['scale']:.2f}, {support}, "
        f"overlap {edge['overlap']:.2f}, correlation {edge['correlation']:.2f}"
    )


def class_sizes(catalogue: Catalogue) -> tuple[ClassSizes, ...]:
    """Return the sizes of each class; those of families count copies too."""
    labels = np.array(catalogue.table["label"].to_pylist())
    kept = np.array(catalogue.table["status"].to_pylist()) == ImageStatus.KEPT
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
