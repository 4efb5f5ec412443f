"""Changes of a tile at five known strengths: what scanners, stains and people do to it.

Knows pixels of one square image at a time. Where a change goes two ways (darker or
brighter), a draw says which; the same draw serves all strengths, so that only the
strength differs between them.
Source: Hendrycks and Dietterich, Benchmarking neural network robustness to common
corruptions and perturbations, ICLR 2019 (five strengths); Tellez et al., Medical Image
Analysis 58 (2019) 101544 (which changes of stained tissue matter).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lcc.data.changes import Draw, look_closer
from lcc.data.stains import change_stains
from lcc.images.decode import Image8

REFERENCE_PX = 224  # side that lengths in pixels are told for
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedChange:
    """A change of a tile, and how strong it is made.

    Attributes:
        apply: From a (side, side, 3) uint8 RGB tile, a strength and a draw to the tile
            changed.
        strengths: Five, mildest first.
        unit: What a strength is.
    """

    apply: Callable[[Image8, float, Draw], Image8]
    strengths: tuple[float, ...] = SHARES
    unit: str = "±, share"


def change_tile(
    tile: Image8, change: str, strength: float, *, seed: int, record: int
) -> Image8:
    """Return a tile changed; the same arguments give the same tile.

    Args:
        tile: (side, side, 3) uint8 RGB.
        change: A name in `GRADED_CHANGES`.
        strength: In the unit of that change.
        seed: Of what is drawn.
        record: Number of the tile: tiles differ in what is drawn.
    """
    number = list(GRADED_CHANGES).index(change)
    draw = np.random.default_rng([seed, number, record])
    return GRADED_CHANGES[change].apply(tile, strength, draw)


def _factor(strength: float, draw: Draw) -> float:
    return 1 + _sign(draw) * strength


def _sign(draw: Draw) -> int:
    return int(draw.choice((-1, 1)))


def _brightness(tile: Image8, strength: float, draw: Draw) -> Image8:
    return _scale_about(tile, _factor(strength, draw), 0.0)


def _contrast(tile: Image8, strength: float, draw: Draw) -> Image8:
    return _scale_about(tile, _factor(strength, draw), float(tile.mean()))


def _scale_about(tile: Image8, factor: float, middle: float) -> Image8:
    table = _rounded((np.arange(256) - middle) * factor + middle)
    return table[tile]


def _saturation(tile: Image8, strength: float, draw: Draw) -> Image8:
    grey = cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY)[:, :, None].astype(np.float32)
    return _rounded(grey + (tile - grey) * np.float32(_factor(strength, draw)))


def _hue(tile: Image8, strength: float, draw: Draw) -> Image8:
    hsv = cv2.cvtColor(tile.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[:, :, 0] = (hsv[:, :, 0] + _sign(draw) * strength) % 360
    return _rounded(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255)


def _haematoxylin(tile: Image8, strength: float, draw: Draw) -> Image8:
    return change_stains(tile, haematoxylin=_factor(strength, draw), eosin=1)


def _eosin(tile: Image8, strength: float, draw: Draw) -> Image8:
    return change_stains(tile, haematoxylin=1, eosin=_factor(strength, draw))


def _blur(tile: Image8, strength: float, _: Draw) -> Image8:
    sigma = strength * len(tile) / REFERENCE_PX
    return np.asarray(cv2.GaussianBlur(tile, (0, 0), sigma), np.uint8)


def _noise(tile: Image8, strength: float, draw: Draw) -> Image8:
    grain = draw.standard_normal(tile.shape, np.float32)
    return _rounded(tile + grain * np.float32(strength))


def _jpeg(tile: Image8, strength: float, _: Draw) -> Image8:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(strength)]
    bgr = cv2.cvtColor(tile, cv2.COLOR_RGB2BGR)  # the order that OpenCV's files have
    content = cv2.imencode(".jpg", bgr, quality)[1]
    decoded = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _resize(tile: Image8, strength: float, _: Draw) -> Image8:
    side = len(tile)
    least = max(round(side * strength), 1)
    small = cv2.resize(tile, (least, least), interpolation=cv2.INTER_AREA)
    again = cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(again, np.uint8)


def _zoom(tile: Image8, strength: float, draw: Draw) -> Image8:
    return look_closer(tile, draw, zoom=strength, angle=0)


def _rotation(tile: Image8, strength: float, draw: Draw) -> Image8:
    return look_closer(tile, draw, zoom=1, angle=_sign(draw) * strength)


def _rounded(values: NDArray[Any]) -> Image8:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


GRADED_CHANGES: Mapping[str, GradedChange] = {
    "brightness": GradedChange(apply=_brightness),
    "contrast": GradedChange(apply=_contrast),
    "saturation": GradedChange(apply=_saturation),
    "hue": GradedChange(
        apply=_hue, strengths=(5, 10, 20, 30, 45), unit="± degrees of the circle"
    ),
    "haematoxylin": GradedChange(apply=_haematoxylin),
    "eosin": GradedChange(apply=_eosin),
    "blur": GradedChange(
        apply=_blur,
        strengths=(0.5, 1, 1.5, 2, 3),
        unit=f"standard deviation, px in {REFERENCE_PX}",
    ),
    "noise": GradedChange(
        apply=_noise, strengths=(5, 10, 15, 20, 30), unit="standard deviation, of 255"
    ),
    "JPEG": GradedChange(apply=_jpeg, strengths=(90, 70, 50, 30, 10), unit="quality"),
    "resize": GradedChange(
        apply=_resize,
        strengths=(0.75, 0.5, 0.35, 0.25, 0.15),
        unit="share of the side, down and up again",
    ),
    "zoom": GradedChange(
        apply=_zoom, strengths=(1.1, 1.25, 1.5, 1.75, 2), unit="times larger"
    ),
    "rotation": GradedChange(
        apply=_rotation, strengths=(5, 10, 20, 30, 45), unit="± degrees"
    ),
}
