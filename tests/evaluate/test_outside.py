"""Another data set: judged beside the sealed test, and how it looks."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import Catalogue, add_axes
from lcc.data.tiles import Tiles
from lcc.errors import DataError
from lcc.evaluate.judging import PREMIUM
from lcc.evaluate.kept import without_nan
from lcc.evaluate.namesakes import find_namesakes
from lcc.evaluate.novelty import KnownTissue, Threshold
from lcc.evaluate.outside import (
    OutsideEvidence,
    judge_outside,
    outside_document,
    outside_metrics,
    render_outside,
)
from lcc.evaluate.overlap import Overlap
from lcc.evaluate.predictions import Part, Predictions, join_parts, predictions_of
from lcc.evaluate.selective import UNFAMILIAR
from lcc.evaluate.shift import measure_shift, see_some
from lcc.evaluate.strangers import SPREAD
from tests.evaluate.test_report import CLASSES, a_catalogue, some_predictions

SETTINGS = EvaluateSettings(num_bootstrap=200)


def outside_predictions(catalogue: Catalogue, rows: np.ndarray) -> Predictions:
    """Return predictions of a model that is right on two images of three, and sure."""
    labels = catalogue.labels[rows]
    guesses = np.where(np.arange(len(labels)) % 3 == 0, (labels + 1) % 3, labels)
    said = np.eye(3)[guesses] * 0.97 + 0.01
    return predictions_of(catalogue, rows, said, part=Part.OUTSIDE)


def some_evidence(rows: np.ndarray | None = None, **changes: object) -> OutsideEvidence:
    catalogue, _ = a_catalogue()
    patients = [f"p{code}" for code in (catalogue.families // 2).tolist()]
    outside = replace(catalogue, table=add_axes(catalogue.table, {"patient": patients}))
    rows = outside.rows() if rows is None else rows
    sealed = some_predictions(catalogue, Part.VALIDATION, Part.TEST)
    said = np.eye(3)[catalogue.labels[rows]] * 0.97 + 0.01
    premium = predictions_of(catalogue, rows, said, part=Part.RANDOM_SPLIT)
    plain = {
        "settings": SETTINGS,
        "predictions": join_parts([sealed, outside_predictions(outside, rows)]),
        "others": {PREMIUM: premium},
        "units": ["patient"],
        "class_map": {"theirs": CLASSES[0]},
        "lineage": {"data set": "other"},
    }
    return OutsideEvidence(**(plain | changes))


@pytest.fixture(scope="module")
def report():
    return judge_outside(some_evidence(), title="train-1 on other")


def test_the_ladder_leads_from_the_invalid_split_to_the_other_set(report):
    assert [(rung.name, rung.is_valid) for rung in report.ladder] == [
        (PREMIUM, False),
        ("sealed test, split by group", True),
        ("another data set", True),
    ]
    assert report.ladder[-1].num_groups == 36


def test_what_is_lost_has_an_interval_and_is_said(report):
    sealed, outside = (rung.estimate.value for rung in report.ladder[1:])

    assert report.below_sealed.value == pytest.approx(sealed - outside)
    assert report.below_sealed.lower > 0
    assert "the model loses there" in report.verdict


def test_the_temperature_is_that_of_the_models_own_validation_images(report):
    assert report.calibration.fitted_on == Part.VALIDATION
    outside = report.predictions.part(Part.OUTSIDE)
    scaled = report.calibration.apply(outside.raw)
    np.testing.assert_allclose(outside.calibrated, scaled)


def test_each_patient_of_the_other_set_counts_once(report):
    assert report.units["patient"].num_images == 18


def test_figures_can_be_stored_and_every_one_has_an_interval(report):
    document = without_nan(outside_document(report))
    metrics = outside_metrics(report)

    assert (
        document["ladder"][-1]["estimate"]["value"] == report.ladder[-1].estimate.value
    )
    assert document["below_sealed"]["lower"] > 0
    assert metrics["outside/macro_f1"] == report.ladder[-1].estimate.value
    names = [n for n in metrics if not n.endswith(("_lower", "_upper"))]
    assert all({f"{name}_lower", f"{name}_upper"} <= metrics.keys() for name in names)


def test_the_page_holds_no_markup_of_class_names(report):
    assert "<script>" not in render_outside(report)


def test_a_class_that_the_other_set_lacks_has_no_recall_and_nothing_fails():
    catalogue, _ = a_catalogue()
    rows = catalogue.rows()
    report = judge_outside(some_evidence(rows[catalogue.labels[rows] != 1]), title="t")

    assert report.absent == [CLASSES[1]]
    assert np.isnan(report.judgement.metrics[f"recall/{CLASSES[1]}"].value)
    assert "Not in this data set" in render_outside(report)


def with_patients(catalogue: Catalogue, names: list[str]) -> Catalogue:
    patients = [names[code] for code in catalogue.families.tolist()]
    return replace(catalogue, table=add_axes(catalogue.table, {"patient": patients}))


def test_patients_of_one_name_in_both_sets_are_told():
    catalogue, _ = a_catalogue()
    names = [f"p{number}" for number in range(catalogue.families.max() + 1)]
    training = with_patients(catalogue, names)
    others = with_patients(catalogue, ["p0", "p1", *(f"q{name}" for name in names[2:])])
    strangers = with_patients(catalogue, [f"q{name}" for name in names])

    (told,) = find_namesakes(others, others.rows(), training)
    page = render_outside(judge_outside(some_evidence(namesakes=[told]), title="x"))

    assert told.startswith(f"2 of {len(names)} values of patient stand in the training")
    assert "too: p0, p1." in told
    assert told in page
    assert find_namesakes(strangers, strangers.rows(), training) == []
    assert find_namesakes(catalogue, catalogue.rows(), training) == []


def test_no_image_left_is_refused():
    with pytest.raises(DataError, match=r"got none \(7 left out\)"):
        judge_outside(some_evidence(np.zeros(0, np.int64), left_out=7), title="t")


def test_one_group_is_refused():
    catalogue, _ = a_catalogue()
    rows = catalogue.rows()

    with pytest.raises(DataError, match="at least 2 groups, got 3 images of 1"):
        judge_outside(some_evidence(rows[catalogue.groups[rows] == 0]), title="t")


def an_overlap(catalogue: Catalogue, rows: list[int], kinds: list[str]) -> Overlap:
    paths = [catalogue.paths[row] for row in rows]
    columns = {"outside": paths, "training": paths, "kind": kinds}
    return Overlap(table=pa.table(columns | {"correlation": [0.9] * len(rows)}))


def test_all_of_a_group_in_common_is_left_out_and_a_question_refuses_nothing():
    catalogue, _ = a_catalogue()
    found = an_overlap(catalogue, [0, 5], ["family", "question"])

    left_out = np.unique(catalogue.groups[found.is_left_out(catalogue)])
    certain = np.unique(catalogue.groups[found.is_certain(catalogue)])

    assert left_out.tolist() == [0, 1]
    assert certain.tolist() == [0]


def seen(*, shift: float, seed: int = 0):
    """Return what is seen of 24 noisy tiles, some lighter than others."""
    draw = np.random.default_rng(seed)
    catalogue, _ = a_catalogue()
    light = draw.uniform(90, 130, (108, 1, 1, 1)) + shift
    tiles = np.clip(light + draw.normal(0, 9, (108, 32, 32, 3)), 0, 255)
    packed = Tiles([tiles.astype(np.uint8)], size_px=32)
    return see_some(catalogue, packed, catalogue.rows(), seed=0)


def test_sets_that_look_alike_are_not_told_apart():
    found = measure_shift(seen(shift=0), seen(shift=0, seed=1), settings=SETTINGS)

    assert found.told_apart.lower < 0.6
    assert abs(found.differences["lightness (L*)"].steps) < 0.5


def test_a_lighter_set_is_told_apart_and_its_lightness_says_why():
    found = measure_shift(seen(shift=0), seen(shift=60, seed=1), settings=SETTINGS)

    assert found.told_apart.lower > 0.9
    assert found.differences["lightness (L*)"].steps > 2


def with_novelty(predictions: Predictions, values: np.ndarray) -> Predictions:
    table = predictions.table
    place = table.column_names.index("novelty")
    return Predictions(table=table.set_column(place, "novelty", pa.array(values)))


def test_what_the_model_does_not_know_is_told_by_the_sealed_threshold():
    plain = some_evidence().predictions
    is_outside = np.array(plain.table["part"].to_pylist()) == Part.OUTSIDE
    place = np.arange(len(plain))
    values = np.where(is_outside, place % 4, place % 3) / 4  # above 0.5: a quarter
    known = KnownTissue(
        references=np.eye(3, dtype=np.float16),
        neighbour=1,
        threshold=Threshold(value=0.5, kept_share=0.95, num_groups=20),
    )
    evidence = some_evidence(predictions=with_novelty(plain, values), known=known)

    report = judge_outside(evidence, title="t")

    outside = report.predictions.part(Part.OUTSIDE)
    is_told = np.array(outside.table["decision"].to_pylist()) == UNFAMILIAR
    assert (is_told == (outside.novelty > 0.5)).all()
    here, test = report.unfamiliar
    assert (here.value, test.value) == (0.25, 0)
    assert outside_metrics(report)["outside/unfamiliar"] == 0.25
    assert outside_document(report)["unfamiliar"]["outside"]["value"] == 0.25
    assert "0.250 of this data set" in render_outside(report)
    assert SPREAD in report.plots


def test_a_sealed_evaluation_without_novelty_tells_of_none(report):
    assert report.unfamiliar is None
    assert SPREAD not in report.plots
    assert "has set no threshold of novelty" in render_outside(report)
