import numpy as np
import pytest
from sklearn import metrics as sk

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate import bootstrap
from lcc.evaluate.bootstrap import Estimate, draw_groups, majority
from lcc.evaluate.metrics import compare_paired, judge

CLASSES = ("lung_aca", "lung_n", "lung_scc")


def some_predictions(num_images: int = 120, *, seed: int = 0):
    draw = np.random.default_rng(seed)
    labels = np.arange(num_images) % 3
    probabilities = draw.dirichlet([1, 1, 1], num_images)
    probabilities[np.arange(num_images), labels] += draw.uniform(0, 1, num_images)
    probabilities[:40] = probabilities[:40].round(1) + 0.1  # ties
    probabilities /= probabilities.sum(axis=1, keepdims=True)
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
        own = (labels == number, probabilities[:, number])
        area = sk.roc_auc_score(*own)
        assert found[f"auroc/{name}"].value == pytest.approx(area, abs=1e-12)
        average = sk.average_precision_score(*own)
        assert found[f"auprc/{name}"].value == pytest.approx(average, abs=1e-12)
        specificity = sk.recall_score(labels != number, predicted != number)
        assert found[f"specificity/{name}"].value == pytest.approx(specificity)
    for name, value in (
        ("mcc", sk.matthews_corrcoef(labels, predicted)),
        ("brier", sk.brier_score_loss(labels, probabilities, labels=[0, 1, 2])),
        ("log_loss", sk.log_loss(labels, probabilities)),
        ("macro_f1", sk.f1_score(labels, predicted, average="macro")),
    ):
        assert found[name].value == pytest.approx(value, abs=1e-12)


def test_the_interval_is_that_of_a_plain_loop_over_drawn_groups_of_each_class():
    labels, probabilities, groups = some_predictions()
    groups = groups * 3 + labels  # a group has one class
    predicted = probabilities.argmax(axis=1)
    draw = np.random.default_rng(1)
    scores = []
    of_class = [np.unique(groups[labels == number]) for number in range(3)]
    for _ in range(2000):
        drawn = np.concatenate([draw.choice(own, len(own)) for own in of_class])
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


def test_a_resample_has_as_many_groups_of_each_class_as_there_are():
    labels = np.repeat([0, 0, 1, 2, 2, 2], 4)
    groups = np.repeat(list("abcdef"), 4)

    found = draw_groups(groups, labels, EvaluateSettings(num_bootstrap=500))

    assert found.counts[:, :2].sum(axis=1).tolist() == [2] * 501
    assert found.counts[:, 2].tolist() == [1] * 501  # the only one of its class
    assert found.counts[1:, 3:].sum(axis=1).tolist() == [3] * 500
    assert found.counts[1:].mean(axis=0) == pytest.approx(np.ones(6), abs=0.15)


def test_a_group_of_two_classes_counts_to_that_of_most_of_its_images():
    codes, labels = np.array([0, 0, 0, 1, 1]), np.array([2, 2, 0, 1, 0])

    assert majority(codes, labels).tolist() == [2, 0]


def test_many_images_are_resampled_in_blocks_with_the_same_figures(monkeypatch):
    labels, probabilities, groups = some_predictions()
    whole = judged(labels, probabilities, groups)
    monkeypatch.setattr(bootstrap, "BLOCK", 1000)

    assert judged(labels, probabilities, groups) == whole


def test_of_two_models_the_difference_is_taken_draw_by_draw():
    labels, probabilities, groups = some_predictions()
    worse = 0.9 * probabilities + 0.1 * np.roll(probabilities, 1, axis=1)
    settings = EvaluateSettings(num_bootstrap=300)

    found = compare_paired(
        labels, (probabilities, worse), groups, class_names=CLASSES, settings=settings
    )
    same = compare_paired(
        labels, (worse, worse), groups, class_names=CLASSES, settings=settings
    )

    own, other = (
        judged(labels, own, groups).metrics["log_loss"]
        for own in (probabilities, worse)
    )
    difference = found["log_loss"]
    assert difference.value == pytest.approx(own.value - other.value)
    # Both vary with the same groups: together less than each alone.
    assert difference.upper - difference.lower < (own.upper - own.lower) / 2
    assert same["macro_f1"] == Estimate(value=0, lower=0, upper=0)
