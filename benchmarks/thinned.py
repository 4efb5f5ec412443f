"""Families after a random part of all tiles was taken away: what would leak?

Prints, over several draws of each share, the hand-made families torn over groups, and
the adjusted Rand index per class against the families of the whole set: the lowest.
Tiles taken away leave no bridges, so that parts have to be found on their own.
Usage: python benchmarks/thinned.py FAMILIES.csv [--draws 10] [--shares 0.3 0.5 0.7]

Wanted: no family in two groups, an index of 0.999.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score
from tiles import read_tiles

from lcc import find_families

Codes = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", type=Path)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.3, 0.5, 0.7])
    arguments = parser.parse_args()
    tiles = read_tiles(arguments.families)
    whole = find_families(tiles.paths, n_jobs=-1).family
    torn, total = torn_families(tiles.families, whole)
    print(f"all tiles: {torn} of {total} hand-made families in several families")
    print("\n| taken away | torn over groups | lowest index |")
    print("| ---: | ---: | --- |")
    for share in arguments.shares:
        results = [
            judge(tiles.paths, tiles.labels, whole, share, seed)
            for seed in range(arguments.draws)
        ]
        torn = sum(result[0] for result in results)
        total = sum(result[1] for result in results)
        lowest = np.min([result[2] for result in results], axis=0)
        shown = ", ".join(f"{index:.4f}" for index in lowest)
        print(f"| {share:.0%} | {torn} of {total} | {shown} |", flush=True)


def judge(
    paths: Sequence[Path],
    labels: NDArray[np.str_],
    whole: Codes,
    share: float,
    seed: int,
) -> tuple[int, int, list[float]]:
    """Return torn families, all families, and the index of each class."""
    draw = np.random.default_rng(seed)
    kept = np.sort(draw.permutation(len(paths))[round(share * len(paths)) :])
    found = find_families([paths[row] for row in kept], n_jobs=-1)
    torn, total = torn_families(whole[kept], found.group)
    own = labels[kept]
    indexes = [
        adjusted_rand_score(whole[kept][own == label], found.family[own == label])
        for label in np.unique(labels)
    ]
    return torn, total, indexes


def torn_families(truth: NDArray[np.str_] | Codes, found: Codes) -> tuple[int, int]:
    """Return how many families lie in several groups, and how many there are."""
    families = np.unique(truth)
    torn = [len(np.unique(found[truth == family])) > 1 for family in families]
    return sum(torn), len(torn)


if __name__ == "__main__":
    main()
