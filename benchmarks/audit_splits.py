"""How much of a split leaks, by the methods of published repositories and by ours.

Splits of a folder of class folders, 70 % training, 15 % validation, 15 % test: random
after removing files of equal MD5, and pictures of equal pixels; along groups of tiles
whose average hashes differ by at most 2 bits, or perceptual hashes by 8 (imagededup's);
whose pixels are equal once reduced (MD5); along clusters of deep features (Ward linkage
at a given number); and along the groups of `find_families`, with scikit-learn. Of each
the share of test tiles that have a sibling in training, by families made by hand and as
the audit finds it. FAMILIES.csv has the columns path and family.
Usage: python benchmarks/audit_splits.py TILES FAMILIES.csv [--backbone B.keras]
"""

import argparse
import csv
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from peer import load_methods
from sklearn.cluster import AgglomerativeClustering
from sklearn.model_selection import GroupShuffleSplit
from tiles import in_processes, read_image

from lcc import Families, SplitAudit, find_families
from lcc.audit.split_audit import audit_splits
from lcc.families.graph import components

FRACTIONS = {"val": 0.15, "test": 0.15}  # the rest is training
SEED = 42  # of the split; any will do
REDUCED_PX = 64
BATCH = 64
Codes = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tiles", type=Path)
    parser.add_argument("families", type=Path)
    parser.add_argument("--backbone", type=Path, help="a saved Keras model")
    parser.add_argument("--clusters", type=int, help="default: families by hand")
    arguments = parser.parse_args()
    with arguments.families.open(newline="") as file:
        by_hand = {row["path"]: row["family"] for row in csv.DictReader(file)}
    names = sorted(by_hand)
    paths = [arguments.tiles / name for name in names]
    truth = np.array([f"{Path(name).parent}/{by_hand[name]}" for name in names])
    start = time.perf_counter()
    found = find_families(paths, n_jobs=-1)
    print(
        f"{len(paths)} tiles, {len(set(truth))} families by hand, "
        f"{len(set(found.family))} found in {len(set(found.group))} groups, "
        f"{time.perf_counter() - start:.0f} s"
    )
    num_clusters = arguments.clusters or len(set(truth))
    methods = [
        *methods_of(paths, found),
        *deep_methods(paths, arguments.backbone, num_clusters=num_clusters),
        ("groups of find_families", found.group),
    ]
    splits = {name: deal(groups) for name, groups in methods}
    for name, audit in zip(
        splits, audit_all(arguments.tiles, names, splits), strict=True
    ):
        report(name, dict(methods)[name], splits[name], truth, audit)


def methods_of(paths: Sequence[Path], found: Families) -> Iterator[tuple[str, Codes]]:
    """Yield each method that needs no network, with the groups that it keeps whole."""
    yield "random, equal MD5 removed", once(found.content)
    yield "random, equal pixels removed", once(found.picture)
    reduced = in_processes(digest_reduced, paths)
    yield (
        f"MD5 of pixels at {REDUCED_PX} px",
        np.unique(reduced, return_inverse=True)[1],
    )
    hashes = load_methods()
    yield (
        "average hash, at most 2 bits",
        group_hashes(in_processes(average_hash, paths), 2),
    )
    peer = in_processes(partial(peer_hash, hashes["PHash"]), paths)
    yield "PHash, at most 8 bits", group_hashes(peer, 8)


def once(codes: Codes) -> Codes:
    """Return each first row of a code as a group of its own, the others as -1."""
    _, first = np.unique(codes, return_index=True)
    groups = np.full(len(codes), -1)
    groups[first] = first
    return groups


def digest_reduced(path: Path) -> str:
    size = (REDUCED_PX, REDUCED_PX)
    small = cv2.resize(read_image(path), size, interpolation=cv2.INTER_AREA)
    return hashlib.md5(small.tobytes(), usedforsecurity=False).hexdigest()


def average_hash(path: Path) -> int:
    """Return the average hash: which of 8 × 8 grey values lie above their mean."""
    grey = cv2.cvtColor(read_image(path), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (8, 8), interpolation=cv2.INTER_AREA)
    bits = "".join("01"[int(bit)] for bit in (small > small.mean()).ravel())
    return int(bits, 2)


def peer_hash(method: object, path: Path) -> int:
    encode: Callable[..., str] = method.encode_image  # type: ignore[attr-defined]
    return int(encode(image_array=read_image(path)), 16)


def group_hashes(hashes: Sequence[int], max_distance: int) -> Codes:
    """Return groups of rows that are joined by hashes at most so many bits apart."""
    values = np.array(hashes, np.uint64)
    pairs = []
    for row, value in enumerate(values):
        near = np.bitwise_count(values[row + 1 :] ^ value) <= max_distance
        pairs += [(row, row + 1 + other) for other in np.flatnonzero(near).tolist()]
    return components(np.array(pairs, np.int64).reshape(-1, 2), len(values))


def deep_methods(
    paths: Sequence[Path], backbone: Path | None, *, num_clusters: int
) -> Iterator[tuple[str, Codes]]:
    """Yield clusters of the features of a backbone, averaged over the tile."""
    if backbone is None:
        return
    import keras

    model = keras.saving.load_model(backbone, compile=False)
    batches = []
    for start in range(0, len(paths), BATCH):
        images = np.stack([read_image(p) for p in paths[start : start + BATCH]])
        features = np.asarray(model(images.astype(np.float32), training=False))
        batches.append(features.mean(axis=(1, 2)))
    features = np.concatenate(batches)
    ward = AgglomerativeClustering(num_clusters, linkage="ward")
    yield f"deep features, {num_clusters} clusters", ward.fit_predict(features)


def deal(groups: Codes) -> list[str]:
    """Return the split of each row; rows of group -1 are in none."""
    kept = np.flatnonzero(groups >= 0)
    splits = np.where(groups >= 0, "train", "").tolist()
    for name, fraction in FRACTIONS.items():
        left = np.array([row for row in kept.tolist() if splits[row] == "train"])
        size = fraction * len(kept) / len(left)
        splitter = GroupShuffleSplit(1, test_size=size, random_state=SEED)
        _, chosen = next(splitter.split(left, groups=groups[left]))
        for row in left[chosen].tolist():
            splits[row] = name
    return splits


def audit_all(
    tiles: Path, names: Sequence[str], splits: dict[str, list[str]]
) -> tuple[SplitAudit, ...]:
    """Audit all splits at once: a column each of one CSV."""
    with tempfile.TemporaryDirectory() as scratch:
        split_csv = Path(scratch) / "splits.csv"
        header = ["path", *(f"split_{number}" for number in range(len(splits)))]
        with split_csv.open("w", newline="") as file:
            rows = zip(names, *splits.values(), strict=True)
            csv.writer(file).writerows([header, *rows])
        return audit_splits(split_csv, tiles, n_jobs=-1)


def report(
    name: str,
    groups: Codes,
    splits: Sequence[str],
    truth: NDArray[np.str_],
    audit: SplitAudit,
) -> None:
    """Print the leak of one split, by hand and as found."""
    training, test = (truth[np.array(splits) == one] for one in ("train", "test"))
    siblings = int(np.isin(test, training).sum())
    (found,) = (s for s in audit.shared if (s.split, s.other) == ("test", "train"))
    kept = groups[groups >= 0]
    print(f"{name}: {len(set(kept))} groups, largest {np.bincount(kept).max()}")
    for text, count in (
        ("sibling in training, by hand", siblings),
        ("same family, as found", found.num_same_family),
        ("any overlap, as found", found.num_same_group),
    ):
        print(f"  {text:30}{count:5} of {len(test)} ({count / len(test):.2%})")


if __name__ == "__main__":
    main()
