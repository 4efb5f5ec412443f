import csv
import io
import json
import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from lcc.search.select import (
    TrialResult,
    choose_best,
    parse_best,
    parse_result,
    tabulate,
    write_csv,
)

RULES = {"never_split": ["family"], "balance_over": []}


def results_of(
    scores: dict[int, tuple[float, ...]],
    *,
    points: dict[int, dict] | None = None,
    parameters: dict[int, int] | None = None,
) -> list[TrialResult]:
    return [
        TrialResult(
            point_index=index,
            point=(points or {}).get(index, {"train.learning_rate": 10.0**-index}),
            fold=fold,
            scores={"macro_f1": score, "accuracy": score, "loss": 1 - score},
            best_epoch=fold,
            num_parameters=(parameters or {}).get(index, 100),
            fit_seconds=1.0,
        )
        for index, values in scores.items()
        for fold, score in enumerate(values)
    ]


def test_the_columns_are_those_of_scikit_learn():
    features = np.random.default_rng(0).normal(size=(30, 2))
    search = GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, cv=3)
    search.fit(features, np.arange(30) % 2)
    expected = {name for name in search.cv_results_ if not name.startswith("param_")}

    rows = tabulate(results_of({0: (0.5, 0.6, 0.7), 1: (0.4, 0.4, 0.4)}), rules=RULES)

    own = {name for name in rows[0] if not name.startswith("param_")}
    extra = {"mean_test_accuracy", "mean_test_loss", "num_parameters", "error"}
    extra |= {"folds_by"}
    assert own - extra == expected
    assert rows[0]["param_train.learning_rate"] == 1.0
    assert [row["rank_test_score"] for row in rows] == [1, 2]
    assert rows[0]["mean_test_score"] == pytest.approx(0.6)
    assert rows[0]["std_test_score"] == pytest.approx(np.std([0.5, 0.6, 0.7]))


def test_every_row_says_by_what_folds_were_made():
    results = results_of({0: (0.5, 0.6), 1: (0.4, 0.4)})

    rows = tabulate(results, rules=RULES | {"balance_over": ["site"]})

    assert [row["folds_by"] for row in rows] == ["family; balanced over site"] * 2


def test_a_clearly_better_point_wins():
    best = choose_best(results_of({0: (0.5, 0.52, 0.51), 1: (0.9, 0.91, 0.92)}))

    assert best.point_index == 1
    assert best.mean == pytest.approx(0.91)
    assert best.refit_epochs == 2  # median of the epochs 1, 2 and 3


@pytest.mark.parametrize(
    ("points", "parameters", "chosen"),
    [
        pytest.param(None, {0: 200, 1: 100}, 1, id="fewer parameters"),
        pytest.param(
            {0: {"model.dropout": 0.0}, 1: {"model.dropout": 0.5}},
            None,
            1,
            id="dropout",
        ),
        pytest.param(
            {0: {"train.weight_decay": 0.1}, 1: {"model.dropout": 0.5}},
            None,
            0,
            id="decay before dropout",
        ),
        pytest.param(None, None, 0, id="order of the grid"),
    ],
)
def test_within_one_standard_error_the_simpler_point_wins(points, parameters, chosen):
    scores = {0: (0.80, 0.90, 0.85), 1: (0.81, 0.90, 0.85)}

    best = choose_best(results_of(scores, points=points, parameters=parameters))

    assert best.point_index == chosen
    assert best.top_mean == pytest.approx(0.8533, abs=1e-4)


def test_a_failed_trial_is_seen_and_its_point_is_not_chosen():
    results = results_of({0: (0.5, 0.5), 1: (0.99, 0.99)})
    results[2] = TrialResult(
        point_index=1, point=results[2].point, fold=0, error="loss is not a number"
    )

    rows, best = tabulate(results, rules=RULES), choose_best(results)

    assert math.isnan(rows[1]["split0_test_score"])
    assert math.isnan(rows[1]["mean_test_score"])
    assert rows[1]["error"] == "fold 0: loss is not a number"
    assert [row["rank_test_score"] for row in rows] == [1, 2]
    assert (best.point_index, best.num_failed) == (0, 1)


def test_nothing_is_chosen_where_every_point_failed():
    failed = TrialResult(point_index=0, point={}, fold=0, error="out of memory")

    assert choose_best([failed]) is None


def test_objects_survive_their_json():
    (result,) = results_of({0: (0.5,)})
    best = choose_best([result])
    document = {"index": 0, "unknown": 1} | {
        name: getattr(result, name) for name in TrialResult.__slots__
    }

    assert parse_best(best.dump()) == best
    assert parse_result(json.dumps(document).encode()) == result


def test_the_table_is_csv():
    text = write_csv(tabulate(results_of({0: (0.5, 0.6)}), rules=RULES))

    (row,) = csv.DictReader(io.StringIO(text))
    assert json.loads(row["params"]) == {"train.learning_rate": 1.0}
