"""Which copies of a tile are found among thousands of other tiles, by the whole search.

Of every other family one tile and one copy of it, made by each change in turn; beside
them all tiles of the other families. Prints the share of copies that are in the family
and in the group of their tile, and how many other tiles were drawn into such a group
that are not there without the copies. `robustness.py` judges the same pairs alone.
Usage: python benchmarks/crowd.py FAMILIES.csv
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from robustness import CHANGES, Change, crop, mix
from tiles import read_image, read_tiles

from lcc import Families, find_families

find = partial(find_families, n_jobs=-1)
HARDER: dict[str, Change] = {
    "crop to 60 % of the side": lambda image, draw: crop(image, 0.36, draw),
    "four of these": mix,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", type=Path)
    tiles = read_tiles(parser.parse_args().families)
    chosen = np.unique(tiles.families)[::2]
    first = [np.flatnonzero(tiles.families == family)[0] for family in chosen]
    others = np.flatnonzero(~np.isin(tiles.families, chosen))
    sources = [read_image(tiles.paths[row]) for row in first]
    crowd = [read_image(tiles.paths[row]) for row in others]
    count = len(sources)
    known = drawn_in(find([*sources, *crowd]), count)
    print(f"{count} copies of each kind among {count + len(crowd)} tiles\n")
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


if __name__ == "__main__":
    main()
