"""The gate: each condition holds or not, and what is said of it."""

from dataclasses import replace

import pytest

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.gate import (
    AgainstChampion,
    check_gate,
    compare_on_test,
    compare_with_baselines,
)
from lcc.evaluate.predictions import Part
from tests.builders.predictions import some_predictions
from tests.builders.registered import FOREST, some_metrics, some_splits, worse_on

SETTINGS = EvaluateSettings(num_bootstrap=200)


def failed(**changes: object) -> list[str]:
    """Return the conditions that do not hold."""
    own = some_predictions(Part.TEST)
    others = {FOREST: worse_on(own, 6)}
    plain = {
        "metrics": some_metrics("train-1"),
        "splits": some_splits(),
        "on_test": compare_with_baselines(own, others, settings=SETTINGS),
        "unanswered": (),
        "champion": None,
        "settings": SETTINGS,
    } | changes
    metrics, splits = plain.pop("metrics"), plain.pop("splits")
    checks = check_gate(metrics, splits, **plain)
    return [check.name for check in checks if not check.is_passed]


def against(num_groups_worse: int, *, champion_worse: int = 0) -> AgainstChampion:
    own = some_predictions(Part.TEST)
    return compare_on_test(
        worse_on(own, num_groups_worse),
        worse_on(own, champion_worse),
        name="train-0",
        settings=SETTINGS,
    )


def test_a_model_that_has_shown_everything_passes():
    assert failed() == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        pytest.param(
            {"metrics": some_metrics("t", above=0.04)},
            "better than every baseline",
            id="the interval reaches 0",
        ),
        pytest.param(
            {"metrics": some_metrics("t") | {"compared": []}},
            "better than every baseline",
            id="no baselines",
        ),
        pytest.param({"on_test": {}}, "saved weights hold up", id="not on the test"),
        pytest.param(
            {"metrics": some_metrics("t", error=0.06)},
            "calibrated",
            id="not calibrated",
        ),
        pytest.param({"splits": {}}, "split proven", id="no checks"),
        pytest.param({"unanswered": ["model.licence"]}, "cards complete", id="a card"),
    ],
)
def test_each_condition_is_looked_at(changes: dict, name: str):
    assert name in failed(**changes)


def test_a_split_that_fails_a_check_is_not_proven():
    splits = some_splits()
    splits["checks"].append({"name": "classes", "is_passed": False, "detail": ""})

    assert failed(splits=splits) == ["split proven"]


@pytest.mark.parametrize(
    "unseen",
    [
        pytest.param({"planted": 300, "upper_bound": 0.06}, id="too many"),
        pytest.param({"planted": 0, "upper_bound": 1.0}, id="none planted"),
        pytest.param(None, id="not measured"),
    ],
)
def test_leaks_that_nobody_bounds_are_held_against_a_model(unseen: dict | None):
    splits = some_splits()
    splits["unseen_siblings"] = unseen and splits["unseen_siblings"] | unseen

    assert failed(splits=splits) == ["leaks bounded"]


def test_weights_below_a_baseline_on_the_test_are_refused_whatever_folds_say():
    own = some_predictions(Part.TEST)
    found = compare_with_baselines(worse_on(own, 6), {FOREST: own}, settings=SETTINGS)

    assert failed(on_test=found) == ["saved weights hold up"]


def test_a_model_worse_than_the_champion_is_refused():
    assert failed(champion=against(6)) == ["not worse than the champion"]


def test_a_model_as_good_as_the_champion_or_better_passes():
    assert failed(champion=against(0)) == []
    assert failed(champion=against(0, champion_worse=6)) == []


def test_a_margin_bears_a_little_less():
    settings = SETTINGS.model_copy(update={"margin": 0.9})

    assert failed(champion=against(6), settings=settings) == []


def test_another_test_is_said_and_refused():
    own = some_predictions(Part.TEST)
    other = some_predictions(Part.TEST, num_groups=33)

    found = compare_on_test(own, other, name="train-0", settings=SETTINGS)

    assert found.difference is None
    assert "on another test (330 images, 300 of them among these 300)" in found.why_not
    assert failed(champion=found) == ["not worse than the champion"]


def test_the_order_of_images_does_not_make_another_test():
    own = some_predictions(Part.TEST)
    backwards = replace(own, table=own.table.take(list(range(len(own)))[::-1]))

    found = compare_on_test(own, backwards, name="train-0", settings=SETTINGS)

    assert found.difference is not None
    assert found.difference.value == 0
