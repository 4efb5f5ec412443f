"""Whether two images show the same tissue: geometry first, then correlation.

Knows two feature records at a time; nothing of files or families.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lcc.config.data import FamilySettings
from lcc.data.edges import Edge, tabulate_edges
from lcc.data.fingerprint import DESCRIPTOR_NORM, THUMBNAIL_PX

Grey = NDArray[np.uint8]
Matrix = NDArray[np.float64]  # (2, 3): unit coordinates of a → those of b

RATIO = 0.85  # of the distances to best and second best; Lowe 2004, figure 11, has 0.8
TOLERANCE = 0.012  # of the side: 3 px at 256, twice SIFT's own scatter after resampling
MAX_ITERATIONS = 400  # finds 8 true of 30 matches with probability above 0.999
MIN_SPREAD = 0.04  # deviation of inliers in the narrower direction, in sides
# Rotation by up to 25° with a crop to the largest rectangle, as LC25000 was made,
# changes the aspect by up to 1.3 in each of two copies; shear adds to it.
MAX_STRETCH = 2.5
MAX_SCALE = 2.5  # crops to two fifths of the side; beyond it too little is shared
NUM_ECC_ITERATIONS = 30


def verify_pairs(
    pairs: Iterable[Sequence[int]],
    features: Callable[[int], np.void],
    *,
    settings: FamilySettings,
) -> pa.Table:
    """Return the edges among pairs of images, in the order of the pairs.

    Args:
        pairs: Rows a < b.
        features: Record of `feature_dtype` of a row.
        settings: What both judges ask for.

    Returns:
        A table of `EDGE_SCHEMA`; pairs that geometry does not confirm are left out.
    """
    found = (
        verify_pair(int(a), int(b), features=features, settings=settings)
        for a, b in pairs
    )
    return tabulate_edges(edge for edge in found if edge is not None)


def verify_pair(
    a: int, b: int, *, features: Callable[[int], np.void], settings: FamilySettings
) -> Edge | None:
    """Return the edge between two images, None where geometry does not confirm it.

    Deterministic: the result depends on the two records and the settings alone.
    """
    first, second = features(a), features(b)
    best: tuple[int, Matrix, bool] | None = None
    for side in (0, 1):
        fit = _fit_affine(first, second, side=side, least=settings.min_inliers)
        if fit is not None and (best is None or fit[0] > best[0]):
            best = (*fit, side == 1)
    if best is None:
        return None
    inliers, matrix, mirrored = best
    scale = _sane_scale(matrix)
    if scale is None:
        return None
    correlation = _correlate(first, second, matrix, mirrored=mirrored)
    if correlation < settings.min_correlation:
        refined = _refine(first, second, matrix, mirrored=mirrored)
        better = _correlate(first, second, refined, mirrored=mirrored)
        if better > correlation and _sane_scale(refined) is not None:
            matrix, correlation = refined, better
    return Edge(
        a=a,
        b=b,
        angle=float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))),
        scale=scale,
        mirrored=mirrored,
        inliers=inliers,
        overlap=_overlap(matrix),
        correlation=correlation,
        matrix=tuple(matrix.ravel().tolist()),
    )


def _fit_affine(
    first: np.void, second: np.void, *, side: int, least: int
) -> tuple[int, Matrix] | None:
    """Match the image `first` with one side of `second`, fit an affine transform."""
    own, other = _match(first, second, side=side)
    if len(own) < least:
        return None
    source = first["points"][0][own]
    target = second["points"][side][other]
    matrix, mask = cv2.estimateAffine2D(
        source * 256,  # OpenCV's refinement is tuned to pixels
        target * 256,
        method=cv2.RANSAC,
        ransacReprojThreshold=TOLERANCE * 256,
        maxIters=MAX_ITERATIONS,
        confidence=0.999,
    )
    if matrix is None:
        return None
    inside = mask.ravel().astype(bool)
    if inside.sum() < least or _spread(source[inside]) < MIN_SPREAD:
        return None
    matrix[:, 2] /= 256
    return int(inside.sum()), matrix


def _match(
    first: np.void, second: np.void, *, side: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return indices of mutually best matches that pass the ratio test.

    Source: Lowe, Distinctive image features from scale-invariant keypoints, IJCV 2004,
    section 7.1.
    """
    nothing = np.zeros(0, np.int64)
    num_own, num_other = int(first["num"][0]), int(second["num"][side])
    if num_own < 2 or num_other < 2:  # noqa: PLR2004 - the ratio needs a second best
        return nothing, nothing
    own = first["descriptors"][0, :num_own].astype(np.float32)
    other = second["descriptors"][side, :num_other].astype(np.float32)
    cosine = own @ other.T / DESCRIPTOR_NORM**2
    best = cosine.argmax(axis=1)
    rows = np.arange(num_own)
    top = cosine[rows, best]
    mutual = cosine.argmax(axis=0)[best] == rows
    cosine[rows, best] = -1
    second_best = cosine.max(axis=1)
    # Squared distances of unit vectors: 2 - 2 cos.
    clear = (1 - top) < RATIO**2 * (1 - second_best)
    keep = np.flatnonzero(mutual & clear)
    return keep, best[keep]


def _sane_scale(matrix: Matrix) -> float | None:
    """Return the mean scale, None for a transform that no augmentation makes."""
    longest, shortest = np.linalg.svd(matrix[:, :2], compute_uv=False)
    if np.linalg.det(matrix[:, :2]) <= 0 or longest > MAX_STRETCH * shortest:
        return None
    scale = float(np.sqrt(longest * shortest))
    return scale if 1 / MAX_SCALE <= scale <= MAX_SCALE else None


def _spread(points: NDArray[np.float32]) -> float:
    return float(np.sqrt(max(np.linalg.eigvalsh(np.cov(points.T))[0], 0.0)))


def _overlap(matrix: Matrix) -> float:
    """Return the shared area as share of the smaller tile, 0–1."""
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    moved = (square @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    area, _ = cv2.intersectConvexConvex(moved, square)
    smaller = min(1.0, abs(float(np.linalg.det(matrix[:, :2]))))
    return float(min(area / smaller, 1.0))


def _correlate(
    first: np.void, second: np.void, matrix: Matrix, *, mirrored: bool
) -> float:
    """Return the correlation of grey values where a, moved by `matrix`, covers b."""
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    pixels = _to_pixels(matrix)
    moved: Grey = np.asarray(cv2.warpAffine(first["thumbnail"], pixels, size), np.uint8)
    whole = np.full(size, 255, np.uint8)
    covered = cv2.warpAffine(whole, pixels, size, flags=cv2.INTER_NEAREST)
    inside = np.asarray(covered) > 0
    return _correlation(moved[inside], _view(second, mirrored=mirrored)[inside])


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


def _correlation(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> float:
    if left.size < THUMBNAIL_PX:  # less than one row's worth says nothing
        return 0.0
    x = left.astype(np.float32) - left.mean()
    y = right.astype(np.float32) - right.mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y / norm) if norm > 0 else 0.0


def _refine(
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
