"""What the features of a tile cost, and what cheaper ones would find.

Prints the time of the features of image and mirror against one SIFT run; the recall of
mirrored pairs against features of the mirror image computed anew; and, for smaller
tiles and fewer keypoints, time, recall of pairs of one hand-made family, tiles that
find no three siblings among their candidates, and edges between classes (all false).
Usage: python benchmarks/features.py FAMILIES.csv [--pairs 4000]
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tiles import Image, Tiles, extract_all, in_processes, read_image, read_tiles

from lcc.config.data import FamilySettings
from lcc.data import features
from lcc.families.candidates import find_candidates
from lcc.families.verification import verify_pair

SETTINGS = FamilySettings()
NUM_TIMED = 100
MIN_SIBLINGS = 3  # among the candidates, so that a family holds together
VARIANTS = (
    (224, 200),
    (224, 150),
    (192, 200),
    (160, 200),
    (160, 150),
    (128, 200),
    (112, 200),
)
Rows = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", type=Path)
    parser.add_argument("--pairs", type=int, default=4000)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    tiles = read_tiles(arguments.families)
    draw = np.random.default_rng(0)
    timed = [
        read_image(tiles.paths[i]) for i in draw.choice(len(tiles.paths), NUM_TIMED)
    ]
    report_mirror(timed)
    pairs = sibling_pairs(tiles, arguments.pairs, draw)
    report_mirrored_pairs(tiles, pairs)
    columns = ("side, px", "keypoints", "time", "pairs found", "too few siblings")
    print(f"\n| {' | '.join(columns)} | false edges |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for side, num_keypoints in VARIANTS:
        cost = relative_time(timed, side, num_keypoints)
        features._WORK_PX = side
        cells = accuracy(tiles, pairs, num_keypoints)
        print(f"| {side} | {num_keypoints} | {cost:.2f} | {cells} |", flush=True)


def relative_time(images: list[Image], side: int, num_keypoints: int) -> float:
    """Return the time of a variant over that of the first, image by image by turns."""
    seconds: dict[tuple[int, int], list[float]] = {}
    for image in images:
        for variant in (VARIANTS[0], (side, num_keypoints)):
            features._WORK_PX = variant[0]
            start = time.perf_counter()
            features.extract_features(image, num_keypoints=variant[1])
            seconds.setdefault(variant, []).append(time.perf_counter() - start)
    first, own = seconds[VARIANTS[0]], seconds[side, num_keypoints]
    return float(np.median(own) / np.median(first))


def median_time(work: Callable[[Image], object], images: list[Image]) -> float:
    """Return seconds for one image."""
    seconds = []
    for image in images:
        start = time.perf_counter()
        work(image)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def report_mirror(images: list[Image]) -> None:
    """Print the time of the features of image and mirror over one SIFT run."""
    count = SETTINGS.num_keypoints

    def once(grey: Image) -> object:
        return features._detect(grey, count)

    def both(grey: Image) -> object:
        points, descriptors = features._detect(grey, count)
        mirror = features.mirror_points(points)
        return mirror, features.mirror_descriptors(descriptors)

    def twice(grey: Image) -> object:
        mirror = np.ascontiguousarray(grey[:, ::-1])
        return once(grey), once(mirror)

    greys = [np.asarray(cv2.cvtColor(i, cv2.COLOR_RGB2GRAY), np.uint8) for i in images]
    base = median_time(once, greys)
    whole = partial(features.extract_features, num_keypoints=count)
    print(f"image and mirror / one SIFT run: {median_time(both, greys) / base:.2f}")
    print(f"SIFT of image and of mirror / one: {median_time(twice, greys) / base:.2f}")
    print(f"all features of a tile / one: {median_time(whole, images) / base:.2f}")


def sibling_pairs(tiles: Tiles, count: int, draw: np.random.Generator) -> Rows:
    """Return pairs of tiles of one hand-made family, (count, 2)."""
    members = [np.flatnonzero(tiles.families == f) for f in np.unique(tiles.families)]
    chosen = draw.integers(0, len(members), count)
    return np.array([draw.choice(members[i], 2, replace=False) for i in chosen])


def report_mirrored_pairs(tiles: Tiles, pairs: Rows) -> None:
    """Print how many mirrored pairs are found: derived against computed anew."""
    found = np.array(in_processes(partial(link_mirrored, tiles), pairs.tolist()))
    found = found[found[:, 2]]
    print(
        f"\n{len(found)} mirrored pairs, found with the mirror's features derived: "
        f"{found[:, 0].mean():.4f}, computed anew: {found[:, 1].mean():.4f}"
    )


def link_mirrored(tiles: Tiles, pair: list[int]) -> tuple[bool, bool, bool]:
    """Return whether a pair is found with derived features, with new, and mirrored."""
    first, second = (read_image(tiles.paths[row]) for row in pair)
    images = (first, second, np.ascontiguousarray(second[:, ::-1]))
    records = [
        features.extract_features(i, num_keypoints=SETTINGS.num_keypoints)[0]
        for i in images
    ]
    verify = partial(verify_pair, features=records.__getitem__, settings=SETTINGS)
    derived, anew = verify(0, 1), verify(0, 2)
    is_mirrored = (derived is not None and derived.mirrored) or (
        anew is not None and not anew.mirrored
    )
    return (
        derived is not None and derived.mirrored,
        anew is not None and not anew.mirrored,
        is_mirrored,
    )


def accuracy(tiles: Tiles, pairs: Rows, num_keypoints: int) -> str:
    records, vectors = extract_all(tiles.paths, num_keypoints=num_keypoints)
    near = find_candidates(vectors, num_neighbours=SETTINGS.num_neighbours)
    is_sibling = tiles.families[near[:, 0]] == tiles.families[near[:, 1]]
    siblings = np.bincount(near[is_sibling].ravel(), minlength=len(tiles.paths))
    foreign = near[tiles.labels[near[:, 0]] != tiles.labels[near[:, 1]]]
    linked, false = (
        np.concatenate(
            in_processes(partial(count_links, records), np.array_split(p, 50), chunk=1)
        )
        for p in (pairs, foreign)
    )
    lonely = np.sum(siblings < MIN_SIBLINGS)
    return f"{linked.mean():.4f} | {lonely} | {false.sum()} of {len(foreign)}"


def count_links(records: NDArray[np.void], pairs: Rows) -> NDArray[np.bool_]:
    return np.array(
        [
            verify_pair(*sorted(p), features=records.__getitem__, settings=SETTINGS)
            is not None
            for p in pairs.tolist()
        ],
        np.bool_,
    )


if __name__ == "__main__":
    main()
