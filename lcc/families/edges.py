"""Edges: verified pairs of images, what kind each is, and the table of them.

Knows numbers only; how an edge is found is `verification`, what follows from it
`clustering`.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lcc.config.commands import command_line
from lcc.config.data import FamilySettings
from lcc.data.catalogue import Catalogue, Codes
from lcc.data.parquet import from_parquet, to_parquet
from lcc.errors import NotFoundError
from lcc.storage import layout
from lcc.storage.pointers import source_words
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A verified pair of images that show the same tissue.

    Attributes:
        a: Row of the first image, smaller than `b`.
        b: Row of the second image.
        angle: Rotation from a to b (after mirroring), degrees, -180–180.
        scale: Size of a's content in b, 1 is equal; mean of both axes.
        mirrored: Whether b shows the mirror image of a.
        inliers: Matches that the transform explains; 0 where geometry found nothing
            and the pixels were compared as they lie.
        overlap: Shared area as share of the smaller tile, 0–1.
        correlation: Of grey values in the overlap after refinement, -1–1.
        matrix: The affine transform, (2, 3) row by row: a's unit coordinates → those
            of b, or of b's mirror image.
    """

    a: int
    b: int
    angle: float
    scale: float
    mirrored: bool
    inliers: int
    overlap: float
    correlation: float
    matrix: tuple[float, ...]


EDGE_SCHEMA = pa.schema(
    [
        ("a", pa.int64()),
        ("b", pa.int64()),
        ("angle", pa.float64()),
        ("scale", pa.float64()),
        ("mirrored", pa.bool_()),
        ("inliers", pa.int64()),
        ("overlap", pa.float64()),
        ("correlation", pa.float64()),
        ("matrix", pa.list_(pa.float64(), 6)),
    ]
)


class EdgeKind(StrEnum):
    """What an edge says of its two images, and how sure that is."""

    FAMILY = "family"  # both judges: mostly the same tissue
    OVERLAP = "overlap"  # both judges: some of the same tissue
    QUESTION = "question"  # one judge alone: look at both pictures


def kind_of(edge: Edge, settings: FamilySettings) -> EdgeKind:
    """Return the kind of one edge."""
    return EdgeKind(kinds_of(tabulate_edges([edge]), settings)[0])


def kinds_of(edges: pa.Table, settings: FamilySettings) -> NDArray[np.str_]:
    """Return the kind of each edge, (n,) values of `EdgeKind`."""
    by_geometry = edges["inliers"].to_numpy() > 0
    by_pixels = edges["correlation"].to_numpy() >= settings.min_correlation
    mostly = edges["overlap"].to_numpy() >= settings.min_overlap_fraction
    agreed = np.where(mostly, str(EdgeKind.FAMILY), str(EdgeKind.OVERLAP))
    return np.where(by_geometry & by_pixels, agreed, str(EdgeKind.QUESTION))


def ends(edges: pa.Table) -> Codes:
    """Return the rows of each edge, (n, 2)."""
    return np.stack([edges["a"].to_numpy(), edges["b"].to_numpy()], axis=1)


def tabulate_edges(edges: Iterable[Edge]) -> pa.Table:
    """Return a table of `EDGE_SCHEMA`, in the order given."""
    return pa.Table.from_pylist([asdict(edge) for edge in edges], schema=EDGE_SCHEMA)


def renumber_edges(edges: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """Return the edges with their rows numbered anew.

    Args:
        edges: Table of `EDGE_SCHEMA`.
        rows: New row of each old one, ascending, so that a stays smaller than b.
    """
    for position, name in enumerate(("a", "b")):
        column = pa.array(rows[edges[name].to_numpy()], pa.int64())
        edges = edges.set_column(position, name, column)
    return edges


def write_edges(
    store: Store, catalogue: Catalogue, edges: pa.Table, *, settings: FamilySettings
) -> None:
    """Write the edges between rows of a catalogue, with the column `kind`."""
    kinds = pa.array(kinds_of(edges, settings), pa.string())
    store.write(_key(catalogue), to_parquet(edges.append_column("kind", kinds)))


def read_edges(store: Store, catalogue: Catalogue) -> pa.Table:
    """Read the edges between rows of a catalogue: `EDGE_SCHEMA`, and `kind`.

    Of several copies of one picture, the first readable one stands for all.

    Raises:
        NotFoundError: An earlier release made the catalogue, or they were deleted.
    """
    try:
        return from_parquet(store.read(_key(catalogue)))
    except NotFoundError as err:
        message = (
            f"{shown_uri(store.uri, _key(catalogue))}: not found. This release keeps "
            "the edges between images; make them: "
            f"{command_line('prepare', *source_words(store, catalogue.name))}"
        )
        raise NotFoundError(message) from err


def _key(catalogue: Catalogue) -> str:
    return layout.edges(catalogue.name, catalogue.digest)
