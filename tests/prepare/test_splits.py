"""Splits: properties for any groups, and a judge that each planted fault reaches."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcc.config.data import DataSettings
from lcc.errors import DataError
from lcc.prepare.splits import assign_splits
from lcc.prepare.validation import AssignedImage, validate_splits

SETTINGS = DataSettings(num_folds=3, max_class_share_deviation=0.2)


@st.composite
def grouped_images(draw):
    """Return labels and groups: three classes of at least nine groups of 1 to 5."""
    labels, groups = [], []
    for label in ("lung_aca", "lung_n", "lung_scc"):
        for size in draw(st.lists(st.integers(1, 5), min_size=9, max_size=20)):
            groups += [len(set(groups))] * size
            labels += [label] * size
    return np.array(labels), np.array(groups)


@settings(max_examples=40)
@given(grouped_images(), st.integers(0, 5))
def test_no_group_is_divided_and_folds_are_development_only(images, seed):
    labels, groups = images

    split, fold = assign_splits(labels, groups, DataSettings(num_folds=3, seed=seed))

    for group in np.unique(groups):
        assert len(set(split[groups == group])) == 1
        assert len(set(fold[groups == group])) == 1
    assert set(split) == {"train", "validation", "test"}
    assert np.array_equal(fold == -1, split == "test")
    assert set(fold) == {-1, 0, 1, 2}


@settings(max_examples=20)
@given(grouped_images())
def test_the_same_seed_gives_the_same_split_whatever_the_classes_are_called(images):
    labels, groups = images
    renamed = np.char.add("z ", labels)

    first = assign_splits(labels, groups, SETTINGS)
    second = assign_splits(renamed, groups, SETTINGS)

    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


def test_small_groups_fill_splits_to_their_fractions():
    labels = np.repeat(["lung_aca", "lung_n"], 300)
    groups = np.arange(600) // 3

    split, fold = assign_splits(labels, groups, DataSettings())

    for label in ("lung_aca", "lung_n"):
        own = split[labels == label]
        assert np.mean(own == "test") == pytest.approx(0.15, abs=0.01)
        assert np.mean(own == "validation") == pytest.approx(0.15, abs=0.01)
        counts = np.bincount(fold[(labels == label) & (split != "test")])
        assert counts.max() - counts.min() <= 3


def test_a_group_of_two_classes_stays_in_one_split():
    labels = np.array(["lung_aca"] * 30 + ["lung_n"] * 30)
    groups = np.arange(60) // 3
    groups[30:33] = 0

    split, _ = assign_splits(labels, groups, SETTINGS)

    assert len(set(split[groups == 0])) == 1


def test_too_few_groups_name_every_class_and_the_remedy():
    labels = np.repeat(["lung_aca", "lung_n"], 12)
    groups = np.concatenate([np.arange(12) % 3, 3 + np.arange(12) % 2])

    with pytest.raises(DataError) as caught:
        assign_splits(labels, groups, SETTINGS)

    assert str(caught.value).splitlines() == [
        "class lung_aca: must have at least 4 groups for 3 folds and a test split, got "
        "3. Add images of other sources, or lower data.num_folds.",
        "class lung_n: must have at least 4 groups for 3 folds and a test split, got "
        "2. Add images of other sources, or lower data.num_folds.",
    ]


def test_a_group_that_swallows_its_class_is_named():
    labels = np.array(["lung_n"] * 100)
    groups = np.minimum(np.arange(100), 10)  # group 10 holds ninety

    with pytest.raises(DataError, match=r"share \(70%\).*got 90 of 100 in group 10"):
        assign_splits(labels, groups, SETTINGS)


def a_sound_split() -> list[AssignedImage]:
    """Return 2 classes × 8 groups of 2: four to train, two to each held-out split."""
    rows = []
    for number in range(16):
        split = ("train", "train", "validation", "test")[number // 2 % 4]
        fold = None if split == "test" else number // 2 % 3
        rows += [
            AssignedImage(
                path=f"{number}-{copy}.jpeg",
                label="lung_aca" if number % 2 else "lung_n",
                group=number,
                split=split,
                fold=fold,
            )
            for copy in range(2)
        ]
    return rows


def test_a_sound_split_passes_every_check():
    validation = validate_splits(a_sound_split(), SETTINGS)

    assert validation.faults == ()
    assert validation.document()["passed"] is True
    assert validation.counts["test"] == {"lung_aca": 4, "lung_n": 4}


@pytest.mark.parametrize(
    ("row", "change", "fault"),
    [
        pytest.param(
            0, {"split": "test", "fold": None}, "groups lie in one split", id="split"
        ),
        pytest.param(0, {"fold": 1}, "groups lie in one fold", id="fold"),
        pytest.param(
            0, {"path": "0-1.jpeg"}, "every image is assigned once", id="twice"
        ),
        pytest.param(0, {"split": "tset"}, "splits are train, validation", id="word"),
        pytest.param(0, {"fold": None}, "inside the development part", id="no fold"),
        pytest.param(12, {"fold": 0}, "inside the development part", id="test fold"),
        pytest.param(0, {"fold": 7}, "inside the development part", id="fold number"),
    ],
)
def test_each_planted_violation_is_caught(row, change, fault):
    rows = a_sound_split()
    rows[row] = replace(rows[row], **change)

    faults = validate_splits(rows, SETTINGS).faults

    assert any(fault in found for found in faults)


def test_an_empty_split_is_caught():
    rows = [row for row in a_sound_split() if row.split != "validation"]

    faults = validate_splits(rows, SETTINGS).faults

    assert any("every split and fold has every class" in found for found in faults)


def test_a_lopsided_split_is_caught():
    rows = [
        row
        for row in a_sound_split()
        if row.split != "test" or row.label == "lung_n" or row.group == 7
    ]

    faults = validate_splits(rows, DataSettings(num_folds=3)).faults

    assert any("class shares are within" in found for found in faults)
