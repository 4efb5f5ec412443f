"""Splits: properties for any groups, and a judge that each planted fault reaches."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcc.config.data import DataSettings
from lcc.errors import DataError
from lcc.prepare.split_check import AssignedImage, SplitRules
from lcc.prepare.splits import assign_splits
from lcc.prepare.validation import validate_splits

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

    split, fold = assign_splits([labels], groups, DataSettings(num_folds=3, seed=seed))

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

    first = assign_splits([labels], groups, SETTINGS)
    second = assign_splits([renamed], groups, SETTINGS)

    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


def test_small_groups_fill_splits_to_their_fractions():
    labels = np.repeat(["lung_aca", "lung_n"], 300)
    groups = np.arange(600) // 3

    split, fold = assign_splits([labels], groups, DataSettings())

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

    split, _ = assign_splits([labels], groups, SETTINGS)

    assert len(set(split[groups == 0])) == 1


def test_too_few_groups_name_every_class_and_the_remedy():
    labels = np.repeat(["lung_aca", "lung_n"], 12)
    groups = np.concatenate([np.arange(12) % 3, 3 + np.arange(12) % 2])

    with pytest.raises(DataError) as caught:
        assign_splits([labels], groups, SETTINGS)

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
        assign_splits([labels], groups, SETTINGS)


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
            0,
            {"split": "test", "fold": None},
            "each group lies in one split",
            id="split",
        ),
        pytest.param(0, {"fold": 1}, "each group lies in one fold", id="fold"),
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


def some_patients(number: int = 48) -> dict[str, np.ndarray]:
    """Return patients of 5 to 14 images: two classes, three sites of uneven size."""
    draw = np.random.default_rng(7)
    found = {"label": [], "site": [], "group": []}
    for patient in range(number):
        size = int(draw.integers(5, 15))
        site = "AAAABBC"[patient % 7]
        label = (
            "lung_aca" if draw.random() < (0.7 if site == "A" else 0.3) else "lung_n"
        )
        for name, value in (("label", label), ("site", site), ("group", patient)):
            found[name] += [value] * size
    return {name: np.array(values) for name, values in found.items()}


def largest_deviation(column: np.ndarray, places: np.ndarray) -> float:
    return max(
        abs(np.mean(column[places == place] == value) - np.mean(column == value))
        for place in np.unique(places)
        for value in np.unique(column)
    )


def test_balanced_sites_have_their_share_in_every_split_and_fold():
    known = some_patients()
    options = DataSettings(num_folds=4)

    plain = assign_splits([known["label"]], known["group"], options)
    split, fold = assign_splits(
        [known["label"], known["site"]], known["group"], options
    )

    inside = split != "test"
    assert largest_deviation(known["site"], plain[0]) > 0.08
    assert largest_deviation(known["site"], split) < 0.03
    assert largest_deviation(known["site"][inside], fold[inside]) < 0.03
    assert largest_deviation(known["label"], split) < 0.03
    for group in np.unique(known["group"]):
        assert len(set(split[known["group"] == group])) == 1


def test_open_images_are_dealt_to_train_and_validation_alone():
    labels = np.repeat(["lung_aca", "lung_n"], 120)
    groups = np.arange(240) // 3
    given = np.where(np.arange(240) % 120 < 30, "test", "")

    split, fold = assign_splits([labels], groups, SETTINGS, split=given)

    assert np.array_equal(split == "test", given == "test")
    assert np.array_equal(fold == -1, given == "test")
    share = np.mean(split[given == ""] == "validation")
    assert share == pytest.approx(0.15 / 0.85, abs=0.02)


def test_a_given_test_needs_groups_for_the_folds_alone():
    labels = np.repeat(["lung_aca", "lung_n"], 8)
    groups = np.arange(16) // 2
    given = np.where(np.arange(16) % 8 < 2, "test", "")

    assign_splits([labels], groups, SETTINGS, split=given)
    with pytest.raises(DataError, match=r"at least 4 groups for 4 folds, got 3\."):
        assign_splits([labels], groups, DataSettings(num_folds=4), split=given)


def with_sites(rows: list[AssignedImage], sites: str) -> list[AssignedImage]:
    """Return images whose groups have one site after the other."""
    return [
        replace(row, axes={"site": sites[row.group % len(sites)], "patient": "x"})
        for row in rows
    ]


def fault_of(rows: list[AssignedImage], **rules: object) -> list[str]:
    found = validate_splits(rows, SETTINGS, rules=SplitRules(**rules))
    return list(found.faults)


def test_a_value_that_is_never_split_is_looked_at_by_itself():
    rows = with_sites(a_sound_split(), "AB")

    faults = fault_of(rows, never_split=["patient"])

    assert faults == [
        "each patient lies in one split: got patient x in test and train and "
        "validation",
        "each patient lies in one fold: got patient x in 0 and 1 and 2",
    ]


def test_the_largest_deviation_of_a_balanced_axis_is_told():
    rows = with_sites(a_sound_split(), "AABB")

    found = validate_splits(
        rows, SETTINGS, rules=SplitRules(balance_over=["site"])
    ).document()

    [split, _] = [c for c in found["checks"] if "each site" in c["name"]]
    assert split["detail"].startswith("got A in test is off by 0.500")
    assert not split["is_passed"]
    assert found["images_by_axis"] == {
        "site": {
            "A": {"train": 8, "validation": 8},
            "B": {"test": 8, "train": 8},
        }
    }


def test_no_more_evenness_is_asked_for_than_a_group_permits():
    rows = [
        replace(row, axes={"site": "B" if row.group == 0 else "A"})
        for row in a_sound_split()
    ]

    strict = DataSettings(num_folds=3, max_class_share_deviation=0.1)
    found = validate_splits(rows, strict, rules=SplitRules(balance_over=["site"]))

    [split, fold] = [c for c in found.checks if "each site" in c.name]
    assert found.faults == ()
    assert split.detail == "largest deviation 0.0625 (A in test)"
    assert fold.detail == "largest deviation 0.1667 (B in fold 0)"


def left_out(sites: str) -> list[AssignedImage]:
    """Return a sound split whose test is site T, but for what the sites say."""
    return [
        replace(row, axes={"site": sites if row.group == 6 else "T"})
        if row.split == "test"
        else replace(row, axes={"site": "A"})
        for row in a_sound_split()
    ]


RULES = {"leave_out": "site", "test_value": "T"}


def test_what_is_left_out_is_the_test_and_nothing_else():
    assert fault_of(left_out("T"), **RULES) == []
    assert fault_of(left_out("A"), **RULES) == [
        "the test is site T, and all of it: got 6-0.jpeg of A in test, 6-1.jpeg of A "
        "in test"
    ]
    first, *others = left_out("T")
    assert fault_of([replace(first, axes={"site": "T"}), *others], **RULES) == [
        "the test is site T, and all of it: got 0-0.jpeg of T in train"
    ]


def test_a_value_of_which_nothing_is_kept_is_no_test():
    rows = [row for row in left_out("T") if row.split != "test"]

    faults = fault_of(rows, **RULES)

    assert "the test is site T, and all of it: got no image at all" in faults


def test_a_test_that_is_left_out_may_lack_a_class_and_says_so():
    rows = [r for r in left_out("T") if r.split != "test" or r.label == "lung_n"]

    found = validate_splits(rows, SETTINGS, rules=SplitRules(**RULES))

    [check] = [c for c in found.checks if c.name.startswith("every split and fold")]
    assert found.faults == ()
    assert check.detail == "the test, left out, has no lung_aca"
    assert validate_splits(rows, SETTINGS).faults != ()
