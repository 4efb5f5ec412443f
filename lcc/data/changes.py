"""Change a tile as an augmentation, a scanner or a photographer does.

Knows pixels of one square image at a time; used to plant copies that are known.
"""

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lcc.images.decode import Image8

Draw = np.random.Generator
Change = Callable[[Image8, Draw], Image8]
MAX_ZOOM = 2.0  # of a close view


def look_closer(image: Image8, draw: Draw, *, zoom: float, angle: float) -> Image8:
    """Return a turned square of the image, as large as the image itself.

    Args:
        image: (side, side, 3) uint8.
        draw: Where it lies: anywhere in the image.
        zoom: How many times larger its content is shown, 1 or more.
        angle: Rotation in degrees; the corners are reflected where they lie outside.
    """
    side = image.shape[0]
    turn = np.radians(angle)
    reach = (abs(np.cos(turn)) + abs(np.sin(turn))) / zoom / 2  # of a corner, in sides
    room = max(0.5 - reach, 0.0)
    middle = (0.5 + draw.uniform(-room, room, 2)) * side - 0.5
    matrix = np.asarray(cv2.getRotationMatrix2D(middle.tolist(), angle, zoom))
    matrix[:, 2] += (side - 1) / 2 - middle
    return _warp(image, matrix)


def mirror(image: Image8, draw: Draw) -> Image8:
    """Flip, turn by quarters, or both; never neither."""
    choice = int(draw.integers(1, 8))
    turned = np.rot90(image, choice % 4)
    return np.ascontiguousarray(np.flip(turned, 1) if choice >= 4 else turned)  # noqa: PLR2004


def rotate(image: Image8, draw: Draw) -> Image8:
    """Turn by any angle, and cut to the square that holds no border."""
    turn = draw.uniform(0, 2 * np.pi)
    zoom = abs(np.cos(turn)) + abs(np.sin(turn))
    return look_closer(image, draw, zoom=zoom, angle=float(np.degrees(turn)))


def close_view(image: Image8, draw: Draw) -> Image8:
    """Show a part of the image twice as large at most, turned a little."""
    zoom = float(np.exp(draw.uniform(0, np.log(MAX_ZOOM))))
    return look_closer(image, draw, zoom=zoom, angle=draw.uniform(-25, 25) / zoom)


def shift(image: Image8, draw: Draw) -> Image8:
    """Move by a fifth of the side at most; what comes in is reflected."""
    by = draw.uniform(-0.2, 0.2, 2) * image.shape[0]
    return _warp(image, np.array([[1, 0, by[0]], [0, 1, by[1]]]))


def shear(image: Image8, draw: Draw) -> Image8:
    """Shear by 15 degrees at most."""
    slope = np.tan(np.radians(draw.uniform(-15, 15)))
    middle = (image.shape[0] - 1) / 2
    return _warp(image, np.array([[1, slope, -slope * middle], [0, 1, 0]]))


def brighten(image: Image8, draw: Draw) -> Image8:
    """Change brightness and contrast by a third."""
    return _cut(image * draw.uniform(0.7, 1.3) + draw.uniform(-20, 20))


def stain(image: Image8, draw: Draw) -> Image8:
    """Scale the optical density of each channel: another dye, another scanner."""
    density = -np.log((image.astype(np.float64) + 1) / 256)
    return _cut(256 * np.exp(-density * draw.uniform(0.7, 1.3, 3)) - 1)


def blur(image: Image8, draw: Draw) -> Image8:
    """Blur, with a standard deviation of 1.5 px in 224 at most."""
    sigma = draw.uniform(0.5, 1.5) * image.shape[0] / 224
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def compress(image: Image8, draw: Draw) -> Image8:
    """Save as a JPEG of quality 30 to 90."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(draw.integers(30, 91))]
    _, content = cv2.imencode(".jpg", image, quality)
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)


CHANGES: Mapping[str, Change] = {
    "flip or quarter turn": mirror,
    "rotation": rotate,
    "close view to 2 ×": close_view,
    "shift to 20 %": shift,
    "shear to 15°": shear,
    "brightness, contrast": brighten,
    "stain": stain,
    "blur": blur,
    "JPEG": compress,
}


def _warp(image: Image8, matrix: NDArray[Any]) -> Image8:
    side = image.shape[0]
    moved = cv2.warpAffine(
        image,
        matrix,
        (side, side),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(moved, np.uint8)


def _cut(values: NDArray[Any]) -> Image8:
    cut: Image8 = np.clip(values, 0, 255).astype(np.uint8)
    return cut
