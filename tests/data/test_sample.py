"""The synthetic set leaks as the real one does: that is what it is for."""

import csv
import math
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GroupKFold, KFold, cross_val_score

from lcc import audit_split
from lcc.data.sample import (
    CLASSES,
    augment_copy,
    draw_source,
    write_random_split,
    write_sample,
)

NUM_SOURCES, NUM_COPIES = 12, 6


def colours(tile: np.ndarray) -> np.ndarray:
    lab = cv2.cvtColor(tile, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float32)
    return np.concatenate([lab.mean(axis=0), lab.std(axis=0)])


def test_colour_tells_the_class_on_random_folds_only():
    rows = []
    for code, label in enumerate(CLASSES):
        generator = np.random.default_rng(code)
        for source in range(NUM_SOURCES):
            canvas = draw_source(label, size_px=96, seed=generator)
            rows += [
                (
                    colours(augment_copy(canvas, size_px=64, seed=generator)),
                    code,
                    code * NUM_SOURCES + source,
                )
                for _ in range(NUM_COPIES)
            ]
    features, labels, families = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    forest = RandomForestClassifier(50, random_state=0)

    honest = cross_val_score(
        forest, features, labels, groups=families, cv=GroupKFold(4), scoring="f1_macro"
    ).mean()
    random_folds = KFold(4, shuffle=True, random_state=0)
    leaking = cross_val_score(
        forest, features, labels, cv=random_folds, scoring="f1_macro"
    ).mean()

    assert honest < 0.85
    assert leaking - honest > 0.1


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path):
    def draw(folder: Path) -> dict[str, bytes]:
        write_sample(folder, num_sources=3, num_copies=2, size_px=64, seed=3)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}

    first, second = draw(tmp_path / "a"), draw(tmp_path / "b")

    assert first == second


def test_a_set_holds_exact_and_resaved_copies_as_real_ones_do(tmp_path: Path):
    count = write_sample(tmp_path, num_sources=3, num_copies=2, size_px=64)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == count == 3 * (3 * 2 + 2)
    contents = [path.read_bytes() for path in files]
    assert len(contents) - len(set(contents)) == 3  # one exact copy per class
    assert sum(path.suffix == ".png" for path in files) == 3


def test_a_random_split_takes_a_fifth_of_each_class_and_leaks(tmp_path: Path):
    write_sample(tmp_path / "tiles", num_sources=5, num_copies=5, size_px=64)

    write_random_split(tmp_path / "tiles", tmp_path / "split.csv")

    with (tmp_path / "split.csv").open() as file:
        rows = list(csv.DictReader(file))
    held_out = Counter(row["label"] for row in rows if row["split"] == "test")
    listed = {row["path"] for row in rows}
    found = {
        path.relative_to(tmp_path / "tiles").as_posix()
        for path in (tmp_path / "tiles").rglob("*.*")
    }
    assert listed == found
    assert max(held_out.values()) - min(held_out.values()) <= 1
    assert sum(held_out.values()) == math.ceil(len(rows) / 5)
    assert audit_split(tmp_path / "split.csv", tmp_path / "tiles").leaks
