"""Evening out: whole groups move and swap while that helps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lcc.prepare.evening import MAX_GROUPS, even_out

SHARES = (0.5, 0.3, 0.2)


def unevenness(counts: np.ndarray, bins: np.ndarray, shares=SHARES) -> float:
    target = np.outer(shares, counts.sum(axis=0))
    filled = np.zeros_like(target)
    np.add.at(filled, bins, counts)
    return float(((filled - target) ** 2 / target).sum())


def test_groups_swap_where_no_single_move_helps():
    sizes = np.array([[5], [4], [3], [2]])

    bins = even_out(sizes, np.array([0, 0, 1, 1]), (0.5, 0.5))

    assert sizes[bins == 0].sum() == sizes[bins == 1].sum() == 7


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=2, max_size=30),
    st.randoms(use_true_random=False),
)
def test_no_move_is_left_that_would_help(groups, order):
    counts = np.array([*groups, (1, 1)])
    bins = np.array([order.randrange(3) for _ in counts])

    found = even_out(counts, bins, SHARES)

    least = unevenness(counts, found)
    assert least <= unevenness(counts, bins) + 1e-9
    for group in range(len(counts)):
        for target in range(3):
            moved = found.copy()
            moved[group] = target
            assert unevenness(counts, moved) > least - 1e-6


def test_of_very_many_groups_nothing_is_moved():
    counts = np.ones((MAX_GROUPS + 1, 1), np.int64)
    bins = np.zeros(len(counts), np.int64)

    assert not even_out(counts, bins, (0.5, 0.5)).any()
