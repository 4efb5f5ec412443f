"""What the side of a tile is worth to a frozen backbone: linear probes over folds.

Reads the packed tiles of a prepare run, enlarges or shrinks them, and prints for each
side the macro F1 of scikit-learn's logistic regression on the pooled features, mean
over the catalogue's folds (development part only), and the time against the first side.
Usage: python benchmarks/tile_size.py ROOT NAME BACKBONE.keras --packed 448 224 320 448
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lcc.data.catalogue import read_catalogue
from lcc.data.tiles import open_tiles
from lcc.storage.uri import open_store
from lcc.train.feature_store import development_rows

BATCH = 32
C = 0.01  # inverse strength of the regression's penalty


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root")
    parser.add_argument("name")
    parser.add_argument("backbone")
    parser.add_argument("--packed", type=int, required=True)
    parser.add_argument("sides", type=int, nargs="+")
    arguments = parser.parse_args()
    store = open_store(arguments.root)
    catalogue = read_catalogue(store, name=arguments.name, digest=None)
    rows = development_rows(catalogue)
    labels, folds = catalogue.labels[rows], catalogue.folds[rows]
    maps = keras.saving.load_model(arguments.backbone, compile=False)
    pooled = keras.layers.GlobalAveragePooling2D()(maps.output)
    model = keras.Model(maps.inputs[0], pooled)
    first = None
    with tempfile.TemporaryDirectory() as scratch:
        tiles = open_tiles(
            store, catalogue, size_px=arguments.packed, scratch=Path(scratch)
        )
        for side in arguments.sides:
            started = time.monotonic()
            features = compute(model, tiles, catalogue.records[rows], side)
            seconds = time.monotonic() - started
            first = first or seconds
            scores = probe(features, labels, folds)
            words = " ".join(f"{score:.3f}" for score in scores)
            print(
                f"{side} px: macro F1 {np.mean(scores):.3f} over folds ({words}), "
                f"{seconds / first:.1f} x the time",
                flush=True,
            )


def compute(model, tiles, records, side: int) -> np.ndarray:
    """Return features of tiles at another side, (k, channels)."""
    batches = []
    for start in range(0, len(records), BATCH):
        packed = np.asarray(tiles.take(records[start : start + BATCH]))
        how = cv2.INTER_LINEAR if side > packed.shape[1] else cv2.INTER_AREA
        resized = [cv2.resize(tile, (side, side), interpolation=how) for tile in packed]
        batches.append(model.predict_on_batch(np.stack(resized)))
    return np.concatenate(batches)


def probe(features: np.ndarray, labels: np.ndarray, folds: np.ndarray) -> list[float]:
    """Return the macro F1 of each fold, fitted on the others."""
    scores = []
    for fold in range(folds.max() + 1):
        inside = folds == fold
        model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=500))
        model.fit(features[~inside], labels[~inside])
        predicted = model.predict(features[inside])
        scores.append(f1_score(labels[inside], predicted, average="macro"))
    return scores


if __name__ == "__main__":
    main()
