import numpy as np
import pytest
from sklearn import metrics as sk

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.metrics import judge

CLASSES = ("lung_aca", "lung_n", "lung_scc")


def some_predictions(num_images: int = 120, *, seed: int = 0):
    draw = np.random.default_rng(seed)
    labels = np.arange(num_images) % 3
    probabilities = draw.dirichlet([1, 1, 1], num_images)
    probabilities[np.arange(num_images), labels] += draw.uniform(0, 1, num_images)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    probabilities[:40] = probabilities[:40].round(1)  # ties
    return labels, probabilities, np.arange(num_images) // 6


def judged(labels, probabilities, groups, **settings):
    chosen = EvaluateSettings(**({"num_bootstrap": 300} | settings))
    return judge(labels, probabilities, groups, class_names=CLASSES, settings=chosen)


def test_values_are_those_of_scikit_learn():
    labels, probabilities, groups = some_predictions()
    predicted = probabilities.argmax(axis=1)

    found = judged(labels, probabilities, groups).metrics

    assert found["accuracy"].value == pytest.approx(
        sk.accuracy_score(labels, predicted)
    )
    assert found["balanced_accuracy"].value == pytest.approx(
        sk.balanced_accuracy_score(labels, predicted)
    )
    for name, score in (
        ("f1", sk.f1_score),
        ("precision", sk.precision_score),
        ("recall", sk.recall_score),
    ):
        expected = score(labels, predicted, average=None)
        assert [found[f"{name}/{c}"].value for c in CLASSES] == pytest.approx(expected)
    for number, name in enumerate(CLASSES):
        area = sk.roc_auc_score(labels == number, probabilities[:, number])
        assert found[f"auroc/{name}"].value == pytest.approx(area)


def test_the_interval_is_that_of_a_plain_loop_over_drawn_groups():
    labels, probabilities, groups = some_predictions()
    predicted = probabilities.argmax(axis=1)
    draw = np.random.default_rng(1)
    scores = []
    for _ in range(2000):
        drawn = draw.integers(0, 20, 20)
        rows = np.concatenate([np.flatnonzero(groups == group) for group in drawn])
        scores.append(sk.f1_score(labels[rows], predicted[rows], average="macro"))

    found = judged(labels, probabilities, groups, num_bootstrap=2000).metrics[
        "macro_f1"
    ]

    assert found.lower == pytest.approx(np.quantile(scores, 0.025), abs=0.01)
    assert found.upper == pytest.approx(np.quantile(scores, 0.975), abs=0.01)


def test_copies_of_one_tile_do_not_narrow_the_interval():
    labels, probabilities, groups = some_predictions(60)
    tenfold = [
        np.repeat(values, 10, axis=0) for values in (labels, probabilities, groups)
    ]

    once = judged(labels, probabilities, groups).metrics["macro_f1"]
    copied = judged(*tenfold).metrics["macro_f1"]
    as_if_independent = judged(tenfold[0], tenfold[1], np.arange(600)).metrics[
        "macro_f1"
    ]

    assert copied.upper - copied.lower == pytest.approx(once.upper - once.lower)
    assert as_if_independent.upper - as_if_independent.lower < 0.6 * (
        copied.upper - copied.lower
    )


def test_a_perfect_model_has_no_spread():
    labels = np.arange(30) % 3

    found = judged(labels, np.eye(3)[labels], np.arange(30) // 3)

    estimate = found.metrics["macro_f1"]
    assert (estimate.value, estimate.lower, estimate.upper) == (1.0, 1.0, 1.0)
    assert found.confusion == ((10, 0, 0), (0, 10, 0), (0, 0, 10))
    assert (found.num_images, found.num_groups) == (30, 10)


def test_groups_of_one_class_leave_resamples_without_it_and_no_warning():
    labels = np.repeat([0, 1, 2], 10)
    draw = np.random.default_rng(0)

    found = judged(labels, draw.dirichlet([1, 1, 1], 30), np.repeat([0, 1, 2], 10))

    for estimate in found.metrics.values():
        assert np.isfinite([estimate.value, estimate.lower, estimate.upper]).all()
