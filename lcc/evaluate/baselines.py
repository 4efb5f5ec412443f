"""Three models too simple to know any tissue: what they score, pixels give away.

A network whose interval does not lie above them has learnt nothing worth a GPU. On
random folds they look far better than on folds by group: that difference is the leak.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Image8 = NDArray[np.uint8]

SIDE_PX = 32  # of the reduced tiles that two of the baselines see
PERCENTILES = (5, 25, 50, 75, 95)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A model and what it sees of a tile."""

    name: str
    see: Callable[[Image8], Floats]
    make: Callable[[int], Any]


def see_pixels(tile: Image8) -> Floats:
    """Return the tile reduced to 32 × 32, (3072,) 0–1."""
    size = (SIDE_PX, SIDE_PX)
    small = cv2.resize(tile, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small.ravel() / 255, np.float64)


def see_colours(tile: Image8) -> Floats:
    """Return 22 numbers: L*a*b* mean, deviation and percentiles, and roughness.

    Args:
        tile: (side, side, 3) uint8 RGB.
    """
    lab = cv2.cvtColor(tile, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float64)
    grey = cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY)
    roughness = cv2.Laplacian(grey, cv2.CV_64F).std()
    percentiles = np.percentile(lab, PERCENTILES, axis=0).ravel()
    return np.concatenate([lab.mean(axis=0), lab.std(axis=0), percentiles, [roughness]])


def _neighbour(_: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(1)


def _regression(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # Strong shrinkage: 3,072 pixels and few hundred tiles; it also converges quickly.
    model = LogisticRegression(C=1e-3, max_iter=200, random_state=seed)
    return make_pipeline(StandardScaler(), model)


def _forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(300, random_state=seed, n_jobs=-1)


BASELINES = (
    Baseline("nearest neighbour on 32 × 32 pixels", see_pixels, _neighbour),
    Baseline("logistic regression on 32 × 32 pixels", see_pixels, _regression),
    Baseline("random forest on 22 colour statistics", see_colours, _forest),
)


def predict_baseline(
    baseline: Baseline,
    training: tuple[Floats, Ints],
    seen: Floats,
    *,
    num_classes: int,
    seed: int,
) -> Floats:
    """Fit on training features and labels; return probabilities (n, num_classes)."""
    model = baseline.make(seed).fit(*training)
    found = np.zeros((len(seen), num_classes))
    found[:, model.classes_] = model.predict_proba(seen)
    return found


def cross_validate(
    baseline: Baseline, seen: Floats, labels: Ints, folds: Ints, *, seed: int
) -> float:
    """Return the macro F1 over folds: mean of the F1 of each fold.

    Args:
        baseline: The model.
        seen: (n, features).
        labels: (n,) class numbers.
        folds: (n,) fold numbers.
        seed: Of the model.
    """
    from sklearn.metrics import f1_score

    scores = []
    for fold in np.unique(folds):
        inside = folds == fold
        model = baseline.make(seed).fit(seen[~inside], labels[~inside])
        predicted = model.predict(seen[inside])
        scores.append(f1_score(labels[inside], predicted, average="macro"))
    return float(np.mean(scores))


def random_folds(num_images: int, *, num_folds: int, seed: int) -> Ints:
    """Return folds that divide families: a mistake, made to show what it hides."""
    draw = np.random.default_rng(seed)
    return draw.permutation(np.arange(num_images) % num_folds)
