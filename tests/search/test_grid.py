import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import ParameterGrid

from lcc.config.settings import Settings
from lcc.errors import ConfigError
from lcc.search.grid import Grid, apply_point, check_grid
from lcc.search.trial import (
    count_trials,
    trial_at,
    trial_id,
    trial_ids,
    trials_of_process,
)
from tests.builders.settings import load_settings

GRIDS = st.dictionaries(
    st.text("abc.", min_size=1, max_size=5),
    st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True).map(tuple),
    max_size=4,
)


@given(GRIDS)
def test_points_are_those_of_scikit_learn(choices):
    grid = Grid(choices)

    assert [grid[index] for index in range(len(grid))] == list(ParameterGrid(choices))


def test_there_is_no_point_beyond_the_last():
    with pytest.raises(IndexError, match="point 2: must be below 2"):
        Grid({"train.epochs": (1, 2)})[2]


def a_search(**data: object) -> Settings:
    grid = {"train.learning_rate": (0.1, 0.01), "model.dropout": (0.0, 0.2, 0.5)}
    return Settings.model_validate(
        {"search": {"grid": grid}, "data": {"num_folds": 4, **data}}
    )


def test_trials_are_every_point_on_every_fold_once():
    settings = a_search()

    trials = [trial_at(index, settings) for index in range(count_trials(settings))]

    assert len(trials) == 6 * 4
    assert len({(trial.point_index, trial.fold) for trial in trials}) == 24
    assert {trial.fold for trial in trials} == {0, 1, 2, 3}


@given(st.integers(1, 40), st.integers(0, 200))
def test_shares_are_disjoint_cover_everything_and_are_even(num_processes, num_trials):
    shares = [
        trials_of_process(index, num_processes=num_processes, num_trials=num_trials)
        for index in range(num_processes)
    ]

    assert [trial for share in shares for trial in share] == list(range(num_trials))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"catalogue": "other"}, id="catalogue"),
        pytest.param({"code": "0.2.0"}, id="code"),
    ],
)
def test_a_trial_of_other_data_or_code_has_another_id(change):
    settings = a_search()
    trial = trial_at(3, settings)
    facts = {"catalogue": "ab12", "code": "0.1.0"}

    assert trial_id(trial, settings, **facts) == trial_id(trial, settings, **facts)
    assert trial_id(trial, settings, **facts) != trial_id(
        trial, settings, **(facts | change)
    )


def test_every_trial_has_an_id_of_its_own():
    assert len(set(trial_ids(a_search()))) == 24


def test_a_point_changes_only_what_it_names():
    settings = apply_point(Settings(), {"model.dropout": 0.5, "train.epochs": 3})

    assert (settings.model.dropout, settings.train.epochs) == (0.5, 3)
    assert settings.data == Settings().data


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        pytest.param("train.epochs.x", "train.epochs: must be a whole", id="below"),
        pytest.param("train.lerning_rate", "Did you mean .*learning_rate", id="typo"),
    ],
)
def test_a_point_that_names_no_setting_is_refused(path, fault):
    with pytest.raises(ConfigError, match=fault):
        apply_point(Settings(), {path: 1})


def test_features_made_once_cannot_follow_another_backbone():
    settings = load_settings(
        overrides=[
            "model.frozen_stages=all",
            "search.grid.model.backbone=[resnet50, mobilenet]",
            "search.grid.train.augmentation.zoom_fraction=[0.1, 0.2]",
        ]
    )

    with pytest.raises(ConfigError) as caught:
        check_grid(settings)

    assert len(caught.value.faults) == 2
    assert "search.grid.model.backbone: cannot vary" in caught.value.faults[0]


def test_a_trainable_backbone_may_vary():
    settings = load_settings(overrides=["search.grid.model.backbone=[resnet50]"])

    assert check_grid(settings) is None
