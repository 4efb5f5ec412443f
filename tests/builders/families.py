"""Catalogues and edges made by hand."""

import numpy as np
import pyarrow as pa

from lcc.data.catalogue import SCHEMA, Catalogue
from lcc.families.edges import Edge, EdgeKind, tabulate_edges


def a_catalogue(
    families: list[int], groups: list[int], *, pixels: list[int] | None = None
) -> Catalogue:
    """Return a catalogue of tiles `tile0`, `tile1` …"""
    rows = [
        {
            "path": f"tile{row}",
            "pixel_sha256": f"{row if pixels is None else pixels[row]}",
            "label": "lung_n",
            "status": "kept",
            "family": family,
            "group": group,
            "split": "train",
            "record": row,
        }
        for row, (family, group) in enumerate(zip(families, groups, strict=True))
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    return Catalogue(name="tiles", digest="ab" * 32, table=table)


def an_edge(
    a: int,
    b: int,
    inliers: int = 50,
    *,
    matrix: np.ndarray | None = None,
    mirrored: bool = False,
    overlap: float = 0.9,
) -> Edge:
    """Return an edge; its matrix leads from a to b."""
    return Edge(
        a=a,
        b=b,
        angle=0,
        scale=1,
        mirrored=mirrored,
        inliers=inliers,
        overlap=overlap,
        correlation=0.9,
        matrix=tuple((np.eye(2, 3) if matrix is None else matrix).ravel()),
    )


def some_edges(*edges: Edge, questions: frozenset[int] = frozenset()) -> pa.Table:
    """Return edges as a catalogue keeps them; those at `questions` are questionable."""
    kinds = [
        str(EdgeKind.QUESTION if number in questions else EdgeKind.FAMILY)
        for number in range(len(edges))
    ]
    return tabulate_edges(edges).append_column("kind", pa.array(kinds, pa.string()))
