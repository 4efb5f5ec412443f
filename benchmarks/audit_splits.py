"""How much of a random split leaks, found by the audit and by families made by hand.

Three splits of a folder of class folders, 80 % training and 20 % test: random after
removing files of equal MD5, as is common; random after removing pictures of equal
pixels; and along the groups that `find_families` gives, with scikit-learn. Of each the
share of test tiles that have a sibling in training, and tiles on which the two judges
differ. FAMILIES.csv has the columns path and family.
Usage: python benchmarks/audit_splits.py TILES FAMILIES.csv
"""

import argparse
import csv
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupShuffleSplit

from lcc import SplitAudit, audit_split, find_families
from lcc.audit.leaks import LeakLevel

TEST_FRACTION = 0.2
SEED = 42  # of the split; any will do


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tiles", type=Path)
    parser.add_argument("families", type=Path)
    arguments = parser.parse_args()
    with arguments.families.open(newline="") as file:
        by_hand = {row["path"]: row["family"] for row in csv.DictReader(file)}
    paths = np.array(sorted(by_hand))
    start = time.perf_counter()
    found = find_families([arguments.tiles / path for path in paths], n_jobs=-1)
    seconds = time.perf_counter() - start
    print(
        f"{len(paths)} tiles, {len(set(by_hand.values()))} families by hand, "
        f"{len(set(found.family))} found in {len(set(found.group))} groups, "
        f"{seconds:.0f} s"
    )
    _, bytes_apart = np.unique(found.content, return_index=True)
    _, pixels_apart = np.unique(found.picture, return_index=True)
    for name, rows, groups in (
        ("random, equal MD5 removed", bytes_apart, None),
        ("random, equal pixels removed", pixels_apart, None),
        ("along groups", pixels_apart, found.group),
    ):
        own = np.arange(len(paths)) if groups is None else groups
        splitter = GroupShuffleSplit(1, test_size=TEST_FRACTION, random_state=SEED)
        _, test = next(splitter.split(rows, groups=own[rows]))
        splits = ["train"] * len(rows)
        for row in test:
            splits[row] = "test"
        report(name, arguments.tiles, paths[rows].tolist(), splits, by_hand)


def report(
    name: str,
    tiles: Path,
    paths: Sequence[str],
    splits: Sequence[str],
    by_hand: dict[str, str],
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        split_csv = Path(scratch) / "split.csv"
        with split_csv.open("w", newline="") as file:
            rows = zip(paths, splits, strict=True)
            csv.writer(file).writerows([("path", "split"), *rows])
        audit = audit_split(split_csv, tiles, n_jobs=-1)
    test = {path for path, split in zip(paths, splits, strict=True) if split == "test"}
    training = {by_hand[path] for path in paths if path not in test}
    siblings = {path for path in test if by_hand[path] in training}
    found = leaking(audit, {LeakLevel.FILE, LeakLevel.PICTURE, LeakLevel.FAMILY}) & test
    overlapping = leaking(audit, set(LeakLevel)) & test
    print(
        f"{name}: {audit.verdict}, {len(paths) - len(test)} training, {len(test)} test"
    )
    print(f"  sibling in training by hand   {share(siblings, test)}")
    print(f"  sibling in training found     {share(found, test)}")
    print(f"  found, overlaps included      {share(overlapping, test)}")
    print(f"  by hand, not found            {len(siblings - overlapping)}")
    print(f"  found, not by hand            {len(found - siblings)}")


def leaking(audit: SplitAudit, levels: set[LeakLevel]) -> set[str]:
    """Return the paths of the images in leaks of some levels."""
    rows = {row for leak in audit.leaks if leak.level in levels for row in leak.rows}
    return {audit.images[row].path for row in rows}


def share(part: set[str], whole: set[str]) -> str:
    return f"{len(part):5} of {len(whole)} ({len(part) / len(whole):.2%})"


if __name__ == "__main__":
    main()
