"""Images that no model of tissue knows."""

import numpy as np
import pytest

from lcc.data.strangers import KINDS, RECOLOURED, make_stranger
from tests.evaluate.test_report import a_catalogue


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_makes_the_same_stranger_and_another_number_another(kind: str):
    catalogue, tiles = a_catalogue()
    tile = tiles.take(catalogue.records[:1])[0]

    one, again = (make_stranger(kind, tile, seed=1, number=2) for _ in range(2))
    others = [make_stranger(kind, tile, seed=1, number=n) for n in range(3, 20)]

    assert (one == again).all()
    assert one.dtype == np.uint8
    assert one.shape == tile.shape
    assert any((one != other).any() for other in others)


def test_other_colours_are_the_channels_of_the_tile_in_another_order():
    catalogue, tiles = a_catalogue()
    tile = tiles.take(catalogue.records[:1])[0]

    for number in range(20):
        found = make_stranger(RECOLOURED, tile, seed=0, number=number)

        assert (np.sort(found, axis=2) == np.sort(tile, axis=2)).all()
        assert (found != tile).any()


def test_blank_is_smooth_and_writing_is_ink_on_white():
    tile = np.zeros((64, 64, 3), np.uint8)

    for number in range(20):
        blank = make_stranger("blank", tile, seed=0, number=number)
        page = make_stranger("writing", tile, seed=0, number=number)

        assert blank.std() < 6
        assert blank.mean() > 120
        assert 0.3 < (page == 255).all(axis=2).mean() < 0.98
        assert page.min() < 160
