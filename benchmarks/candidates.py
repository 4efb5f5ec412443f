"""The search for candidates alone, at N, 2 N, 4 N and 8 N real descriptors.

The tiles and augmented copies of them (turned, flipped, zoomed). Prints seconds of one
thread, the factor for each doubling, the exact search beside it, the share of its pairs
that are found, the memory of the index, and the pairs per tile that are left to verify.
Usage: python benchmarks/candidates.py FAMILIES.csv
"""

import argparse
import time
from pathlib import Path

import cv2
import faiss
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tiles import Image, in_processes, read_image, read_tiles

from lcc.config.data import FamilySettings
from lcc.data.features import extract_features
from lcc.families.candidates import build_index, find_candidates, find_nearest

NUM_COPIES = 8  # of each tile, itself included
NUM_ASKED = 2000  # rows that the exact search is asked for
SETTINGS = FamilySettings()
Vectors = NDArray[np.float16]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", type=Path)
    paths = read_tiles(parser.parse_args().families).paths
    copies = np.stack(in_processes(describe, list(enumerate(paths))))
    print(
        "| images | graph, s | × | exact, s | recall | bytes an image | pairs a tile |"
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    before = None
    with threadpool_limits(1):
        for count in (1, 2, 4, 8):
            vectors = np.ascontiguousarray(copies[:, :count].reshape(-1, 512))
            seconds, cells = measure(vectors)
            factor = f"{seconds / before:.2f}" if before else ""
            print(
                f"| {len(vectors)} | {seconds:.1f} | {factor} | {cells} |", flush=True
            )
            before = seconds


def describe(item: tuple[int, Path]) -> Vectors:
    """Return the descriptors of a tile and of its copies, (copies, 512)."""
    number, path = item
    draw = np.random.default_rng(number)
    tile = read_image(path)
    images = [tile, *(augment(tile, draw) for _ in range(NUM_COPIES - 1))]
    return np.stack(
        [extract_features(i, num_keypoints=SETTINGS.num_keypoints)[1] for i in images]
    )


def augment(tile: Image, draw: np.random.Generator) -> Image:
    """Turn by up to 25°, zoom by up to a half, flip: as LC25000 was made."""
    side = tile.shape[0]
    angle, zoom = draw.uniform(-25, 25), draw.uniform(1, 1.5)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, zoom)
    moved = cv2.warpAffine(tile, matrix, (side, side), borderMode=cv2.BORDER_REFLECT)
    if draw.random() < 0.5:
        moved = cv2.flip(moved, int(draw.integers(-1, 2)))
    return np.asarray(moved, np.uint8)


def measure(vectors: Vectors) -> tuple[float, str]:
    """Return seconds of the search, and what else there is to say of it."""
    start = time.perf_counter()
    pairs = find_candidates(vectors, num_neighbours=SETTINGS.num_neighbours)
    seconds = time.perf_counter() - start
    index = build_index(vectors)
    asked = np.random.default_rng(0).choice(len(vectors), NUM_ASKED, replace=False)
    count = SETTINGS.num_neighbours + 1
    exact = faiss.IndexFlatIP(vectors.shape[1])
    exact.add(vectors.astype(np.float32))
    start = time.perf_counter()
    _, wanted = exact.search(vectors[asked].astype(np.float32), count)
    exact_seconds = (time.perf_counter() - start) * len(vectors) / NUM_ASKED
    found = find_nearest(vectors[asked], [index], num_nearest=count)
    recall = np.mean([np.isin(w, f).mean() for w, f in zip(wanted, found, strict=True)])
    size = faiss.serialize_index(index).nbytes / len(vectors)
    per_tile = len(pairs) / len(vectors)
    return seconds, f"{exact_seconds:.1f} | {recall:.4f} | {size:.0f} | {per_tile:.1f}"


if __name__ == "__main__":
    main()
