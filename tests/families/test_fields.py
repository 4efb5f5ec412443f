"""Photographs of neighbouring fields are two families and one group."""

import numpy as np
import pyarrow as pa
import pytest

from lcc.config.data import FamilySettings
from lcc.families.edges import EDGE_SCHEMA
from lcc.families.fields import divide_fields, offsets
from tests.families.test_families import an_edge, clique

NEAR, FAR = 0.004, 0.1  # sides between the centres of two tiles


def divide(edges: list[dict], family: list[int]) -> list[int]:
    return divide_fields(
        np.array(family),
        np.zeros(len(family), np.int64),
        pa.Table.from_pylist(edges, schema=EDGE_SCHEMA),
        settings=FamilySettings(),
    ).tolist()


def between(one: range, other: range) -> list[dict]:
    return [an_edge(a, b, shift=FAR) for a in one for b in other]


def test_tiles_about_two_centres_are_two_families_though_all_share_most():
    edges = [*clique(range(4)), *clique(range(4, 9))]

    codes = divide([*edges, *between(range(4), range(4, 9))], [0] * 9)

    assert codes == [0] * 4 + [1] * 5


def test_a_tile_that_grew_into_the_neighbour_goes_to_its_own_field():
    edges = [*clique(range(4)), *clique(range(4, 9))]

    codes = divide([*edges, *between(range(4), range(4, 9))], [0] * 4 + [1, 0, 1, 1, 1])

    assert codes == [0] * 4 + [1] * 5


def test_copies_that_were_shifted_at_random_stay_one_family():
    shifts = np.random.default_rng(0).uniform(0.03, 0.15, (8, 8))
    edges = [
        an_edge(a, b, shift=float(shifts[a, b]))
        for a in range(8)
        for b in range(a + 1, 8)
    ]

    assert divide([*edges, an_edge(0, 1), an_edge(2, 3)], [0] * 8) == [0] * 8


def test_a_lone_tile_of_a_neighbouring_field_is_a_family_of_its_own():
    edges = [*clique(range(10)), *(an_edge(a, 10, shift=FAR) for a in range(10))]

    assert divide(edges, [0] * 11) == [0] * 10 + [1]


def test_a_tile_that_only_overlaps_stays_as_it_is():
    edges = [*clique(range(5)), *clique(range(5, 9)), an_edge(0, 9, overlap=0.3)]

    codes = divide([*edges, *between(range(5), range(5, 9))], [0] * 9 + [1])

    assert codes == [0] * 5 + [1] * 4 + [2]


def test_families_of_other_groups_are_left_alone():
    family = np.array([0, 0, 1, 1])
    edges = pa.Table.from_pylist([an_edge(0, 1), an_edge(2, 3)], schema=EDGE_SCHEMA)

    codes = divide_fields(family, family, edges, settings=FamilySettings())

    assert codes.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("scale", "offset"), [(1.0, 0.1), (2.0, 0.05), (0.5, 0.1)], ids=str
)
def test_an_offset_is_in_sides_of_the_larger_tile(scale: float, offset: float):
    half = 0.5 - scale / 2  # keeps the centre where it is
    edge = an_edge(0, 1) | {
        "scale": scale,
        "matrix": [scale, 0.0, half + 0.1, 0.0, scale, half],
    }

    found = offsets(pa.Table.from_pylist([edge], schema=EDGE_SCHEMA))

    assert found.tolist() == pytest.approx([offset])
