"""Three models too simple to know any tissue: what they score, pixels give away.

A network whose interval does not lie above them has learnt nothing worth a GPU. On
random folds they look far better than on folds by group: that difference is the leak.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lcc.data.catalogue import Catalogue
from lcc.data.tiles import Tiles
from lcc.evaluate.bootstrap import Floats, Ints
from lcc.evaluate.predictions import Part, Predictions, join_parts, predictions_of
from lcc.images.decode import Image8

Seen = Mapping[int, Any]  # row → what a baseline sees of its tile, a vector

SIDE_PX = 32  # of the reduced tiles that two of the baselines see
PERCENTILES = (5, 25, 50, 75, 95)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A model and what it sees of a tile."""

    name: str
    see: Callable[[Image8], Any]
    make: Callable[[int], Any]


def see_pixels(tile: Image8) -> NDArray[np.float32]:
    """Return the tile reduced to 32 × 32, (3072,) 0–1."""
    size = (SIDE_PX, SIDE_PX)
    small = cv2.resize(tile, size, interpolation=cv2.INTER_AREA)
    return small.ravel().astype(np.float32) / np.float32(255)


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


def predict_baselines(
    catalogue: Catalogue, tiles: Tiles, *, seed: int
) -> Iterator[tuple[str, Predictions]]:
    """Yield name and predictions of each baseline, of the test and over folds.

    Args:
        catalogue: The data set.
        tiles: Its packed tiles.
        seed: Of the models and of the random folds.
    """
    training, test = catalogue.rows("train"), catalogue.rows("test")
    development = np.sort(np.concatenate([training, catalogue.rows("validation")]))
    folds = catalogue.folds[development]
    shuffled = random_folds(len(development), num_folds=int(folds.max()) + 1, seed=seed)
    for baseline in BASELINES:
        seen = {
            int(row): baseline.see(tiles.take(catalogue.records[[row]])[0])
            for row in (*development, *test)
        }

        def fit(
            learn: Ints, say: Ints, see: Seen = seen, own: Any = baseline
        ) -> Floats:
            model = own.make(seed).fit(_stack(see, learn), catalogue.labels[learn])
            found = np.zeros((len(say), len(catalogue.class_names)))
            found[:, model.classes_] = model.predict_proba(_stack(see, say))
            return found

        parts = [(Part.TEST, test, fit(training, test))]
        for part, by in ((Part.OUT_OF_FOLD, folds), (Part.RANDOM_FOLDS, shuffled)):
            said = np.zeros((len(development), len(catalogue.class_names)))
            for fold in np.unique(by):
                said[by == fold] = fit(development[by != fold], development[by == fold])
            parts.append((part, development, said))
        found = [
            predictions_of(catalogue, rows, said, part=part)
            for part, rows, said in parts
        ]
        yield baseline.name, join_parts(found)


def _stack(seen: Seen, rows: Ints) -> Floats:
    return np.stack([seen[int(row)] for row in rows])


def random_folds(num_images: int, *, num_folds: int, seed: int) -> Ints:
    """Return folds that divide families: a mistake, made to show what it hides."""
    draw = np.random.default_rng(seed)
    return draw.permutation(np.arange(num_images) % num_folds)
