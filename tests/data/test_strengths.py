"""Changes at five strengths: what each does to a drawn piece of tissue."""

import itertools

import cv2
import numpy as np
import pytest

from lcc.data.stains import EOSIN, HAEMATOXYLIN, WHITE, change_stains
from lcc.data.strengths import GRADED_CHANGES, change_tile


def a_tile(side: int = 224) -> np.ndarray:
    """Return a smooth tile in the colours of haematoxylin and eosin."""
    draw = np.random.default_rng(0)
    amounts = cv2.GaussianBlur(draw.uniform(0, 1, (side, side, 2)), (0, 0), 4)
    amounts = (amounts - amounts.min()) / np.ptp(amounts)
    density = amounts @ np.array([HAEMATOXYLIN, EOSIN])
    return np.clip(WHITE * np.exp(-density) - 1, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", GRADED_CHANGES)
def test_a_change_is_stronger_at_every_step_and_repeats_itself(change: str):
    tile = a_tile()

    def moved(strength: float) -> np.ndarray:
        return change_tile(tile, change, strength, seed=3, record=7)

    strengths = GRADED_CHANGES[change].strengths
    shifts = [np.abs(moved(s).astype(float) - tile).mean() for s in strengths]
    assert len(strengths) == 5
    assert 0 < shifts[0] < shifts[-1]
    # Views that are cut out lie at a drawn place: not every step is larger there.
    assert all(next_ > 0.9 * one for one, next_ in itertools.pairwise(shifts))
    assert moved(strengths[2]).shape == tile.shape
    assert moved(strengths[2]).dtype == np.uint8
    assert np.array_equal(moved(strengths[2]), moved(strengths[2]))


def test_the_draw_decides_between_darker_and_brighter_for_all_strengths():
    tile = a_tile()

    def brighter(record: int, strength: float) -> bool:
        changed = change_tile(tile, "brightness", strength, seed=0, record=record)
        return bool(changed.mean() > tile.mean())

    mild, strong = ([brighter(r, s) for r in range(20)] for s in (0.1, 0.5))
    assert mild == strong
    assert 3 < sum(mild) < 17


def test_stains_left_as_they_are_leave_every_colour_as_it_is():
    colours = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), axis=-1)
    image = colours.reshape(1, -1, 3).astype(np.uint8)

    same = change_stains(image, haematoxylin=1, eosin=1)

    assert np.array_equal(same, image)


@pytest.mark.parametrize(("stain", "other"), [(0, 1), (1, 0)])
def test_one_stain_changes_without_the_other(stain: int, other: int):
    image = a_tile()
    factors = [1.0, 1.0]
    factors[stain] = 1.4

    changed = change_stains(image, haematoxylin=factors[0], eosin=factors[1])

    before, after = (amounts_of(own) for own in (image, changed))
    well_dyed = before[:, stain] > 0.3
    ratio = after[well_dyed, stain] / before[well_dyed, stain]
    assert np.median(ratio) == pytest.approx(1.4, abs=0.02)
    assert np.median(np.abs(after - before)[:, other]) < 0.01


def amounts_of(image: np.ndarray) -> np.ndarray:
    """Return (n, 2) amounts of both stains by least squares, another way to them."""
    density = -np.log((image.reshape(-1, 3) + 1) / WHITE)
    basis = np.array([HAEMATOXYLIN, EOSIN]).T
    return np.linalg.lstsq(basis, density.T, rcond=None)[0].T


def test_saving_as_jpeg_keeps_the_colours_in_their_order():
    red = np.zeros((32, 32, 3), np.uint8)
    red[:, :, 0] = 200

    saved = change_tile(red, "JPEG", 90, seed=0, record=0)

    assert np.abs(saved.astype(int) - red).max() < 6
