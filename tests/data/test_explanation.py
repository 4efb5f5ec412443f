"""Chains of links and bridges between families, on links made by hand."""

import numpy as np
import pyarrow as pa

from lcc.data.catalogue import SCHEMA, Catalogue
from lcc.data.edges import Edge, tabulate_edges
from lcc.data.explanation import explain


def a_catalogue(families: list[int], groups: list[int]) -> Catalogue:
    rows = [
        {
            "path": f"tile{row}",
            "pixel_sha256": f"{row}",
            "label": "lung_n",
            "status": "kept",
            "family": family,
            "group": group,
        }
        for row, (family, group) in enumerate(zip(families, groups, strict=True))
    ]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    return Catalogue(name="tiles", digest="ab" * 32, table=table)


def some_edges(*pairs: tuple[int, int, int]) -> pa.Table:
    return tabulate_edges(
        Edge(
            a=a,
            b=b,
            angle=0,
            scale=1,
            mirrored=False,
            inliers=inliers,
            overlap=0.9,
            correlation=0.9,
            matrix=tuple(np.eye(2, 3).ravel()),
        )
        for a, b, inliers in pairs
    )


def test_the_chain_takes_the_fewest_links_and_the_surest_of_these():
    catalogue = a_catalogue([0] * 5, [0] * 5)
    edges = some_edges(
        (0, 1, 9), (0, 2, 90), (1, 4, 9), (2, 4, 90), (2, 3, 99), (3, 4, 99)
    )

    chain = explain(catalogue, edges, "tile4").chain

    assert [(tie.first, tie.second) for tie in chain] == [
        ("tile2", "tile4"),
        ("tile0", "tile2"),
    ]


def test_links_to_other_families_of_the_group_are_its_bridges():
    catalogue = a_catalogue([0, 0, 1, 1, 2], [0, 0, 0, 0, 1])
    edges = some_edges((0, 1, 50), (1, 2, 12), (2, 3, 50))

    found = explain(catalogue, edges, "tile0")

    assert found.families == (0, 1)
    assert [(tie.first, tie.second) for tie in found.bridges] == [("tile1", "tile2")]
