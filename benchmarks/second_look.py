"""What the second look costs: where data is all families, and where it has none.

Families are those made by hand; strangers are smooth noise, each a part of its own.
Prints how many rows ask, how many pairs they name, and seconds: of the look, of the
verification of what it names, of the pairs between families that are then looked at
closely, and of the search for candidates before it; and how many of these pairs are
tied, which among strangers are all false.
Usage: python benchmarks/second_look.py FAMILIES.csv [--strangers 4000]
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tiles import Image, extract_all, in_processes, read_image, read_tiles

from lcc.config.data import FamilySettings
from lcc.data.features import extract_features
from lcc.data.work import single_threaded
from lcc.families.candidates import find_candidates
from lcc.families.closer import CloserLook
from lcc.families.clustering import KnownEdges, look_closely
from lcc.families.edges import tabulate_edges
from lcc.families.marks import find_marks
from lcc.families.merging import SecondLook, choose_asking, rank_members
from lcc.families.verification import find_edges

SETTINGS = FamilySettings()
Codes = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", type=Path)
    parser.add_argument("--strangers", type=int, default=4000)
    arguments = parser.parse_args()
    tiles = read_tiles(arguments.families)
    heads = "images | parts | ask | name pairs | look s | verify s | closely | tied | s"
    print(f"| {heads} | candidates s |")
    print(f"| --- |{' ---: |' * 9}")
    records, vectors = extract_all(tiles.paths)
    family = np.unique(tiles.families, return_inverse=True)[1]
    images = [read_image(path) for path in tiles.paths]
    report("families", family, records, vectors, images.__getitem__)
    found = in_processes(features_of_stranger, range(arguments.strangers))
    report(
        "strangers",
        np.arange(arguments.strangers),
        np.stack([record for record, _ in found]),
        np.stack([vector for _, vector in found]),
        stranger,
    )


def features_of_stranger(seed: int) -> tuple[np.void, NDArray[np.float16]]:
    return extract_features(stranger(seed), num_keypoints=SETTINGS.num_keypoints)


def stranger(seed: int) -> Image:
    noise = np.random.default_rng(seed).integers(0, 256, (224, 224, 3))
    smooth = cv2.GaussianBlur(noise.astype(np.float32), (0, 0), 2.5)
    spread = (smooth - smooth.min()) / np.ptp(smooth) * 255
    return spread.astype(np.uint8)


def report(
    name: str,
    family: Codes,
    records: NDArray[np.void],
    vectors: NDArray[np.float16],
    pixels: Callable[[int], Image],
) -> None:
    degree = np.zeros(len(family), np.int64)
    features = records.__getitem__
    look = SecondLook(features, memory_mib=SETTINGS.index_memory_mib)
    asking = choose_asking(rank_members(family, degree))
    marks = find_marks(features, len(family))
    closer = CloserLook(pixels=pixels, marks=marks, settings=SETTINGS)
    times = [time.perf_counter()]
    with single_threaded():
        pairs = look(family, degree)
        times.append(time.perf_counter())
        edges = tabulate_edges(find_edges(pairs.tolist(), features, settings=SETTINGS))
        times.append(time.perf_counter())
        known = KnownEdges(edges, lambda _: [], closer)
        num_close = look_closely(known, pairs, family)
        num_tied = known.table.num_rows - edges.num_rows
        times.append(time.perf_counter())
        find_candidates(vectors, num_neighbours=SETTINGS.num_neighbours)
        times.append(time.perf_counter())
    look_s, verify_s, closely_s, candidates_s = np.diff(times)
    cells: Sequence[object] = (
        f"{len(family)} {name}",
        len(np.unique(family)),
        len(asking),
        len(pairs),
        f"{look_s:.1f}",
        f"{verify_s:.1f}",
        num_close,
        num_tied,
        f"{closely_s:.1f}",
        f"{candidates_s:.1f}",
    )
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
