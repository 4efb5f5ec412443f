"""Planted strangers: made, predicted, told apart, shown."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lcc.config.evaluate import EvaluateSettings
from lcc.data.parquet import from_parquet
from lcc.data.strangers import KINDS
from lcc.evaluate.judging import build_report
from lcc.evaluate.kept import NOVELTY
from lcc.evaluate.novelty import (
    KnownTissue,
    Threshold,
    know_tissue,
    read_known,
    set_threshold,
)
from lcc.evaluate.predictions import Part, join_parts, predictions_of
from lcc.evaluate.report import Report, render_report
from lcc.evaluate.results import STRANGERS, metrics_of, result_files
from lcc.evaluate.selective import UNFAMILIAR
from lcc.evaluate.strangers import (
    EXAMPLES,
    SPREAD,
    NoveltyEvidence,
    choose_recoloured,
    predict_strangers,
    share_unfamiliar,
)
from tests.builders.predictions import some_predictions
from tests.evaluate.test_report import a_catalogue, some_evidence

SETTINGS = EvaluateSettings(num_bootstrap=200)


class Seer:
    """A network that sees mean colours, and how much of the tile is smooth."""

    def see(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        colours = images.mean(axis=(1, 2))
        spread = images.std(axis=(1, 2)).max(axis=1, keepdims=True)
        features = np.concatenate([colours, 8 * spread], axis=1)
        level = np.digitize(colours.mean(axis=1), (110, 160))
        return np.eye(3)[level] * 0.7 + 0.1, features.astype(np.float32)


def evidence_of(known: KnownTissue | None = None) -> dict[str, object]:
    """Return predictions with novelty, and what novelty is judged from."""
    catalogue, tiles = a_catalogue()
    rows = {part: catalogue.rows(str(part)) for part in (Part.VALIDATION, Part.TEST)}
    train = tiles.take(catalogue.records[catalogue.rows("train")])
    known = known or know_tissue(Seer().see(train)[1])
    found = []
    for part, own in rows.items():
        said, features = Seer().see(tiles.take(catalogue.records[own]))
        novelty = known.novelty(features)
        found.append(predictions_of(catalogue, own, said, part=part, novelty=novelty))
    if not known.threshold.is_set:
        known = set_threshold(known, found[0].novelty, found[0].groups)
    strangers = predict_strangers(catalogue, tiles, network=Seer(), known=known, seed=0)
    return {
        "predictions": join_parts(found),
        "novelty": NoveltyEvidence(known=known, strangers=strangers),
        "others": {},
    }


@pytest.fixture(scope="module")
def evidence() -> dict[str, object]:
    return evidence_of()


@pytest.fixture(scope="module")
def report(evidence: dict[str, object]) -> Report:
    return build_report(some_evidence(**evidence), title="train-1 on lung")


def test_strangers_are_made_of_every_group_of_the_test_and_of_no_other(evidence):
    catalogue, _ = a_catalogue()
    test = catalogue.rows("test")

    rows = choose_recoloured(catalogue, seed=0)

    assert set(rows) <= set(test)
    assert set(catalogue.groups[rows]) == set(catalogue.groups[test])
    table = evidence["novelty"].strangers
    assert table["kind"].value_counts().to_pylist() == [
        {"values": kind, "counts": len(rows)} for kind in KINDS
    ]
    made_of = {path for path in table["path"].to_pylist() if path}
    assert made_of == {catalogue.paths[row] for row in rows}


def test_an_auroc_is_scikit_learns_and_told_strangers_are_counted(report, evidence):
    table = evidence["novelty"].strangers.to_pandas()
    test = report.predictions.part(Part.TEST).novelty
    threshold = report.novelty.threshold.value

    for own in report.novelty.strangers:
        scores = table.loc[table["kind"] == own.kind, "novelty"]
        labels = np.repeat([0, 1], [len(test), len(scores)])
        expected = roc_auc_score(labels, np.concatenate([test, scores]))
        assert own.auroc.value == pytest.approx(expected)
        assert own.auroc.lower <= own.auroc.value <= own.auroc.upper
        assert own.num_unfamiliar == (scores > threshold).sum()
        assert own.num_images == len(scores)


def test_an_image_above_the_threshold_is_unfamiliar_however_sure_the_model_is(report):
    limit = report.novelty.threshold
    for part in (Part.VALIDATION, Part.TEST):
        own = report.predictions.part(part)
        is_told = np.array(own.table["decision"].to_pylist()) == UNFAMILIAR
        assert (is_told == (own.novelty > limit.value)).all()

    assert limit.num_groups == 6
    assert limit.kept_share == 6 / 7
    test = report.predictions.part(Part.TEST)
    share = np.mean(test.novelty > limit.value)
    assert report.novelty.unfamiliar.value == pytest.approx(share)


def test_a_low_threshold_leaves_no_answer():
    low = KnownTissue(
        references=np.eye(4, dtype=np.float16),
        neighbour=1,
        threshold=Threshold(value=0.0, kept_share=0.95, num_groups=30),
    )

    report = build_report(some_evidence(**evidence_of(low)), title="t")

    assert set(report.predictions.table["decision"].to_pylist()) == {UNFAMILIAR}
    assert report.novelty.unfamiliar.value == 1
    assert all(own.share_unfamiliar == 1 for own in report.novelty.strangers)


def test_figures_are_kept_and_are_metrics(report):
    document = json.loads(result_files(report)["metrics.json"])["novelty"]
    metrics = metrics_of(report)

    assert document["unfamiliar"]["value"] == metrics["test/unfamiliar"]
    for own in document["strangers"]:
        assert metrics[f"novelty/auroc/{own['kind']}"] == own["auroc"]["value"]
        share = own["num_unfamiliar"] / own["num_images"]
        assert metrics[f"novelty/unfamiliar/{own['kind']}"] == share


def test_a_report_is_made_again_of_the_files_alone(report, evidence):
    files = result_files(report)
    read = NoveltyEvidence(
        known=read_known(files[NOVELTY]), strangers=from_parquet(files[STRANGERS])
    )

    again = build_report(some_evidence(**evidence | {"novelty": read}), title="t")

    assert again.novelty == report.novelty
    assert again.predictions.table == report.predictions.table
    assert result_files(again)[NOVELTY] == files[NOVELTY]


def test_the_page_shows_the_share_the_strangers_and_the_pictures(report):
    page = render_report(report)

    assert "decided as <b>unfamiliar</b>" in page
    assert "It takes 19 groups for 0.05." in page
    assert {SPREAD, EXAMPLES} <= report.plots.keys()
    assert page.count("data:image/png;base64,") == len(report.plots)
    assert "answered by probability alone" in page


def test_where_tiles_are_gone_the_figures_stay(evidence):
    report = build_report(some_evidence(**evidence, tiles=None), title="t")

    assert report.novelty is not None
    assert EXAMPLES not in report.plots
    assert "unfamiliar" in render_report(report)


def test_without_a_threshold_nothing_is_unfamiliar_and_the_page_says_why(evidence):
    own = evidence["novelty"]
    known = replace(own.known, threshold=Threshold())
    bare = NoveltyEvidence(known=known, strangers=own.strangers)
    test = evidence["predictions"].part(Part.TEST)

    report = build_report(
        some_evidence(**evidence | {"novelty": bare, "predictions": test}), title="t"
    )

    assert UNFAMILIAR not in report.predictions.table["decision"].to_pylist()
    assert report.novelty.unfamiliar is None
    assert "test/unfamiliar" not in metrics_of(report)
    page = render_report(report)
    assert "No image is decided as unfamiliar" in page
    assert "the model learned from them, too" in page


def test_what_was_not_asked_for_is_not_shown():
    report = build_report(some_evidence(others={}), title="t")

    assert report.novelty is None
    assert not {NOVELTY, STRANGERS} & result_files(report).keys()
    assert "unlike the training images" not in render_report(report)


@pytest.mark.parametrize(
    ("decision", "value", "lower", "upper"),
    [
        pytest.param("n", 0.0, 0.0, 0.1684, id="none"),
        pytest.param(UNFAMILIAR, 1.0, 0.8316, 1.0, id="all"),
    ],
)
def test_none_of_twenty_groups_does_not_mean_none_of_all(
    decision: str, value: float, lower: float, upper: float
):
    own = some_predictions(Part.TEST, num_groups=20)
    own = own.with_decisions([decision] * len(own))

    found = share_unfamiliar(own, SETTINGS)

    expected = [value, pytest.approx(lower, abs=1e-4), pytest.approx(upper, abs=1e-4)]
    assert [found.value, found.lower, found.upper] == expected
