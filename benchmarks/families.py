"""Families against those found by hand: agreement, what differs, what would leak.

Reads the catalogue of a prepare run and the CSV `path,label,family`. Prints per class
the adjusted Rand index, lone tiles and tiles in a part of fewer than three of their
hand-made family; each family that joins or divides hand-made ones, with the command
that shows why; and what the splits hold, exact copies counted anew from the files.
Usage: python benchmarks/families.py ROOT NAME FAMILIES.csv

Wanted: index ≥ 0.99, no tile alone or in a small part, no sibling of a test tile in
training, largest group ≤ 2 %, class shares within 1 point, all exact copies.
"""

import argparse
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import contingency_matrix
from tiles import Tiles, in_processes, read_image, read_tiles

from lcc.data.catalogue import Catalogue, ImageStatus, Split, read_catalogue
from lcc.families.edges import EdgeKind, ends, read_edges
from lcc.families.fields import offsets
from lcc.storage.uri import open_store

SMALL_PART = 3
Codes = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root")
    parser.add_argument("name")
    parser.add_argument("families", type=Path)
    arguments = parser.parse_args()
    store = open_store(arguments.root)
    catalogue = read_catalogue(store, name=arguments.name)
    source, tiles = arguments.families.parent, read_tiles(arguments.families)
    rows = {path: row for row, path in enumerate(catalogue.paths)}
    order = np.array([rows[p.relative_to(source).as_posix()] for p in tiles.paths])
    found = catalogue.families[order]
    report_classes(tiles, found, catalogue.groups[order])
    for line in (*differences(tiles, found), *differences(tiles, found, ours=False)):
        print(line)
    report_centres(catalogue, read_edges(store, catalogue))
    report_splits(catalogue, order, tiles.families)
    report_copies(catalogue, tiles.paths)


def report_classes(tiles: Tiles, found: Codes, groups: Codes) -> None:
    for label in np.unique(tiles.labels):
        own = tiles.labels == label
        index = adjusted_rand_score(tiles.families[own], found[own])
        parts = contingency_matrix(tiles.families[own], found[own])
        small = parts[parts < SMALL_PART].sum()
        print(
            f"{label}: adjusted Rand index {index:.4f}, "
            f"{len(np.unique(found[own]))} families in "
            f"{len(np.unique(groups[own]))} groups, by hand "
            f"{len(np.unique(tiles.families[own]))}; tiles alone "
            f"{np.sum(np.bincount(found[own]) == 1)}, in parts below {SMALL_PART} "
            f"{small}"
        )


def differences(tiles: Tiles, found: Codes, *, ours: bool = True) -> Iterator[str]:
    """Yield each family of ours that joins several by hand, or the other way round."""
    sides = (found.astype(str), tiles.families)
    (whole, parts), what = (sides, "joins") if ours else (sides[::-1], "is divided in")
    for one in np.unique(whole):
        rows = np.flatnonzero(whole == one)
        names, counts = np.unique(parts[rows], return_counts=True)
        if len(names) > 1:
            held = ", ".join(
                f"{n} ({c} tiles)" for n, c in zip(names, counts, strict=True)
            )
            path = tiles.paths[rows[-1]]
            shown = f"{path.parent.name}/{path.name}"
            yield f"family {one} {what} {held}: lcc-launch families --explain {shown}"


def report_centres(catalogue: Catalogue, edges: pa.Table) -> None:
    """Print how far apart centres lie, inside families and between those of a group."""
    edges = edges.filter(pc.field("kind") == EdgeKind.FAMILY)
    pairs, found = ends(edges), offsets(edges)
    families = np.array(catalogue.table["family"].to_pylist())
    inside = families[pairs[:, 0]] == families[pairs[:, 1]]
    within, between = found[inside], found[~inside]
    print(
        f"centres of two tiles, in sides of the larger: at most {within.max():.3f} "
        f"apart on {len(within)} edges of one family, at least {between.min():.3f} "
        f"on {len(between)} between two"
    )


def report_splits(
    catalogue: Catalogue, order: Codes, by_hand: NDArray[np.str_]
) -> None:
    truth = np.empty(len(order), by_hand.dtype)
    truth[order] = by_hand
    test = catalogue.rows(Split.TEST)
    development = np.setdiff1d(catalogue.rows(), test)
    for name, codes in (("by hand", truth), ("by group", catalogue.groups)):
        leaks = np.isin(codes[test], codes[development]).sum()
        print(f"test tiles with a sibling in development, {name}: {leaks}")
    whole = shares(catalogue, catalogue.rows())
    far = max(
        np.abs(shares(catalogue, catalogue.rows(split)) - whole).max()
        for split in Split
    )
    largest = np.bincount(catalogue.groups).max() / len(order)
    print(f"largest group {largest:.2%} of the images")
    print(f"largest deviation of a class share {100 * far:.2f} points")


def shares(catalogue: Catalogue, rows: Codes) -> NDArray[np.float64]:
    counts = np.bincount(catalogue.labels[rows], minlength=len(catalogue.class_names))
    return counts / counts.sum()


def report_copies(catalogue: Catalogue, paths: Iterable[Path]) -> None:
    digests = np.array(in_processes(digest, paths))
    surplus = [len(column) - len(np.unique(column)) for column in digests.T]
    found = catalogue.table["status"].to_pylist().count(ImageStatus.DUPLICATE)
    print(
        f"surplus files: {surplus[0]} by their bytes, {surplus[1]} by their pixels; "
        f"duplicates found: {found}"
    )


def digest(path: Path) -> tuple[str, str]:
    """Return the MD5 of a file, and the SHA-256 of its pixels as OpenCV reads them."""
    content = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return content, hashlib.sha256(read_image(path).tobytes()).hexdigest()


if __name__ == "__main__":
    main()
