"""Lay one tile over another: how well grey values agree, how much area is shared.

Knows thumbnails and affine transforms; the transform to start from comes from matched
keypoints (`verification`).
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
DETAIL_SIGMA = 8.0  # pixels of the thumbnail: slower changes are light, not tissue
DETAIL_SPREAD = 4.5  # median deviations: three standard deviations of noise
# np.rot90 once: (x, y) → (y, 1 - x)
_QUARTER_TURN = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])


def correlate(
    first: np.void, second: np.void, matrix: Matrix, *, mirrored: bool
) -> float:
    """Return the correlation of grey values where the first, moved, covers the second.

    Args:
        first: Record of `feature_dtype`.
        second: The same.
        matrix: Unit coordinates of the first → those of the second.
        mirrored: Whether they lead to the mirror image of the second.

    Returns:
        -1–1, 0 where hardly anything is covered.
    """
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    pixels = _to_pixels(matrix)
    moved: Grey = np.asarray(cv2.warpAffine(first["thumbnail"], pixels, size), np.uint8)
    white = np.full(size, 255, np.uint8)
    covered = cv2.warpAffine(white, pixels, size, flags=cv2.INTER_NEAREST)
    inside = np.asarray(covered) > 0
    return _correlation_of(moved[inside], _view(second, mirrored=mirrored)[inside])


def _view(record: np.void, *, mirrored: bool) -> Grey:
    thumbnail: Grey = record["thumbnail"]
    return np.ascontiguousarray(thumbnail[:, ::-1]) if mirrored else thumbnail


def _to_pixels(matrix: Matrix) -> Matrix:
    """Convert a transform of unit coordinates to pixel centres of the thumbnail."""
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


def _correlation_of(left: NDArray[Any], right: NDArray[Any]) -> float:
    if left.size < THUMBNAIL_PX:  # less than one row's worth says nothing
        return 0.0
    x = left.astype(np.float32) - left.mean()
    y = right.astype(np.float32) - right.mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y / norm) if norm > 0 else 0.0


def refine(
    first: np.void, second: np.void, matrix: Matrix, *, mirrored: bool
) -> Matrix:
    """Return a transform that aligns the grey values better, or the one given.

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


def same_pixels(first: np.void, second: np.void) -> tuple[Matrix, bool, float] | None:
    """Return the turn or flip by which two tiles have the same pixels, if there is one.

    For tiles in which keypoints tell nothing: blank, or of repeated texture.

    Returns:
        Transform from the first to the second, or to its mirror image, which, and how
        well the details agree, -1–1: blank tiles share their brightness and its slow
        changes with all others, and a speck may lie anywhere.
    """
    own = first["thumbnail"].astype(np.int16)
    other = second["thumbnail"].astype(np.int16)
    if abs(own.mean() - other.mean()) > PIXEL_TOLERANCE:  # no turn changes the mean
        return None
    found = [
        (_correlation_of(_details(turned), _details(view)), turn, mirrored)
        for mirrored, view in ((False, other), (True, other[:, ::-1]))
        for turn, turned in enumerate(np.rot90(own, turn) for turn in range(4))
        if np.abs(turned - view).mean() <= PIXEL_TOLERANCE
    ]
    if not found:
        return None
    alike, turn, mirrored = max(found)
    return np.linalg.matrix_power(_QUARTER_TURN, turn)[:2], mirrored, alike


def _details(grey: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return what differs from the surroundings, the few strongest spots cut down."""
    values = grey.astype(np.float32)
    detail = values - np.asarray(cv2.GaussianBlur(values, (0, 0), DETAIL_SIGMA))
    limit = max(DETAIL_SPREAD * float(np.median(np.abs(detail))), 1.0)
    return np.clip(detail, -limit, limit).ravel()


def overlap_of(matrix: Matrix) -> float:
    """Return the area that two tiles share, as a fraction of the smaller, 0–1.

    Args:
        matrix: (2, 3) affine transform of unit coordinates.
    """
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    shared = square @ matrix[:, :2].T + matrix[:, 2]
    for axis in (0, 1):
        shared = _cut(shared, shared[:, axis])
        shared = _cut(shared, 1 - shared[:, axis])
    if not len(shared):
        return 0.0
    x, y = shared.T
    area = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2  # the shoelace formula
    smaller = min(1.0, abs(float(np.linalg.det(matrix[:, :2]))))
    return float(min(area / smaller, 1.0))


def _cut(
    polygon: NDArray[np.float64], depth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Cut off the side of a convex polygon whose depth is negative.

    Source: Sutherland and Hodgman, Reentrant polygon clipping, CACM 1974. OpenCV's
    intersectConvexConvex finds no area where two edges coincide.

    Args:
        polygon: (n, 2) corners in order.
        depth: (n,) signed distances of the corners from the line of the cut.
    """
    kept = []
    for i in range(len(polygon)):
        if depth[i - 1] * depth[i] < 0:
            share = depth[i - 1] / (depth[i - 1] - depth[i])
            kept.append(polygon[i - 1] + share * (polygon[i] - polygon[i - 1]))
        if depth[i] >= 0:
            kept.append(polygon[i])
    return np.array(kept).reshape(-1, 2)
