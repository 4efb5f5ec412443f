"""Which copies are found among thousands of other tiles, by the whole search.

Three tables. Copies: of every other family one tile and one copy of it, made by each
change in turn; beside them all tiles of the other families. Close views: one tile of
each family is replaced by one to four views of a part of it, beside all others; zooms
and changes go round. Neighbouring fields: two windows of a tile that share so much, and
five copies of each, turned about its centre: of a narrow strip these show little.
`robustness.py` judges pairs alone.
Usage: python benchmarks/crowd.py FAMILIES.csv [--rounds 3] [--zooms 1.4 1.7 2.0 2.5]

Wanted: close views in the group of their family, 0.999 to a zoom of 2, 0.99 at 2.5;
neighbouring fields in one group, never in one family.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from robustness import CHANGES, Change, crop, mix
from tiles import Image, Tiles, read_image, read_tiles

from lcc import Families, find_families
from lcc.data.changes import Draw, blur, look_closer, mirror, rotate, stain

find = partial(find_families, n_jobs=-1)
HARDER: dict[str, Change] = {
    "crop to 60 % of the side": lambda image, draw: crop(image, 0.36, draw),
    "four of these": mix,
}
ZOOMS = (1.4, 1.7, 2.0, 2.5)
VIEWS: dict[str, Change] = {
    "alone": lambda image, _: image,
    "rotation to 25°": lambda image, _: image,  # turned when it is cut out
    "mirror": mirror,
    "blur": blur,
    "stain": stain,
}
SHARED = (0.15, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
WINDOW = 0.53  # of the side of a tile: two that share 0.15 fit into it
NUM_COPIES = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--zooms", type=float, nargs="+", default=list(ZOOMS))
    arguments = parser.parse_args()
    tiles = read_tiles(arguments.families)
    report_close_views(tiles, arguments.rounds, zooms=arguments.zooms)
    report_neighbours(tiles)
    report_copies(tiles)


def report_copies(tiles: Tiles) -> None:
    chosen = np.unique(tiles.families)[::2]
    first = [np.flatnonzero(tiles.families == family)[0] for family in chosen]
    others = np.flatnonzero(~np.isin(tiles.families, chosen))
    sources = [read_image(tiles.paths[row]) for row in first]
    crowd = [read_image(tiles.paths[row]) for row in others]
    count = len(sources)
    known = drawn_in(find([*sources, *crowd]), count)
    print(f"\n{count} copies of each kind among {count + len(crowd)} tiles\n")
    print("| copies | in the family | in the group | others drawn in |")
    print("| --- | ---: | ---: | ---: |")
    for name, change in {**CHANGES, **HARDER}.items():
        draw = np.random.default_rng(0)
        copies = [np.ascontiguousarray(change(image, draw)) for image in sources]
        found = find([*sources, *copies, *crowd])
        shares = [
            np.mean(codes[:count] == codes[count : 2 * count])
            for codes in (found.family, found.group)
        ]
        drawn = len(drawn_in(found, 2 * count) - known)
        print(f"| {name} | {shares[0]:.3f} | {shares[1]:.3f} | {drawn} |", flush=True)


def drawn_in(found: Families, count: int) -> set[int]:
    """Return the tiles of the crowd in a group of the first images, from its end."""
    rows = np.flatnonzero(np.isin(found.group, found.group[:count]))
    return {int(row) - len(found.group) for row in rows[rows >= count]}


def report_close_views(tiles: Tiles, rounds: int, *, zooms: Sequence[float]) -> None:
    kinds = list(product(zooms, VIEWS))
    seen = defaultdict(list)
    for number in range(rounds):
        for kind, is_seen in close_views(tiles, kinds, number):
            seen[kind].append(is_seen)
    print("close views found in the group of their family\n")
    print(f"| zoom | {' | '.join(VIEWS)} |")
    print(f"| ---: | {' | '.join('---:' for _ in VIEWS)} |")
    for zoom in zooms:
        shares = [f"{sum(seen[zoom, n])} of {len(seen[zoom, n])}" for n in VIEWS]
        print(f"| {zoom} | {' | '.join(shares)} |", flush=True)


def close_views(
    tiles: Tiles, kinds: list[tuple[float, str]], number: int
) -> list[tuple[tuple[float, str], bool]]:
    """Return the kind of each view, and whether it was found."""
    draw = np.random.default_rng(number)
    families = draw.permutation(np.unique(tiles.families))
    sources = {f: draw.choice(np.flatnonzero(tiles.families == f)) for f in families}
    wide = np.setdiff1d(np.arange(len(tiles.paths)), list(sources.values()))
    views: list[Image] = []
    of: list[tuple[str, tuple[float, str]]] = []
    for position, family in enumerate(families):
        zoom, name = kinds[position % len(kinds)]
        image = read_image(tiles.paths[sources[family]])
        for _ in range(position // len(kinds) % 4 + 1):
            angle = draw.uniform(-25, 25) if name.startswith("rotation") else 0.0
            part = look_closer(image, draw, zoom=zoom, angle=angle)
            views.append(np.ascontiguousarray(VIEWS[name](part, draw)))
            of.append((family, (zoom, name)))
    found = find([*(read_image(tiles.paths[row]) for row in wide), *views])
    group = {tiles.families[row]: found.group[n] for n, row in enumerate(wide)}
    return [
        (kind, bool(found.group[len(wide) + n] == group[family]))
        for n, (family, kind) in enumerate(of)
    ]


def report_neighbours(tiles: Tiles) -> None:
    print(f"\nneighbouring fields, each with {NUM_COPIES} copies\n")
    print("| shared | one group | one family |")
    print("| ---: | ---: | ---: |")
    draw = np.random.default_rng(0)
    families = np.unique(tiles.families)[:: len(np.unique(tiles.families)) // 10]
    sources = [np.flatnonzero(tiles.families == family)[0] for family in families]
    for shared in SHARED:
        images = [
            image
            for row in sources
            for window in windows(read_image(tiles.paths[row]), shared)
            for image in copies(window, draw)
        ]
        found = find(images)
        pairs = [
            codes.reshape(len(sources), 2, 1 + NUM_COPIES)
            for codes in (found.group, found.family)
        ]
        one_group = sum(len(np.unique(codes)) == 1 for codes in pairs[0])
        one_family = sum(bool(np.isin(a, b).any()) for a, b in pairs[1])
        total = len(sources)
        print(f"| {shared} | {one_group} of {total} | {one_family} of {total} |")


def copies(window: Image, draw: Draw) -> list[Image]:
    """Return a field as it is, and its copies."""
    turned = [rotate(mirror(window, draw), draw) for _ in range(NUM_COPIES)]
    return [window, *turned]


def windows(image: Image, shared: float) -> tuple[Image, Image]:
    """Return two squares of an image that share so much of each."""
    side = image.shape[0]
    length = round(WINDOW * side)
    step = round((1 - shared) * length)
    left = (side - length - step) // 2
    top = (side - length) // 2
    rows = slice(top, top + length)
    found = [image[rows, start : start + length] for start in (left, left + step)]
    size = (side, side)
    one, other = (cv2.resize(f, size, interpolation=cv2.INTER_CUBIC) for f in found)
    return np.asarray(one, np.uint8), np.asarray(other, np.uint8)


if __name__ == "__main__":
    main()
