"""Which copies of a tile are recognised, and which strangers are mistaken for copies.

Makes copies of real tiles by each change that an augmentation or a scanner makes, and
pairs that share no tissue; prints the share that is linked, beside imagededup's
hashes, plain and over the eight flips and quarter turns, in one run.
Usage: python benchmarks/robustness.py TILES FAMILIES.csv [--families 240]
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from peer import MAX_DISTANCE, distance, load_methods, symmetries

from lcc.config.data import FamilySettings
from lcc.data import changes
from lcc.data.changes import Change, Draw, look_closer
from lcc.data.features import extract_features
from lcc.families.edges import EdgeKind, kind_of
from lcc.families.verification import verify_pair

SETTINGS = FamilySettings()
Image = NDArray[np.uint8]
Pair = tuple[Image, Image]


def crop(image: Image, share: float, draw: Draw) -> Image:
    return look_closer(image, draw, zoom=1 / np.sqrt(share), angle=0)


CHANGES: dict[str, Change] = {
    **changes.CHANGES,
    "crop to 60 %": lambda image, draw: crop(image, draw.uniform(0.6, 1), draw),
}


def mix(image: Image, draw: Draw) -> Image:
    """Apply four of the changes, in any order."""
    for name in draw.choice(list(CHANGES), 4, replace=False):
        image = CHANGES[name](image, draw)
    return image


def stripes(draw: Draw) -> Image:
    x, y = np.meshgrid(np.arange(224), np.arange(224))
    turn, wave = draw.uniform(0, np.pi), draw.uniform(8, 30)
    value = np.sin((x * np.cos(turn) + y * np.sin(turn)) * 2 * np.pi / wave)
    grey = (150 + 60 * value).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def blank(draw: Draw) -> Image:
    grey = draw.normal(draw.uniform(200, 245), 1.5, (224, 224, 1))
    return np.repeat(np.clip(grey, 0, 255), 3, axis=2).astype(np.uint8)


def strangers(tiles: dict[str, list[Image]], draw: Draw) -> Iterator[tuple[str, Pair]]:
    """Yield pairs that share no tissue, each with its kind."""
    vectors = {
        label: np.stack([features_of(i)[1] for i in images]).astype(np.float32)
        for label, images in tiles.items()
    }
    for label, images in tiles.items():
        for other in sorted(set(tiles) - {label}):
            nearest = (vectors[label] @ vectors[other].T).argmax(axis=1)
            for image, row in zip(images, nearest, strict=True):
                yield "nearest of another class", (image, tiles[other][row])
        for image in images:
            halves = image[:112, :112], image[112:, 112:]
            left, right = (cv2.resize(h, (224, 224)) for h in halves)
            yield "neighbouring fields", (np.asarray(left), np.asarray(right))
            yield "blank tiles", (blank(draw), blank(draw))
            yield "stripes", (stripes(draw), stripes(draw))


def features_of(image: Image) -> tuple[np.void, NDArray[np.float16]]:
    return extract_features(
        np.ascontiguousarray(image[..., ::-1]), num_keypoints=SETTINGS.num_keypoints
    )


def judge(pair: Pair, methods: dict[str, object]) -> dict[str, bool]:
    """Return who finds an edge."""
    records = [features_of(image)[0] for image in pair]
    edge = verify_pair(0, 1, features=records.__getitem__, settings=SETTINGS)
    kind = None if edge is None else kind_of(edge, SETTINGS)
    found = {
        "lcc": kind in (EdgeKind.FAMILY, EdgeKind.OVERLAP),
        "lcc asks": kind is EdgeKind.QUESTION,
    }
    for name, method in methods.items():
        hashes = [
            method.encode_image(image_array=view)  # type: ignore[attr-defined]
            for view in symmetries(pair[0])
        ]
        other = method.encode_image(image_array=pair[1])  # type: ignore[attr-defined]
        found[name] = distance(hashes[0], other) <= MAX_DISTANCE
        nearest = min(distance(one, other) for one in hashes)
        found[f"{name} × 8"] = nearest <= MAX_DISTANCE
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tiles", type=Path)
    parser.add_argument("families", type=Path)
    parser.add_argument("--families-used", type=int, default=240)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    tiles = read_tiles(arguments.tiles, arguments.families, arguments.families_used)
    draw = np.random.default_rng(0)
    copies = [
        (name, (image, change(image, draw)))
        for name, change in {**CHANGES, "four of these": mix}.items()
        for images in tiles.values()
        for image in images
    ]
    methods = load_methods()
    linked = {
        "copies": tally(copies, methods),
        "strangers": tally(strangers(tiles, draw), methods),
    }
    for kind, table in linked.items():
        columns = list(next(iter(table.values()))[0])
        print(f"\n| {kind}, share linked | pairs | {' | '.join(columns)} |")
        print("| --- | ---: |" + " ---: |" * len(columns))
        for name, found in table.items():
            shares = [np.mean([one[column] for one in found]) for column in columns]
            cells = " | ".join(f"{share:.3f}" for share in shares)
            print(f"| {name} | {len(found)} | {cells} |")
    print_precision(linked)


def read_tiles(folder: Path, families: Path, count: int) -> dict[str, list[Image]]:
    """Return the first tile of each family by class, BGR."""
    first: dict[tuple[str, str], str] = {}
    with families.open(newline="") as file:
        for row in csv.DictReader(file):
            first.setdefault((row["label"], row["family"]), row["path"])
    tiles: dict[str, list[Image]] = defaultdict(list)
    for (label, _), path in sorted(first.items())[:: max(1, len(first) // count)]:
        tiles[label].append(np.asarray(cv2.imread(str(folder / path)), np.uint8))
    return tiles


def tally(
    pairs: Iterator[tuple[str, Pair]] | list[tuple[str, Pair]],
    methods: dict[str, object],
) -> dict[str, list[dict[str, bool]]]:
    table = defaultdict(list)
    for name, pair in pairs:
        table[name].append(judge(pair, methods))
    return table


def print_precision(linked: dict[str, dict[str, list[dict[str, bool]]]]) -> None:
    """Print recall over all copies, and precision over copies and strangers."""
    copies, others = ([one for t in linked[k].values() for one in t] for k in linked)
    print(
        f"\n| all {len(copies)} copies, {len(others)} strangers | recall | precision |"
    )
    print("| --- | ---: | ---: |")
    for name in copies[0]:
        true, false = (sum(one[name] for one in found) for found in (copies, others))
        precision = true / (true + false) if true + false else float("nan")
        print(f"| {name} | {true / len(copies):.3f} | {precision:.3f} |")


if __name__ == "__main__":
    main()
