"""Families found with one set of defaults: in tiles of any size, and in drawn ones.

Real tiles are scaled to each side, in pixels; the synthetic set is drawn as `lcc-launch
sample` draws it. Prints the adjusted Rand index per class and lone tiles.
Usage: python benchmarks/sizes.py FAMILIES.csv [--families 20] [--sides 96 150 224 768]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score
from tiles import Image, read_image, read_tiles

from lcc import find_families
from lcc.data.sample import augment_copy, draw_source

Names = NDArray[np.str_]
DRAWN_PX, DRAWN_COPIES = 128, 9  # as `lcc-launch sample` has them
MARGIN = 1.5  # of a source around its copies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", type=Path)
    parser.add_argument("--families-a-class", type=int, default=20)
    parser.add_argument("--sides", type=int, nargs="+", default=[96, 150, 224, 768])
    arguments = parser.parse_args()
    count = arguments.families_a_class
    tiles = read_tiles(arguments.families)
    chosen = [
        np.unique(tiles.families[tiles.labels == label])[:count]
        for label in np.unique(tiles.labels)
    ]
    rows = np.flatnonzero(np.isin(tiles.families, np.concatenate(chosen)))
    images = [read_image(tiles.paths[row]) for row in rows]
    for side in arguments.sides:
        scaled = [scale(image, side) for image in images]
        report(f"{side} px", scaled, tiles.labels[rows], tiles.families[rows])
    report("drawn", *draw_tiles(np.unique(tiles.labels), count))


def scale(image: Image, side: int) -> Image:
    shrinks = side < image.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (side, side), interpolation=how), np.uint8)


def draw_tiles(classes: Names, count: int) -> tuple[list[Image], Names, Names]:
    """Return drawn tiles, their labels and their sources."""
    images, labels, sources = [], [], []
    draw = np.random.default_rng(0)
    for label in classes.tolist():
        for source in range(count):
            canvas = draw_source(label, size_px=round(DRAWN_PX * MARGIN), seed=draw)
            for _ in range(DRAWN_COPIES):
                images.append(augment_copy(canvas, size_px=DRAWN_PX, seed=draw))
                labels.append(label)
                sources.append(f"{label}/{source}")
    return images, np.array(labels), np.array(sources)


def report(name: str, images: Sequence[Image], labels: Names, truth: Names) -> None:
    """Print agreement by class, lone tiles, families joined or divided wrongly."""
    found = find_families(images).family
    indexes = [
        adjusted_rand_score(truth[labels == label], found[labels == label])
        for label in np.unique(labels)
    ]
    lone = np.sum(np.bincount(found) == 1)
    shown = " ".join(f"{index:.4f}" for index in indexes)
    print(
        f"{name}: {len(images)} tiles, adjusted Rand index {shown}, lone tiles {lone}, "
        f"{len(np.unique(found))} families of {len(np.unique(truth))}",
        flush=True,
    )


if __name__ == "__main__":
    main()
