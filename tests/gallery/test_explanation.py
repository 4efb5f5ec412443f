"""Chains of links and bridges between families, on links made by hand."""

from lcc.gallery.explanation import explain
from tests.builders.families import a_catalogue, an_edge, some_edges


def test_the_chain_takes_the_fewest_links_and_the_surest_of_these():
    catalogue = a_catalogue([0] * 5, [0] * 5)
    links = [(0, 1, 9), (0, 2, 90), (1, 4, 9), (2, 4, 90), (2, 3, 99), (3, 4, 99)]
    edges = some_edges(*(an_edge(*link) for link in links))

    chain = explain(catalogue, edges, "tile4").chain

    assert [(tie.first, tie.second) for tie in chain] == [
        ("tile2", "tile4"),
        ("tile0", "tile2"),
    ]


def test_the_widest_link_to_each_other_family_of_the_group_is_its_bridge():
    catalogue = a_catalogue([0, 0, 1, 1, 2], [0, 0, 0, 0, 1])
    edges = some_edges(
        an_edge(0, 1),
        an_edge(0, 2, overlap=0.2),
        an_edge(1, 2, overlap=0.3),
        an_edge(2, 3),
    )

    found = explain(catalogue, edges, "tile0")

    assert found.families == (0, 1)
    assert [(tie.first, tie.second) for tie in found.bridges] == [("tile1", "tile2")]


def test_a_copy_has_the_chain_of_its_picture():
    catalogue = a_catalogue([0] * 3, [0] * 3, pixels=[0, 1, 1])
    edges = some_edges(an_edge(0, 1))

    (tie,) = explain(catalogue, edges, "tile2").chain

    assert (tie.first, tie.second) == ("tile0", "tile1")
