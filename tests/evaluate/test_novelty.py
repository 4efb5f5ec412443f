"""How unlike the training images an image is, and from where on it is none of them."""

import math

import numpy as np
import pytest

from lcc.evaluate.novelty import (
    MIN_GROUPS,
    KnownTissue,
    Threshold,
    choose_limit,
    know_tissue,
    read_known,
    set_threshold,
    write_known,
)


def some_features(count: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 20)).astype(np.float32)


def unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def test_novelty_is_the_distance_of_directions_from_the_fifth_nearest():
    seen, others = some_features(30), some_features(7, seed=1)
    known = know_tissue(seen)
    apart = unit(others)[:, None] - unit(seen)[None]
    expected = np.sort(np.linalg.norm(apart, axis=2), axis=1)[:, 4]

    found = known.novelty(others)

    np.testing.assert_allclose(found, expected, atol=1e-3)  # float16 is kept
    np.testing.assert_allclose(known.novelty(others * 9), found, atol=1e-6)


def test_one_odd_training_image_makes_no_stranger_familiar():
    seen = np.abs(some_features(30))
    stranger = -seen[:1]

    plain, with_odd = (
        know_tissue(own).novelty(stranger)[0]
        for own in (seen, np.concatenate([seen, stranger]))
    )

    assert 1 < plain <= 2
    assert with_odd == pytest.approx(plain, abs=0.05)


def test_a_network_that_sees_nothing_is_as_far_from_all():
    known = know_tissue(some_features(30))

    assert known.novelty(np.zeros((1, 20), np.float32)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("count", [19, 20, 99, 100, 250])
def test_of_lone_images_the_threshold_is_that_of_split_conformal(count: int):
    values = np.random.default_rng(count).permutation(count) + 1.0

    found = choose_limit(values, np.arange(count))

    assert found.value == math.ceil(0.95 * (count + 1))
    assert (found.kept_share, found.num_groups) == (0.95, count)


def test_copies_of_an_image_are_no_evidence():
    values = np.random.default_rng(0).uniform(size=60)
    groups = np.arange(60)
    times = np.random.default_rng(1).integers(1, 30, 60)

    copied = choose_limit(np.repeat(values, times), np.repeat(groups, times))

    assert copied == choose_limit(values, groups)


@pytest.mark.parametrize("num_groups", [5, 12, 18])
def test_few_groups_keep_what_they_can(num_groups: int):
    values = np.random.default_rng(0).uniform(size=3 * num_groups)

    found = choose_limit(values, np.repeat(np.arange(num_groups), 3))

    assert found.value == values.max()
    assert found.kept_share == num_groups / (num_groups + 1)


@pytest.mark.parametrize("num_groups", [0, 1, MIN_GROUPS - 1])
def test_on_too_few_groups_no_threshold_is_set_and_nothing_is_unfamiliar(
    num_groups: int,
):
    groups = np.repeat(np.arange(num_groups), 50)
    known = set_threshold(know_tissue(some_features(9)), np.ones(len(groups)), groups)

    assert known.threshold == Threshold(num_groups=num_groups)
    assert not known.threshold.is_set
    assert not known.is_unfamiliar(np.array([0.5, 2.0, np.inf])).any()


def drawn_groups(draw: np.random.Generator, count: int) -> tuple[np.ndarray, ...]:
    """Return novelty of groups that differ, each of 1 to 60 images that hardly do."""
    sizes = draw.integers(1, 61, count)
    codes = np.repeat(np.arange(count), sizes)
    values = draw.lognormal(size=count)[codes] + draw.normal(0, 0.01, len(codes))
    return values, codes


@pytest.mark.parametrize("num_groups", [6, 18, 19, 30])
def test_what_is_promised_holds_on_new_groups(num_groups: int):
    draw = np.random.default_rng(0)
    false_alarms = []
    for _ in range(2000):
        threshold = choose_limit(*drawn_groups(draw, num_groups))
        new, _ = drawn_groups(draw, 1)
        false_alarms.append(np.mean(new > threshold.value))
    borne = 1 - threshold.kept_share
    three_errors = 3 * math.sqrt(borne * (1 - borne) / len(false_alarms))

    assert np.mean(false_alarms) <= borne + three_errors
    assert np.mean(false_alarms) >= borne / 2  # and it is not kept by crying never


def test_unknown_novelty_is_not_unfamiliar():
    known = KnownTissue(
        references=np.eye(3, dtype=np.float16),
        neighbour=1,
        threshold=Threshold(value=0.5),
    )

    assert known.is_unfamiliar(np.array([np.nan, 0.5, 0.6])).tolist() == [
        *(False, False, True)
    ]


@pytest.mark.parametrize("num_groups", [1, 30])
def test_what_is_kept_says_the_same_when_it_is_read(num_groups: int):
    others = some_features(40, seed=1)
    known = know_tissue(some_features(30))
    groups = np.arange(40) % num_groups
    known = set_threshold(known, known.novelty(others), groups)

    again = read_known(write_known(known))

    assert again.threshold == known.threshold
    assert again.novelty(others).tolist() == known.novelty(others).tolist()
    assert write_known(again) == write_known(known)


def test_fewer_references_than_neighbours_are_enough():
    known = know_tissue(some_features(1))

    assert known.novelty(some_features(1)) == pytest.approx(0, abs=1e-3)
