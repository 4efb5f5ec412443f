"""Small pictures for HTML pages: shrunk, laid over one another, as data URIs.

Knows pixels and transforms; nothing of files or families.
"""

import base64

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from lcc.images.decode import Image8

Transform = NDArray[np.float64]  # (3, 3): unit coordinates of one image → another's
NOTHING = (238, 241, 244)  # where an image does not reach: the grey of the pages
OUTLINE = (0, 102, 204)
NUM_SQUARES = 8  # of a chessboard's side
WEBP_QUALITY = 60  # two thirds of a JPEG of the same look
_MIRROR = np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def shrink(image: Image8, *, longest_px: int) -> Image8:
    """Return an image whose longer side is at most `longest_px`."""
    height, width = image.shape[:2]
    longest = max(height, width)
    if longest <= longest_px:
        return image
    size = tuple(max(1, side * longest_px // longest) for side in (width, height))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def transform_of(matrix: ArrayLike, *, mirrored: bool) -> Transform:
    """Return the transform of an edge: coordinates in a → coordinates in b.

    Args:
        matrix: Six numbers, as in `Edge`.
        mirrored: Whether they lead to the mirror image of b.
    """
    square = np.vstack([np.reshape(matrix, (2, 3)), (0, 0, 1)])
    return _MIRROR @ square if mirrored else square


def cut_square(image: Image8) -> Image8:
    """Return the square in the middle of an image: what features see of it."""
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def lay(tile: Image8, transform: Transform, *, size_px: int) -> Image8:
    """Return a tile moved into the frame of another.

    Args:
        tile: (side, side, 3) uint8.
        transform: (3, 3) unit coordinates of the tile → those of the frame.
        size_px: Side of the result; what the tile does not reach is `NOTHING`.
    """
    small = shrink(tile, longest_px=size_px)
    matrix = _to_pixels(size_px) @ transform @ np.linalg.inv(_to_pixels(len(small)))
    moved = cv2.warpAffine(
        small,
        matrix[:2],
        (size_px, size_px),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=NOTHING,
    )
    return np.asarray(moved, np.uint8)


def lay_over(
    first: Image8, second: Image8, transform: Transform, *, size_px: int
) -> Image8:
    """Return a chessboard of a tile and another moved into its frame, outlined.

    Lines that run on from square to square show one tissue.

    Args:
        first: (side, side, 3) uint8.
        second: The same.
        transform: (3, 3) unit coordinates of the second → those of the first.
        size_px: Side of the result.
    """
    board = lay(first, np.eye(3), size_px=size_px)
    moved = lay(second, transform, size_px=size_px)
    white = np.full((*second.shape[:2], 3), 255, np.uint8)
    reached = lay(white, transform, size_px=size_px)[..., 0] > NOTHING[0]
    square = np.arange(size_px) * NUM_SQUARES // size_px
    is_second = (square[:, None] + square[None, :]) % 2 == 1
    board[is_second & reached] = moved[is_second & reached]
    corners = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]]).T
    moved_corners = (_to_pixels(size_px) @ transform @ corners)[:2].T
    outline = np.rint(moved_corners).astype(np.int32)
    cv2.polylines(board, [outline], isClosed=True, color=OUTLINE, thickness=2)
    return board


def to_uri(image: Image8) -> str:
    """Return an RGB image as a data URI for an HTML page."""
    order = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, packed = cv2.imencode(".webp", order, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])
    return f"data:image/webp;base64,{base64.b64encode(packed.tobytes()).decode()}"


def _to_pixels(size_px: int) -> Transform:
    """Return the transform of unit coordinates to those of pixel centres."""
    half = 0.5
    return np.array([[size_px, 0, -half], [0, size_px, -half], [0, 0, 1]], float)
