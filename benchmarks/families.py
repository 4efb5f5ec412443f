"""Families against those found by hand: agreement per class, and what would leak.

Reads the catalogue of a prepare run and the CSV `path,label,family`; prints the
adjusted Rand index of families per class, lone tiles, the largest group, and test tiles
with a hand-made sibling in training (what must be 0).
Usage: python benchmarks/families.py ROOT NAME FAMILIES.csv
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score

from lcc.data.catalogue import read_catalogue
from lcc.storage.uri import open_store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root")
    parser.add_argument("name")
    parser.add_argument("families", type=Path)
    arguments = parser.parse_args()
    catalogue = read_catalogue(
        open_store(arguments.root), name=arguments.name, digest=None
    )
    with arguments.families.open(newline="") as file:
        by_hand = {row["path"]: row["family"] for row in csv.DictReader(file)}
    truth = np.array([by_hand[path] for path in catalogue.paths])
    labels = np.array(catalogue.table["label"].to_pylist())
    families, groups = catalogue.families, catalogue.groups
    for label in catalogue.class_names:
        own = labels == label
        index = adjusted_rand_score(truth[own], families[own])
        print(
            f"{label}: adjusted Rand index {index:.4f}, "
            f"{len(np.unique(families[own]))} families in "
            f"{len(np.unique(groups[own]))} groups, by hand "
            f"{len(np.unique(truth[own]))}"
        )
    sizes = np.bincount(families)
    largest = np.bincount(groups).max() / len(groups)
    development = np.concatenate(
        [catalogue.rows("train"), catalogue.rows("validation")]
    )
    seen = set(truth[development])
    leaks = sum(family in seen for family in truth[catalogue.rows("test")])
    print(f"lone tiles {np.sum(sizes == 1)}, largest group {largest:.2%} of the images")
    print(f"test tiles with a hand-made sibling in development: {leaks}")


if __name__ == "__main__":
    main()
