"""Judging and the page: from predictions on a small catalogue to one HTML file."""

import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import SCHEMA, Catalogue, add_axes
from lcc.data.tiles import Tiles
from lcc.evaluate.baselines import (
    predict_baselines,
    random_folds,
    see_colours,
    see_pixels,
)
from lcc.evaluate.judging import (
    PREMIUM,
    Evidence,
    build_report,
    find_mistakes,
    read_history,
)
from lcc.evaluate.predictions import (
    Part,
    Predictions,
    join_parts,
    predictions_of,
)
from lcc.evaluate.report import render_report
from lcc.evaluate.results import metrics_of

PARTS = (Part.VALIDATION, Part.TEST)
CLASSES = ("<script>alert(1)</script>", "lung $x$ with a very long name indeed", "n")
NUM_FAMILIES, COPIES, SIDE_PX = 12, 3, 32


def a_catalogue() -> tuple[Catalogue, Tiles]:
    """Return families whose colour is their own, and says nothing of their class."""
    draw = np.random.default_rng(0)
    rows, tiles = [], []
    for code, label in enumerate(CLASSES):
        for number in range(NUM_FAMILIES):
            family = code * NUM_FAMILIES + number
            colour = draw.uniform(60, 220, 3)
            split = ("train", "train", "train", "validation", "test", "test")[
                number % 6
            ]
            for copy in range(COPIES):
                tile = colour + draw.normal(0, 5, (SIDE_PX, SIDE_PX, 3))
                tiles.append(np.clip(tile, 0, 255).astype(np.uint8))
                row = dict.fromkeys(SCHEMA.names)
                rows.append(
                    row
                    | {
                        "path": f"{code}/{family}-{copy}.jpeg",
                        "label": label,
                        "status": "kept",
                        "family": family,
                        "group": family,
                        "split": split,
                        "fold": None if split == "test" else number % 3,
                        "record": len(tiles) - 1,
                    }
                )
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    catalogue = Catalogue(name="lung", digest="ab" * 32, table=table)
    return catalogue, Tiles([np.stack(tiles)], size_px=SIDE_PX)


def some_predictions(catalogue: Catalogue, *parts: Part) -> Predictions:
    """Return predictions of a model that is right on five images of six."""
    found = []
    for part in parts or (Part.VALIDATION, Part.TEST):
        rows = catalogue.rows(str(part)) if part in PARTS else catalogue.rows("train")
        labels = catalogue.labels[rows]
        guesses = np.where(np.arange(len(labels)) % 6 == 0, (labels + 1) % 3, labels)
        said = np.eye(3)[guesses] * 0.7 + 0.1
        found.append(predictions_of(catalogue, rows, said, part=part))
    return join_parts(found)


@cache
def known_baselines() -> dict[str, Predictions]:
    """Return what baselines say of the catalogue; forests take seconds."""
    return dict(predict_baselines(*a_catalogue(), seed=0))


def some_evidence(**changes: object) -> Evidence:
    """Return evidence of a model that is right on five tiles of six."""
    catalogue, tiles = a_catalogue()
    history = b"epoch,accuracy,loss,val_loss\n0,0.5,1.0,1.1\n1,0.7,0.8,NA\n"
    plain = {
        "catalogue": catalogue,
        "tiles": tiles,
        "settings": EvaluateSettings(num_bootstrap=200, num_mistakes=5),
        "predictions": some_predictions(catalogue),
        "history": read_history(history),
        "others": known_baselines(),
        "card": {"best_epoch": 1},
        "documents": {
            "splits": {
                "checks": [{"name": "groups", "is_passed": True, "detail": "ok"}],
                "images": {"test": {CLASSES[0]: 12}},
            },
            "audit": {"alarms": [{"text": "group 3: is large"}]},
        },
        "lineage": {"catalogue": catalogue.digest},
    }
    return Evidence(**(plain | changes))


@pytest.fixture(scope="module")
def report():
    catalogue, _ = a_catalogue()
    # What random splits allow: the nearest neighbour is a copy.
    rows = catalogue.rows("test")
    said = np.eye(3)[catalogue.labels[rows]] * 0.97 + 0.01
    premium = predictions_of(catalogue, rows, said, part=Part.RANDOM_SPLIT)
    others = known_baselines() | {PREMIUM: premium}
    search = {
        "point": {"train.learning_rate": 0.1},
        "mean": 0.8,
        "standard_error": 0.02,
        "top_mean": 0.81,
        "num_folds": 3,
        "num_failed": 0,
    }
    evidence = some_evidence(others=others, search=search)
    return build_report(evidence, title="train-1 on lung")


def test_baselines_look_good_on_random_folds_only(report):
    for row in report.rows[1:4]:
        assert row.at_random.value > row.out_of_fold.value + 0.2


def test_the_random_split_is_marked_invalid_and_looks_better(report):
    honest, premium = report.rows[0], report.rows[-1]

    assert (honest.is_valid, premium.is_valid) == (True, False)
    assert premium.estimate.value > honest.estimate.value


def test_the_best_baseline_and_the_random_split_are_metrics_too(report):
    metrics = metrics_of(report)

    own, *others = report.rows
    baselines = [row.estimate.value for row in others if row.is_valid]
    [inflated] = [row.estimate for row in others if not row.is_valid]
    assert metrics["test/macro_f1"] == own.estimate.value
    assert metrics["baseline/macro_f1"] == max(baselines)
    assert metrics["random_split/macro_f1_lower"] == inflated.lower


def test_a_model_above_the_baselines_is_said_to_be(report):
    assert report.is_better
    assert "above the best baseline" in report.verdict
    assert "better than colours" in report.verdict


def test_a_model_below_the_baselines_is_said_to_have_learnt_nothing():
    evidence = some_evidence()
    clueless = predictions_of(
        evidence.catalogue,
        evidence.catalogue.rows("test"),
        np.full((36, 3), 1 / 3),
        part=Part.TEST,
    )
    evidence = replace(evidence, predictions=clueless)

    found = build_report(evidence, title="x")

    assert not found.is_better
    assert "not shown to have learnt" in found.verdict
    assert found.abstention is None
    assert "not chosen" in render_report(found)


def test_the_page_stands_alone_and_escapes_names(report):
    page = render_report(report)

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert page.count("data:image/png;base64,") == len(report.plots) == 7
    assert "(INVALID)" in page
    assert "group 3: is large" in page
    assert "Not for clinical use" in page


def test_an_unproven_split_is_not_called_proven():
    check = {"name": "groups", "is_passed": False, "detail": "divided"}
    evidence = some_evidence(documents={"splits": {"checks": [check]}})

    page = render_report(build_report(evidence, title="x"))

    assert "The split did NOT pass" in page


def test_each_site_of_the_test_has_its_figures():
    report = build_report(with_axes(), title="x")

    assert list(report.by_axis) == ["site"]
    bern, basel = sorted(report.by_axis["site"], key=lambda own: own.value)[::-1]
    assert (bern.value, bern.num_images, bern.num_groups) == ("Bern", 18, 6)
    assert basel.metrics["accuracy"].value == pytest.approx(12 / 18)
    assert bern.metrics["accuracy"].value == 1
    page = render_report(report)
    assert "By site" in page
    assert list(report.units) == ["image", "family", "group", "patient"]
    assert "no group of copies and no patient is divided" in page
    assert "patient as the data set names them" in page


def with_axes() -> Evidence:
    """Return evidence of two sites, with a patient a group and the class again."""
    evidence = some_evidence()
    table = evidence.catalogue.table
    groups = table["group"].to_pylist()
    axes = {
        "site": ["Bern" if group % 2 else "Basel" for group in groups],
        "patient": [str(group) for group in groups],
        "diagnosis": table["label"].to_pylist(),
    }
    catalogue = replace(evidence.catalogue, table=add_axes(table, axes))
    splits = evidence.documents["splits"] | {
        "rules": {"never_split": ["family", "patient"]},
    }
    documents = {"splits": splits, "audit": {}}
    return replace(
        evidence,
        catalogue=catalogue,
        documents=documents,
        predictions=some_predictions(catalogue),
    )


def test_a_test_of_one_site_may_lack_a_class():
    evidence = some_evidence()
    rows = evidence.catalogue.table.to_pylist()
    lone = [row for row in rows if row["split"] != "test" or row["label"] != "n"]
    table = pa.Table.from_pylist(lone, schema=SCHEMA)
    catalogue = replace(evidence.catalogue, table=table)
    predictions = some_predictions(catalogue)

    found = build_report(
        replace(evidence, catalogue=catalogue, predictions=predictions, others={}),
        title="x",
    )

    assert np.isfinite(found.judgement.metrics["macro_f1"].value)
    assert "macro F1" in render_report(found)


def test_the_worst_mistakes_come_first():
    evidence = some_evidence()
    test = evidence.predictions.part(Part.TEST)
    said = test.raw.copy()
    said[6] = np.roll([0.9, 0.05, 0.05], int(said[6].argmax()))
    evidence = replace(evidence, predictions=test.with_calibrated(said))

    found = find_mistakes(evidence)

    certainties = [mistake.probability for mistake in found]
    assert certainties == pytest.approx([0.9, *[0.8] * 4])
    assert all(mistake.actual != mistake.predicted for mistake in found)


def test_what_baselines_see_is_small_and_in_range():
    tile = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)

    assert see_pixels(tile).shape == (32 * 32 * 3,)
    assert 0 <= see_pixels(tile).min() <= see_pixels(tile).max() <= 1
    assert see_colours(tile).shape == (22,)


def test_random_folds_are_even_and_divide_families():
    folds = random_folds(31, num_folds=3, seed=0)

    assert sorted(np.bincount(folds)) == [10, 10, 11]
    assert len(set(folds[:10])) == 3


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_never_scrolls_sideways(report, tmp_path: Path, width: int):
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium: apt-get install chromium")
    probe = (
        "<script>document.title = 'wide ' + (document.documentElement.scrollWidth > "
        "window.innerWidth)</script></body>"
    )
    file = tmp_path / "report.html"
    # A frame of the asked width: headless windows have a least width of their own.
    file.write_text(render_report(report).replace("</body>", probe))
    outer = tmp_path / "outer.html"
    outer.write_text(
        f"<body><iframe src='report.html' style='width:{width}px;height:900px' "
        "onload='document.title = this.contentDocument.title'></iframe></body>"
    )
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += ["--no-first-run", "--disable-background-networking", "--disable-sync"]
    command += ["--disable-component-update", "--allow-file-access-from-files"]
    command += [f"--user-data-dir={tmp_path}/chromium", "--virtual-time-budget=5000"]

    done = subprocess.run(
        [*command, outer.as_uri()], capture_output=True, text=True, check=True
    )

    assert "<title>wide false</title>" in done.stdout
