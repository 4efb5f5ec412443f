"""A few images that stand for many groups."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lcc.evaluate.subset import spread_over_groups


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(1, 70))
def test_no_group_has_two_more_images_than_one_that_has_some_left(
    groups: list[int], count: int
):
    codes = np.array(groups)

    chosen = spread_over_groups(codes, codes % 2, count=count, seed=0)

    assert len(chosen) == min(count, len(codes))
    assert np.array_equal(chosen, np.unique(chosen))
    taken, held = (np.bincount(own, minlength=7) for own in (codes[chosen], codes))
    has_more = taken < held
    if has_more.any():
        assert taken.max() <= taken[has_more].min() + 1


def test_classes_take_turns_where_not_every_group_has_its_own():
    groups = np.arange(40)
    labels = np.where(groups < 36, 0, 1)

    chosen = spread_over_groups(groups, labels, count=6, seed=1)

    assert np.bincount(labels[chosen]).tolist() == [3, 3]


def test_another_seed_chooses_others():
    groups, labels = np.repeat(np.arange(30), 4), np.zeros(120, int)

    one, again, other = (
        spread_over_groups(groups, labels, count=30, seed=seed) for seed in (1, 1, 2)
    )

    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_of_no_images_none_are_chosen():
    none = np.empty(0, np.int64)

    assert len(spread_over_groups(none, none, count=5, seed=0)) == 0
