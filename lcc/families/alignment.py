"""Do the grey values of two tiles agree, once one is laid over the other?

Knows thumbnails; the transform to start from comes from elsewhere (`verify`).
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lcc.data.features import THUMBNAIL_PX

Grey = NDArray[np.uint8]
Matrix = NDArray[np.float64]  # (2, 3): unit coordinates of a → those of b

NUM_ECC_ITERATIONS = 30
# Mean difference in grey levels of 255: JPEG at quality 30 moves a smooth tile by less.
PIXEL_TOLERANCE = 2.0
# np.rot90 once: (x, y) → (y, 1 - x)
_QUARTER_TURN = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])


def correlate(
    first: np.void, second: np.void, matrix: Matrix, *, mirrored: bool
) -> float:
    """Return the correlation of grey values where a, moved by `matrix`, covers b."""
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    pixels = _to_pixels(matrix)
    moved: Grey = np.asarray(cv2.warpAffine(first["thumbnail"], pixels, size), np.uint8)
    whole = np.full(size, 255, np.uint8)
    covered = cv2.warpAffine(whole, pixels, size, flags=cv2.INTER_NEAREST)
    inside = np.asarray(covered) > 0
    return _correlation_of(moved[inside], _view(second, mirrored=mirrored)[inside])


def _view(record: np.void, *, mirrored: bool) -> Grey:
    thumbnail: Grey = record["thumbnail"]
    return np.ascontiguousarray(thumbnail[:, ::-1]) if mirrored else thumbnail


def _to_pixels(matrix: Matrix) -> Matrix:
    """Move a transform of unit coordinates to pixel centres of the thumbnail."""
    pixels = matrix.copy()
    half = 0.5
    pixels[:, 2] = matrix[:, 2] * THUMBNAIL_PX + matrix[:, :2] @ [half, half] - half
    return pixels


def _to_units(pixels: Matrix) -> Matrix:
    """Undo `_to_pixels`."""
    matrix = pixels.copy()
    half = 0.5
    offset = pixels[:, 2] + half - pixels[:, :2] @ [half, half]
    matrix[:, 2] = offset / THUMBNAIL_PX
    return matrix


def _correlation_of(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> float:
    if left.size < THUMBNAIL_PX:  # less than one row's worth says nothing
        return 0.0
    x = left.astype(np.float32) - left.mean()
    y = right.astype(np.float32) - right.mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y / norm) if norm > 0 else 0.0


def refine(
    first: np.void, second: np.void, matrix: Matrix, *, mirrored: bool
) -> Matrix:
    """Return the transform that also aligns the grey values, or the one given.

    Source: Evangelidis and Psarakis, Parametric image alignment using enhanced
    correlation coefficient maximization, PAMI 2008 (OpenCV's findTransformECC).
    """
    criteria = (
        cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS,
        NUM_ECC_ITERATIONS,
        1e-4,
    )
    view = _view(second, mirrored=mirrored)
    warp: Any = cv2.invertAffineTransform(_to_pixels(matrix)).astype(np.float32)
    try:
        _, warp = cv2.findTransformECC(
            view,
            first["thumbnail"],
            warp,
            cv2.MOTION_AFFINE,
            criteria,
            inputMask=np.full_like(view, 255),
            gaussFiltSize=5,  # of 96 px: what two copies share survives it
        )
    except cv2.error:  # did not converge: the first fit stands
        return matrix
    return _to_units(np.asarray(cv2.invertAffineTransform(warp), np.float64))


def same_pixels(first: np.void, second: np.void) -> tuple[Matrix, bool] | None:
    """Return the symmetry of the square that makes two tiles the same, if one does.

    What is left for tiles that geometry cannot judge: blank, or of repeated texture.

    Returns:
        Transform from the first to the second, or to its mirror image, and which.
    """
    own = first["thumbnail"].astype(np.int16)
    other = second["thumbnail"].astype(np.int16)
    if abs(own.mean() - other.mean()) > PIXEL_TOLERANCE:  # no turn changes the mean
        return None
    for mirrored in (False, True):
        view = other[:, ::-1] if mirrored else other
        for turn in range(4):
            if np.abs(np.rot90(own, turn) - view).mean() <= PIXEL_TOLERANCE:
                return np.linalg.matrix_power(_QUARTER_TURN, turn)[:2], mirrored
    return None
