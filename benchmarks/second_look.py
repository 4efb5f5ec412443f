"""What the second look costs: where data is all families, and where it has none.

Families are those made by hand; strangers are smooth noise, each a part of its own.
Prints how many rows ask, how many pairs they name, and seconds: of the look, of the
verification of what it names, and of the search for candidates before it.
Usage: python benchmarks/second_look.py FAMILIES.csv [--strangers 4000]
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tiles import Image, extract_all, in_processes, read_tiles

from lcc.config.data import FamilySettings
from lcc.data.features import extract_features
from lcc.data.work import single_threaded
from lcc.families.candidates import find_candidates
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
    print("| images | parts | ask | name pairs | look s | verify s | candidates s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    records, vectors = extract_all(tiles.paths)
    family = np.unique(tiles.families, return_inverse=True)[1]
    report("families", family, records, vectors)
    found = in_processes(stranger, range(arguments.strangers))
    report(
        "strangers",
        np.arange(arguments.strangers),
        np.stack([record for record, _ in found]),
        np.stack([vector for _, vector in found]),
    )


def stranger(seed: int) -> tuple[np.void, NDArray[np.float16]]:
    noise = np.random.default_rng(seed).integers(0, 256, (128, 128, 3))
    smooth = cv2.GaussianBlur(noise.astype(np.float32), (0, 0), 1.5)
    spread = (smooth - smooth.min()) / np.ptp(smooth) * 255
    image: Image = spread.astype(np.uint8)
    return extract_features(image, num_keypoints=SETTINGS.num_keypoints)


def report(
    name: str,
    family: Codes,
    records: NDArray[np.void],
    vectors: NDArray[np.float16],
) -> None:
    degree = np.zeros(len(family), np.int64)
    features = records.__getitem__
    look = SecondLook(features, memory_mib=SETTINGS.index_memory_mib)
    asking = choose_asking(rank_members(family, degree))
    times = [time.perf_counter()]
    with single_threaded():
        pairs = look(family, degree)
        times.append(time.perf_counter())
        find_edges(pairs.tolist(), features, settings=SETTINGS)
        times.append(time.perf_counter())
        find_candidates(vectors, num_neighbours=SETTINGS.num_neighbours)
        times.append(time.perf_counter())
    cells: Sequence[object] = (
        f"{len(family)} {name}",
        len(np.unique(family)),
        len(asking),
        len(pairs),
        *(f"{seconds:.1f}" for seconds in np.diff(times)),
    )
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
