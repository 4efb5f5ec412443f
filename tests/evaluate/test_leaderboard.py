"""Several models on one set of images: who is better, and what may be compared."""

import json
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from lcc.config.evaluate import EvaluateSettings
from lcc.errors import ConfigError, DataError
from lcc.evaluate.leaderboard import (
    Comparison,
    compare_evaluations,
    describe_comparison,
    dump_comparison,
    render_comparison,
)
from lcc.evaluate.metrics import compare_paired
from lcc.evaluate.pairs import METRICS
from lcc.evaluate.predictions import Part, Predictions
from lcc.evaluate.shared_test import Judged
from lcc.evaluate.trials import Trials, parse_trials
from tests.builders.predictions import CLASSES, some_predictions

SETTINGS = EvaluateSettings(num_bootstrap=400)


def an_evaluation(run_id: str = "evaluate-1", **changes: object) -> Judged:
    """Return an evaluation of 30 groups of ten images each."""
    share = changes.pop("share_right", 0.8)
    plain = {
        "run_id": run_id,
        "dataset": "lung",
        "catalogue": "ab" * 32,
        "predictions": guessed(float(share)),
        "baselines": {},
        "read_digests": dict,
    }
    return Judged(**(plain | changes))


def guessed(share_right: float, *, seed: int = 0) -> Predictions:
    """Return predictions whose mistakes fall anywhere."""
    base = some_predictions(Part.TEST)
    draw = np.random.default_rng(seed)
    is_right = draw.random(len(base)) < share_right
    taken = np.where(is_right, base.labels, (base.labels + 1) % 3)
    sure = draw.uniform(0.5, 0.95, len(base))
    said = np.repeat((1 - sure)[:, None] / 2, 3, axis=1)
    said[np.arange(len(base)), taken] = sure
    return base.with_calibrated(said)


def compared(*evaluations: Judged, is_common: bool = False, **how) -> Comparison:
    return compare_evaluations(
        evaluations, is_common=is_common, settings=SETTINGS, **how
    )


def only(predictions: Predictions, rows: slice) -> Predictions:
    is_chosen = np.zeros(len(predictions), bool)
    is_chosen[rows] = True
    return predictions.chosen(is_chosen)


def test_models_stand_in_order_and_differ_as_if_compared_alone():
    weak, strong = (
        an_evaluation("weak", share_right=0.6),
        an_evaluation("strong", share_right=0.9),
    )

    board = compared(weak, strong).board

    assert [own.name for own in board.standings] == ["strong", "weak"]
    [pair] = board.pairs
    alone = compare_paired(
        strong.predictions.labels,
        (strong.predictions.calibrated, weak.predictions.calibrated),
        strong.predictions.groups,
        class_names=CLASSES,
        settings=SETTINGS,
    )
    assert {name: own.found for name, own in pair.differences.items()} == {
        name: alone[name] for name in METRICS
    }
    assert pair.differences["macro_f1"].is_real
    assert pair.mcnemar.only_first > pair.mcnemar.only_second
    assert (board.num_images, board.num_groups) == (300, 30)


def test_a_model_does_not_differ_from_itself():
    [pair] = compared(an_evaluation("a"), an_evaluation("b")).board.pairs

    difference = pair.differences["macro_f1"]
    assert (difference.p_value, difference.is_real) == (1, False)
    assert pair.mcnemar.p_value == 1


def test_p_values_allow_for_the_number_of_pairs():
    own = [an_evaluation("a", share_right=0.9), an_evaluation("b", share_right=0.8)]
    [alone] = compared(*own).board.pairs

    board = compared(*own, an_evaluation("c", share_right=0.8)).board

    assert len(board.pairs) == 3
    among = board.pair_of("a", "b")
    assert among.mcnemar.p_value > alone.mcnemar.p_value
    assert among.differences["brier"].found == alone.differences["brier"].found


def test_baselines_stand_beside_the_models_and_are_not_compared_with_each_other():
    baselines = {"forest": guessed(0.5, seed=1), "pixels": guessed(0.4, seed=2)}

    board = compared(an_evaluation("a", baselines=baselines)).board

    assert [own.name for own in board.standings] == ["a", "forest", "pixels"]
    assert [own.is_baseline for own in board.standings] == [False, True, True]
    assert [(p.first, p.second) for p in board.pairs] == [
        ("a", "forest"),
        ("a", "pixels"),
    ]


def test_runs_on_different_tests_are_refused_by_name():
    other = an_evaluation("evaluate-2", catalogue="cd" * 32)

    with pytest.raises(ConfigError) as caught:
        compared(an_evaluation(), other)

    assert str(caught.value) == (
        "runs: must be judged on the same test, got evaluate-1 on lung abababababab "
        "(300 images) and evaluate-2 on lung cdcdcdcdcdcd (300 images). Leave one of "
        "them out, or compare them on the images that all tests hold: --common"
    )


def test_a_part_of_a_test_is_another_test():
    part = an_evaluation("part", predictions=only(guessed(0.8), slice(0, 60)))

    with pytest.raises(ConfigError, match=r"part on lung abababababab \(60 images\)"):
        compared(an_evaluation(), part)


def test_shared_images_are_those_of_the_same_path_and_bytes():
    own = an_evaluation()
    paths = own.predictions.table["path"].to_pylist()
    bytes_of = dict.fromkeys(paths, "aa")
    first = replace(own, read_digests=lambda: bytes_of)
    second = an_evaluation(
        "evaluate-2",
        catalogue="cd" * 32,
        predictions=only(guessed(0.9, seed=1), slice(100, 300)),
        read_digests=lambda: bytes_of | {paths[150]: "bb"},
    )

    found = compared(first, second, is_common=True)

    assert found.board.num_images == 199
    [note] = [own for own in found.notes if own.startswith("Only images")]
    assert note == (
        "Only images that all tests hold are compared. Left out: 101 of evaluate-1, "
        "1 of evaluate-2."
    )


def test_what_one_catalogue_holds_for_one_group_is_one_group():
    own = an_evaluation()
    halves = own.predictions.table
    number = halves.column_names.index("group")
    pairs = pa.array([group // 2 for group in own.predictions.groups.tolist()])
    merged = Predictions(table=halves.set_column(number, "group", pairs))
    other = an_evaluation("evaluate-2", catalogue="cd" * 32, predictions=merged)
    assert len(np.unique(merged.groups)) == 15

    assert compared(own, other, is_common=True).board.num_groups == 15


def test_tests_that_share_no_image_are_refused():
    halves = [
        an_evaluation(f"evaluate-{n}", predictions=only(guessed(0.8), rows))
        for n, rows in enumerate((slice(0, 150), slice(150, 300)))
    ]

    with pytest.raises(ConfigError, match="--common: tests must share images"):
        compared(*halves, is_common=True)


def test_a_shared_image_has_one_label():
    own = an_evaluation()
    table = own.predictions.table
    number = table.column_names.index("label")
    labels = pa.array(["lung_n", *table["label"].to_pylist()[1:]])
    other = Predictions(table=table.set_column(number, "label", labels))

    with pytest.raises(DataError, match="got 1 shared images with another in b than"):
        compared(own, an_evaluation("b", predictions=other))


def test_a_probability_that_is_no_number_is_refused_with_its_image():
    said = guessed(0.8).calibrated.copy()
    said[7] = np.nan
    own = an_evaluation(predictions=guessed(0.8).with_calibrated(said))

    with pytest.raises(DataError, match=r"for 1 images \(0-7.png is the first\)"):
        compared(own)


def test_models_of_other_classes_are_refused():
    table = some_predictions(Part.TEST).table
    names = [name.replace("lung_scc", "colon") for name in table.column_names]
    other = Predictions(table=table.rename_columns(names))

    with pytest.raises(ConfigError, match="must know the same classes"):
        compared(an_evaluation(), an_evaluation("b", predictions=other))


def test_classes_in_another_order_are_the_same_classes():
    own = an_evaluation()
    turned = own.predictions.table.select(own.predictions.table.column_names[::-1])
    other = an_evaluation("b", predictions=Predictions(table=turned))
    assert other.predictions.class_names != own.predictions.class_names

    [pair] = compared(own, other).board.pairs

    assert pair.differences["log_loss"].found.value == 0


def test_too_few_resamples_for_the_pairs_are_said_to_be():
    many = [an_evaluation(f"evaluate-{n}") for n in range(6)]

    notes = compared(*many).notes

    assert "can show no difference among 15 pairs" in notes[-1]
    assert compared(*many[:2]).notes == notes[:1]


def test_the_lines_of_a_terminal_fit_80_columns():
    names = [f"evaluate-20261128-0140-abc{n}" for n in range(2)]
    baselines = {"logistic regression on 32 × 32 pixels": guessed(0.4, seed=1)}
    own = [
        an_evaluation(n, share_right=0.6 + 0.3 * k, baselines=baselines)
        for k, n in enumerate(names)
    ]

    lines = list(describe_comparison(compared(*own)))

    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[:3]] == ["MODEL", names[1], names[0]]
    assert lines[1].rstrip() == lines[1]
    assert re.search(r" 0\.\d{3} \(0\.\d{3}–0\.\d{3}\) \* +<0\.001$", lines[2])


def some_trials(num_points: int = 3) -> Trials:
    rows = "\n".join(
        f"{n},all,{0.1**n},0.5,0.{n},{'nan' if n == 1 else 0.9}"
        for n in range(num_points)
    )
    head = (
        "mean_fit_time,param_model.frozen_stages,param_train.learning_rate,"
        "mean_test_score,split0_test_score,split1_test_score\n"
    )
    return parse_trials("search-1", f"{head}{rows}\n".encode())


def test_each_point_on_each_fold_is_a_trial_and_failed_ones_stay():
    found = some_trials()

    assert list(found.axes) == ["model.frozen_stages", "train.learning_rate", "fold"]
    assert found.values[0] == ["all"]
    assert [float(v) for v in found.values[1]] == sorted(0.1**n for n in range(3))
    assert found.places[0] == [0, 2, 0]
    assert list(found.scores) == [0.0, 0.9, 0.1, None, 0.2, 0.9]
    assert found.num_failed == 1


def test_the_page_holds_everything_and_asks_for_nothing():
    baselines = {"<b>forest</b>": guessed(0.5, seed=1)}
    own = an_evaluation("a", baselines=baselines)

    page = render_comparison(compared(own, searches=[some_trials()]))

    assert "http" not in page
    assert "<b>forest" not in page
    assert '"scores": [0.0, 0.9, 0.1, null, 0.2, 0.9]' in page
    assert "1 failed" in page
    assert page.count("<polyline") == 2


def test_the_curve_of_a_model_that_is_always_as_sure_is_a_line():
    even = an_evaluation(predictions=some_predictions(Part.TEST, share_right=0.8))

    [curve] = compared(even).curves

    assert list(curve.coverage) == [0, 1]
    assert list(curve.risk) == pytest.approx([0.2, 0.2])


def test_the_figures_are_there_as_json():
    own = [an_evaluation("a", share_right=0.9), an_evaluation("b", share_right=0.6)]

    document = json.loads(dump_comparison(compared(*own)))

    assert [standing["name"] for standing in document["standings"]] == ["a", "b"]
    found = document["pairs"][0]["differences"]["macro_f1"]["found"]
    assert found["lower"] <= found["value"] <= found["upper"]
