"""McNemar's test where images of a group are alike, and p-values of several pairs."""

import numpy as np
import pytest
from scipy.stats import chi2

from lcc.evaluate.mcnemar import holm, mcnemar_by_groups


def simulate(num_groups: int, *, seed: int, gain: float = 0.0):
    """Yield which images of groups of many sizes two models have right, and the groups.

    Each group has its own difficulty, and each model its own luck with it. The gain, in
    logits, is that of the first model.
    """
    draw = np.random.default_rng(seed)
    for _ in range(600):
        sizes = draw.integers(2, 40, num_groups)
        groups = np.repeat(np.arange(num_groups), sizes)
        hardness = draw.normal(2.5, 1.5, num_groups)
        rights = []
        for own in (gain, 0.0):
            logit = (hardness + draw.normal(0, 1.5, num_groups) + own)[groups]
            rights.append(draw.random(len(groups)) < 1 / (1 + np.exp(-logit)))
        yield *rights, groups


def share_found(num_groups: int, *, as_images: bool = False, **how: float) -> float:
    """Return the share of simulated studies in which a difference is found."""
    found = [
        mcnemar_by_groups(
            one, two, np.arange(len(groups)) if as_images else groups
        ).p_value
        < 0.05
        for one, two, groups in simulate(num_groups, **how)
    ]
    return float(np.mean(found))


@pytest.mark.parametrize("num_groups", [12, 36, 100])
def test_of_equal_models_with_correlated_images_one_study_in_twenty_differs(num_groups):
    # Three standard errors of 600 studies above 0.05; below, it may be careful.
    assert 0.005 < share_found(num_groups, seed=1) < 0.077


def test_taking_images_for_evidence_finds_differences_that_are_none():
    assert share_found(36, seed=1, as_images=True) > 0.3


def test_a_better_model_is_found():
    assert share_found(36, seed=2, gain=2.0) > 0.9


def test_with_one_image_a_group_it_is_the_test_of_mcnemar():
    first = np.repeat([True, True, False, False], [50, 12, 3, 35])
    second = np.repeat([True, False, True, False], [50, 12, 3, 35])

    found = mcnemar_by_groups(first, second, np.arange(100))

    assert (found.only_first, found.only_second, found.num_groups) == (12, 3, 15)
    score = (12 - 3) ** 2 / (12 + 3) * 99 / 100
    assert found.p_value == pytest.approx(chi2.sf(score, 1))


def test_models_that_are_right_on_the_same_images_do_not_differ():
    same = np.arange(20) % 3 > 0

    assert mcnemar_by_groups(same, same, np.arange(20) // 4).p_value == 1


def test_one_group_shows_nothing():
    right, wrong = np.ones(9, bool), np.zeros(9, bool)

    assert mcnemar_by_groups(right, wrong, np.zeros(9)).p_value == 1


def test_holm_multiplies_by_the_pairs_left_and_keeps_the_order():
    assert holm([0.04, 0.001, 0.03, 0.9]) == pytest.approx([0.09, 0.004, 0.09, 0.9])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []
