"""How much tissue two tiles share, given the transform between them.

Knows the unit square only.
"""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def overlap_of(matrix: Matrix) -> float:
    """Return the area that a tile shares with another, as share of the smaller, 0–1.

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


def _cut(polygon: Matrix, depth: NDArray[np.float64]) -> Matrix:
    """Return the part of a convex polygon whose depth is not negative.

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
