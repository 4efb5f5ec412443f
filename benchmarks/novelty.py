"""What novelty tells, and what the threshold over groups is worth when there are few.

A pretrained network and real tiles, split by family anew in each draw (15 % for the
threshold, 25 % to try it on). Prints false alarms of our threshold, which counts
groups, and of a plain quantile of images; then AUROC and share told of each kind of
stranger; once with all families and then with fewer.
Usage: python benchmarks/novelty.py FAMILIES.csv BACKBONE.keras [--draws 100]
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from tiles import Tiles, read_image, read_tiles

from lcc.data.strangers import KINDS, make_stranger
from lcc.data.tiles import make_tile
from lcc.evaluate.network import Network
from lcc.evaluate.novelty import (
    KEPT_SHARE,
    MAX_REFERENCES,
    choose_limit,
    know_tissue,
)
from lcc.evaluate.subset import spread_over_groups

SIDE_PX = 224
BATCH = 32
A_FAMILY = 5  # tiles of each family
NUM_STRANGERS = 48
FOR_THRESHOLD, FOR_TEST = 0.15, 0.25  # of the families of a class
SHARES = (1.0, 0.5, 0.25, 0.125)

Floats = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", type=Path)
    parser.add_argument("backbone")
    parser.add_argument("--draws", type=int, default=100)
    arguments = parser.parse_args()
    tiles = some_of_each_family(read_tiles(arguments.families))
    images = [make_tile(read_image(own), size_px=SIDE_PX) for own in tiles.paths]
    network = open_backbone(arguments.backbone)
    features = see(network, images)
    step = len(images) // NUM_STRANGERS
    strangers = {
        kind: see(
            network,
            [
                make_stranger(kind, tile, seed=0, number=number)
                for number, tile in enumerate(images[::step][:NUM_STRANGERS])
            ],
        )
        for kind in KINDS
    }
    print(f"{len(images)} tiles, {features.shape[1]} features, AUROC / share told")
    head = " | ".join(kind.replace("_", " ") for kind in KINDS)
    print(f"| families | groups | promised | ours | worst | images | {head} |")
    print("| ---: " * (6 + len(KINDS)) + "|")
    for share in SHARES:
        print(judge(tiles, features, strangers, share=share, draws=arguments.draws))


def judge(
    tiles: Tiles,
    features: Floats,
    strangers: Mapping[str, Floats],
    *,
    share: float,
    draws: int,
) -> str:
    """Return a row of the table: means over draws of families."""
    ours, plain, told = [], [], []
    for seed in range(draws):
        train, validation, test = split(tiles, share=share, seed=seed)
        chosen = spread_over_groups(
            tiles.families[train],
            np.unique(tiles.labels[train], return_inverse=True)[1],
            count=MAX_REFERENCES,
            seed=seed,
        )
        known = know_tissue(features[train[chosen]])
        set_on = known.novelty(features[validation])
        tried = known.novelty(features[test])
        limit = choose_limit(set_on, tiles.families[validation])
        ours.append(np.mean(tried > limit.value))
        plain.append(np.mean(tried > np.quantile(set_on, KEPT_SHARE)))
        found = [known.novelty(own) for own in strangers.values()]
        told.append(
            [
                (
                    roc_auc_score(
                        np.repeat([0, 1], [len(tried), len(own)]),
                        np.concatenate([tried, own]),
                    ),
                    np.mean(own > limit.value),
                )
                for own in found
            ]
        )
    cells = [f"{area:.3f} / {part:.2f}" for area, part in np.mean(told, axis=0)]
    count = round(share * len(np.unique(tiles.families)))
    row = [count, limit.num_groups, f"{1 - limit.kept_share:.3f}"]
    row += [f"{np.mean(ours):.3f}", f"{max(ours):.3f}", f"{np.mean(plain):.3f}", *cells]
    return "| " + " | ".join(map(str, row)) + " |"


def split(tiles: Tiles, *, share: float, seed: int) -> list[NDArray[np.int64]]:
    """Return rows to learn from, to set the threshold on and to try it on."""
    draw = np.random.default_rng(seed)
    parts = []
    for label in np.unique(tiles.labels):
        own = draw.permutation(np.unique(tiles.families[tiles.labels == label]))
        own = own[: round(share * len(own))]
        first = round(FOR_THRESHOLD * len(own))
        second = first + round(FOR_TEST * len(own))
        parts.append((own[second:], own[:first], own[first:second]))
    chosen = map(np.concatenate, zip(*parts, strict=True))
    return [np.flatnonzero(np.isin(tiles.families, own)) for own in chosen]


def some_of_each_family(tiles: Tiles) -> Tiles:
    """Return a few tiles of each family; families become numbers."""
    families = np.unique(tiles.families, return_inverse=True)[1]
    seen: dict[int, int] = {}
    kept = []
    for row in np.random.default_rng(0).permutation(len(families)).tolist():
        family = int(families[row])
        seen[family] = seen.get(family, 0) + 1
        if seen[family] <= A_FAMILY:
            kept.append(row)
    paths = [tiles.paths[row] for row in kept]
    return Tiles(paths, tiles.labels[kept], families[kept])


def open_backbone(path: str) -> Network:
    """Return a pretrained network with a head that has learnt nothing."""
    maps = keras.saving.load_model(path, compile=False)
    pooled = keras.layers.GlobalAveragePooling2D()(maps.output)
    said = keras.layers.Dense(3, activation="softmax")(pooled)
    return Network(keras.Model(maps.inputs[0], said), side_px=SIDE_PX)


def see(network: Network, images: list[NDArray[np.uint8]]) -> Floats:
    batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
    return np.concatenate([network.see(np.stack(own))[1] for own in batches])


if __name__ == "__main__":
    main()
