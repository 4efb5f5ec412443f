"""Images that no model of tissue knows: other colours, blank glass, writing, drawings.

Knows pixels of one square image at a time.
"""

import string
from collections.abc import Callable, Mapping
from itertools import permutations

import cv2
import numpy as np

from lcc.data.changes import Draw
from lcc.data.sample import CANVAS, CLASSES, augment_copy, draw_source
from lcc.images.decode import Image8

RECOLOURED = "other_colours"
RECOLOURINGS = [own for own in permutations(range(3)) if own != (0, 1, 2)]
LINES = 4  # of writing
LETTERS = list(string.ascii_letters + string.digits)


def _recoloured(tile: Image8, draw: Draw) -> Image8:
    """Return a tile whose red, green and blue are exchanged."""
    order = RECOLOURINGS[draw.integers(len(RECOLOURINGS))]
    return np.ascontiguousarray(tile[:, :, list(order)])


def _blank(tile: Image8, draw: Draw) -> Image8:
    """Return white or grey with the noise of a camera."""
    level, spread = draw.uniform(128, 255), draw.uniform(0, 4)
    return np.clip(draw.normal(level, spread, tile.shape), 0, 255).astype(np.uint8)


def _written(tile: Image8, draw: Draw) -> Image8:
    """Return lines of letters in one colour on white."""
    side = len(tile)
    page = np.full_like(tile, 255)
    ink = draw.integers(0, 160, 3).tolist()
    scale = side / 160  # a line of eight letters is about as wide as the tile
    for line in range(LINES):
        text = "".join(draw.choice(LETTERS, 8))
        place = (0, round(side * (line + 0.8) / LINES))
        thickness = max(1, round(2 * scale))
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(page, text, place, font, scale, ink, thickness, cv2.LINE_AA)
    return page


def _drawn(tile: Image8, draw: Draw) -> Image8:
    """Return a tile as `lcc-launch sample` draws it."""
    side = len(tile)
    label = CLASSES[draw.integers(len(CLASSES))]
    source = draw_source(label, size_px=round(side * CANVAS), seed=draw)
    return augment_copy(source, size_px=side, seed=draw)


# Kind → from a (side, side, 3) uint8 RGB tile of the test and a draw to a stranger.
KINDS: Mapping[str, Callable[[Image8, Draw], Image8]] = {
    RECOLOURED: _recoloured,
    "blank": _blank,
    "writing": _written,
    "drawn": _drawn,
}


def make_stranger(kind: str, tile: Image8, *, seed: int, number: int) -> Image8:
    """Return a stranger; the same arguments give the same image.

    Args:
        kind: A name in `KINDS`.
        tile: (side, side, 3) uint8 RGB of the test; only its size counts but for
            `other_colours`.
        seed: Of what is drawn.
        number: Strangers of other numbers differ.
    """
    draw = np.random.default_rng([seed, list(KINDS).index(kind), number])
    return KINDS[kind](tile, draw)
