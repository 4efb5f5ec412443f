"""Packed tiles."""

import numpy as np
import pytest

from lcc.data.tiles import Tiles, make_tile
from tests.builders.pictures import a_picture


def some_tiles(*counts: int) -> tuple[Tiles, np.ndarray]:
    every = np.stack([a_picture(seed, size_px=32) for seed in range(sum(counts))])
    shards = np.split(every, np.cumsum(counts)[:-1])
    return Tiles(shards, size_px=32), every


def test_a_tile_of_the_right_size_is_left_alone():
    picture = a_picture(size_px=32)

    assert np.array_equal(make_tile(picture, size_px=32), picture)


def test_the_centre_is_cut_out_of_a_long_image():
    picture = np.zeros((32, 96, 3), np.uint8)
    picture[:, 32:64] = 200

    assert (make_tile(picture, size_px=32) == 200).all()


def test_shrinking_averages_areas():
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[::2] = 100

    assert (make_tile(picture, size_px=32) == 50).all()


def test_small_images_are_enlarged():
    assert make_tile(a_picture(size_px=20), size_px=32).shape == (32, 32, 3)


def test_tiles_come_in_the_order_asked_for():
    tiles, every = some_tiles(3, 1, 4)
    records = np.array([7, 0, 3, 3, 2])

    assert np.array_equal(tiles.take(records), every[records])


def test_no_records_give_no_tiles():
    tiles, _ = some_tiles(2)

    assert tiles.take(np.array([], np.int64)).shape == (0, 32, 32, 3)


@pytest.mark.parametrize("record", [-1, 2])
def test_a_record_that_is_not_there_is_an_error(record):
    tiles, _ = some_tiles(2)

    with pytest.raises(IndexError, match="records must lie in 0–1"):
        tiles.take(np.array([record]))
