"""Verify whether two images show the same tissue: by geometry, then by grey values.

Knows two feature records at a time; nothing of files or families.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lcc.config.data import FamilySettings
from lcc.data.features import (
    DESCRIPTOR_NORM,
    mirror_descriptors,
    mirror_points,
)
from lcc.families.alignment import (
    Matrix,
    correlate,
    overlap_of,
    refine,
    same_pixels,
)
from lcc.families.edges import Edge, tabulate_edges

RATIO = 0.85  # of the distances to best and second best; Lowe 2004, figure 11, has 0.8
TOLERANCE = 0.012  # of the side: 3 px at 256, twice SIFT's own scatter after resampling
MAX_ITERATIONS = 400  # finds 8 true of 30 matches with probability above 0.999
MIN_SPREAD = 0.04  # deviation of inliers in the narrower direction, in sides
CLOSE_SPREAD = 0.02  # where both judges must agree: in a strip of 0.15 it is 0.03
# Rotation by up to 25° with a crop to the largest rectangle, as LC25000 was made,
# changes the aspect by up to 1.3 in each of two copies; shear adds to it.
MAX_STRETCH = 2.5
MAX_SCALE = 4.0  # a close view of 2.5 × beside one that is itself a crop by a quarter
BLOCK_PAIRS = 1024  # about a second of work: how often progress shows


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
        A table of `EDGE_SCHEMA`; pairs that nothing supports are left out.
    """
    return tabulate_edges(find_edges(pairs, features, settings=settings))


def find_edges(
    pairs: Iterable[Sequence[int]],
    features: Callable[[int], np.void],
    *,
    settings: FamilySettings,
) -> list[Edge]:
    """Return what `verify_pairs` does, as a list of edges."""
    found = (
        verify_pair(int(a), int(b), features=features, settings=settings)
        for a, b in pairs
    )
    return [edge for edge in found if edge is not None]


def verify_pair(
    a: int, b: int, *, features: Callable[[int], np.void], settings: FamilySettings
) -> Edge | None:
    """Return the edge between two images, None where nothing supports one.

    Geometry decides, or, where it finds nothing, the pixels as they lie: of repeated
    texture they are all there is to compare. Of two blank tiles nobody can tell.

    Deterministic: the result depends on the two records and the settings alone.
    """
    first, second = features(a), features(b)
    fit = _fit_best(first, second, settings) or _compare_pixels(first, second, settings)
    return None if fit is None else _edge(a, b, fit)


def verify_closely(
    a: int, b: int, *, features: Callable[[int], np.void], settings: FamilySettings
) -> Edge | None:
    """Return the edge between two images that both judges support, else None.

    For records with many keypoints (`extract_closely`): a narrow strip may be all that
    two fields share, and inliers in one line are evidence only beside the pixels.
    """
    first, second = features(a), features(b)
    fit = _fit_best(first, second, settings, min_spread=CLOSE_SPREAD)
    if fit is None or fit.correlation < settings.min_correlation:
        return None
    return _edge(a, b, fit)


def _edge(a: int, b: int, fit: "_Fit") -> Edge:
    matrix = fit.matrix
    return Edge(
        a=a,
        b=b,
        angle=float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))),
        scale=fit.scale,
        mirrored=fit.mirrored,
        inliers=fit.inliers,
        overlap=overlap_of(matrix),
        correlation=fit.correlation,
        matrix=tuple(matrix.ravel().tolist()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """The transform that lays one image over another, and what supports it."""

    matrix: Matrix
    mirrored: bool
    inliers: int
    scale: float
    correlation: float


def _fit_best(
    first: np.void,
    second: np.void,
    settings: FamilySettings,
    *,
    min_spread: float = MIN_SPREAD,
) -> _Fit | None:
    """Return the better fit of image and mirror image, refined if pixels disagree."""
    matched = [_match(first, second, mirrored=mirrored) for mirrored in (False, True)]
    fits: list[tuple[int, bool, Matrix]] = []
    for matches in sorted(matched, key=len, reverse=True):
        if fits and len(matches) < fits[0][0]:
            break  # inliers are matches: this fit cannot be the better one
        if fit := _fit_affine(matches, settings=settings, spread=min_spread):
            fits.append(fit)
    if not fits:
        return None
    inliers, upright, matrix = max(fits, key=itemgetter(0, 1))
    mirrored = not upright
    scale = _sane_scale(matrix)
    if scale is None:
        return None
    correlation = correlate(first, second, matrix, mirrored=mirrored)
    if correlation < settings.min_correlation:
        refined = refine(first, second, matrix, mirrored=mirrored)
        better = correlate(first, second, refined, mirrored=mirrored)
        new_scale = _sane_scale(refined)
        if better > correlation and new_scale is not None:
            matrix, scale, correlation = refined, new_scale, better
    return _Fit(
        matrix=matrix,
        mirrored=mirrored,
        inliers=inliers,
        scale=scale,
        correlation=correlation,
    )


def _compare_pixels(
    first: np.void, second: np.void, settings: FamilySettings
) -> _Fit | None:
    """Return the turn or flip by which pixels agree, as closely as anywhere else.

    Two blank tiles agree in brightness alone, which is no evidence.
    """
    found = same_pixels(first, second)
    if found is None:
        return None
    matrix, mirrored, correlation = found
    if correlation < settings.min_correlation:
        return None
    return _Fit(
        matrix=matrix, mirrored=mirrored, inliers=0, scale=1.0, correlation=correlation
    )


@dataclass(frozen=True, slots=True)
class _Matches:
    """Points of one image, and where another or its mirror image has their like."""

    source: NDArray[np.float32]
    target: NDArray[np.float32]
    mirrored: bool

    def __len__(self) -> int:
        return len(self.source)


def _fit_affine(
    matches: _Matches, *, settings: FamilySettings, spread: float
) -> tuple[int, bool, Matrix] | None:
    """Return inliers, whether the image is upright, and the affine transform."""
    if len(matches) < settings.min_inliers:
        return None
    matrix, mask = cv2.estimateAffine2D(
        matches.source * 256,  # OpenCV's refinement is tuned to pixels
        matches.target * 256,
        method=cv2.RANSAC,
        ransacReprojThreshold=TOLERANCE * 256,
        maxIters=MAX_ITERATIONS,
        confidence=0.999,
    )
    if matrix is None:
        return None
    inside = mask.ravel().astype(bool)
    if inside.sum() < settings.min_inliers or _spread(matches.source[inside]) < spread:
        return None
    affine = np.asarray(matrix, np.float64)
    affine[:, 2] /= 256
    return int(inside.sum()), not matches.mirrored, affine


def _match(first: np.void, second: np.void, *, mirrored: bool) -> _Matches:
    """Return the mutually best matches that pass the ratio test.

    Source: Lowe, Distinctive image features from scale-invariant keypoints, IJCV 2004,
    section 7.1.
    """
    num_own, num_other = int(first["num"]), int(second["num"])
    if num_own < 2 or num_other < 2:  # noqa: PLR2004 - the ratio needs a second best
        nothing = np.zeros((0, 2), np.float32)
        return _Matches(nothing, nothing, mirrored)
    own = first["descriptors"][:num_own].astype(np.float32)
    other = second["descriptors"][:num_other].astype(np.float32)
    if mirrored:
        other = mirror_descriptors(other)
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
    target = second["points"][best[keep]]
    return _Matches(
        first["points"][keep], mirror_points(target) if mirrored else target, mirrored
    )


def _sane_scale(matrix: Matrix) -> float | None:
    """Return the mean scale, None where no augmentation makes such a transform."""
    longest, shortest = np.linalg.svd(matrix[:, :2], compute_uv=False)
    if np.linalg.det(matrix[:, :2]) <= 0 or longest > MAX_STRETCH * shortest:
        return None
    scale = float(np.sqrt(longest * shortest))
    return scale if 1 / MAX_SCALE <= scale <= MAX_SCALE else None


def _spread(points: NDArray[np.float32]) -> float:
    return float(np.sqrt(max(np.linalg.eigvalsh(np.cov(points.T))[0], 0.0)))
