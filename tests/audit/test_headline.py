"""The sentences that come first in a report, and the score behind one of them."""

from pathlib import Path

import numpy as np
import pytest

from lcc import audit_split
from lcc.audit.headline import describe_audit
from lcc.audit.split_audit import audit_splits
from tests.builders.pictures import a_file, a_picture
from tests.builders.splits import a_csv, some_files


def sentences(folder: Path, files: dict[str, int | bytes]) -> tuple[str, ...]:
    return describe_audit(audit_split(some_files(folder, files)))


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        pytest.param(
            {"train/a.png": 1, "test/b.png": 1, "test/c.png": 2},
            "1 of 2 test images shows tissue that the training set shows too.",
            id="one",
        ),
        pytest.param(
            {"Training/a.png": 1, "Test Set/b.png": 2},
            "0 of 1 test images show tissue that the training set shows too.",
            id="none",
        ),
        pytest.param(
            {"train/a.png": 1, "val/b.png": 1, "test/c.png": 2},
            "1 of 1 validation images shows tissue that the training set shows too.",
            id="in validation alone",
        ),
        pytest.param(
            {"fold1/a.png": 1, "fold2/b.png": 1, "fold3/c.png": 2},
            "2 of 3 images show tissue that another fold shows too.",
            id="folds",
        ),
        pytest.param(
            {"fold1/a.png": 1, "fold2/b.png": 2, "test/c.png": 2},
            "1 of 1 test images shows tissue that a fold shows too.",
            id="folds and a test",
        ),
    ],
)
def test_the_first_sentence_says_how_many_images_leak(
    tmp_path: Path, files: dict[str, int | bytes], sentence: str
):
    assert sentences(tmp_path, files) == (sentence,)


def shade(value: int, seed: int) -> bytes:
    """Return a picture of its own whose 32 × 32 pixels are nearly one colour."""
    noise = a_picture(seed, size_px=64).astype(float) - 128
    return a_file(np.clip(value + noise / 4, 0, 255).astype(np.uint8))


def test_the_second_sentence_says_what_that_does_to_a_score(tmp_path: Path):
    light, dark = a_file(a_picture(1)), a_file(a_picture(2))
    files: dict[str, int | bytes] = {
        "train/dark/1.png": shade(70, 11),
        "train/light/2.png": shade(180, 12),
        "train/light/copied.png": light,
        "train/dark/copied.png": dark,
        "test/light/copy.png": light,
        "test/dark/copy.png": dark,
        "test/light/own.png": shade(185, 13),
        "test/light/mistaken.png": shade(75, 14),
    }

    first, second = sentences(tmp_path, files)

    assert first == "2 of 4 test images show tissue that the training set shows too."
    assert second.startswith(
        "1-nearest neighbour on 32 × 32 pixels of the training set: right on 100.0% of "
        "2 leaked images, "
    )
    assert second.endswith("once their siblings are taken out; 50.0% of 2 clean ones.")


def test_a_leaked_image_is_wrong_where_its_siblings_alone_had_its_label(tmp_path: Path):
    files: dict[str, int | bytes] = {
        "train/rare/1.png": 1,
        "test/rare/1.png": 1,
        "train/common/2.png": 2,
    }

    assert sentences(tmp_path, files)[1] == (
        "1-nearest neighbour on 32 × 32 pixels of the training set: right on 100.0% of "
        "1 leaked images, 0.0% once their siblings are taken out; none is clean."
    )


def test_every_fold_is_asked_for_the_score(tmp_path: Path):
    files: dict[str, int | bytes] = {
        f"fold{number}/{label}/{seed}.png": seed
        for number in (1, 2, 3)
        for label, seed in (("cat", 1), ("dog", 2))
    }

    assert sentences(tmp_path, files)[1] == (
        "1-nearest neighbour on 32 × 32 pixels of the other folds: right on 100.0% of "
        "6 leaked images, 0.0% once their siblings are taken out; none is clean."
    )


def test_without_labels_or_leaks_there_is_no_score(tmp_path: Path):
    clean = {"train/cat/1.png": 1, "test/cat/2.png": 2}

    assert len(sentences(tmp_path / "clean", clean)) == 1
    assert len(sentences(tmp_path / "bare", {"train/1.png": 1, "test/2.png": 1})) == 1


def test_each_fold_is_test_once(tmp_path: Path):
    some_files(tmp_path, {"a.png": 1, "b.png": 1, "c.png": 2, "d.png": 3})
    rows = [("a.png", "0"), ("b.png", "1"), ("c.png", "1"), ("d.png", "2")]

    audit = audit_split(a_csv(tmp_path / "s.csv", rows, header=("path", "fold")))

    assert [(s.split, s.other, s.num_same_family) for s in audit.shared] == [
        ("fold 0", "other folds", 1),
        ("fold 1", "other folds", 1),
        ("fold 2", "other folds", 0),
    ]


def test_seeds_are_judged_alone_though_families_are_found_once(tmp_path: Path):
    some_files(tmp_path, {"a.png": 1, "b.png": 1, "c.png": 2})
    rows = [
        ("a.png", "train", "train"),
        ("b.png", "test", "train"),
        ("c.png", "test", "test"),
    ]
    file = a_csv(tmp_path / "s.csv", rows, header=("path", "split_0", "split_1"))

    one, two = audit_splits(file)

    assert (one.verdict, two.verdict) == ("LEAK", "no leak found")
    assert (one.name, two.name) == ("s.csv, split_0", "s.csv, split_1")
