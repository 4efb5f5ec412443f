"""Paths of edges, and edges between families, on edges made by hand."""

from lcc.gallery.explanation import explain
from tests.builders.families import a_catalogue, an_edge, some_edges


def test_the_path_takes_the_fewest_edges_and_the_surest_of_these():
    catalogue = a_catalogue([0] * 5, [0] * 5)
    made = [(0, 1, 9), (0, 2, 90), (1, 4, 9), (2, 4, 90), (2, 3, 99), (3, 4, 99)]
    edges = some_edges(*(an_edge(*edge) for edge in made))

    path = explain(catalogue, edges, "tile4").path

    assert [(edge.first, edge.second) for edge in path] == [
        ("tile2", "tile4"),
        ("tile0", "tile2"),
    ]


def test_the_edge_of_most_overlap_leads_to_each_other_family_of_the_group():
    catalogue = a_catalogue([0, 0, 1, 1, 2], [0, 0, 0, 0, 1])
    edges = some_edges(
        an_edge(0, 1),
        an_edge(0, 2, overlap=0.2),
        an_edge(1, 2, overlap=0.3),
        an_edge(2, 3),
    )

    found = explain(catalogue, edges, "tile0")

    assert found.families == (0, 1)
    assert [(edge.first, edge.second) for edge in found.to_others] == [
        ("tile1", "tile2")
    ]


def test_a_copy_has_the_path_of_its_picture():
    catalogue = a_catalogue([0] * 3, [0] * 3, pixels=[0, 1, 1])
    edges = some_edges(an_edge(0, 1))

    (edge,) = explain(catalogue, edges, "tile2").path

    assert (edge.first, edge.second) == ("tile0", "tile1")
