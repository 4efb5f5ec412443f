"""Which images are explained, whether their maps can be trusted, what the page says."""

from dataclasses import replace

import cv2
import numpy as np
import pyarrow as pa
import pytest

from lcc.config.evaluate import EvaluateSettings
from lcc.data.parquet import from_parquet
from lcc.evaluate.explain import (
    MISTAKES,
    RIGHT,
    Explained,
    choose_explained,
    explain,
    judge_maps,
    show_maps,
    worst_mistakes,
)
from lcc.evaluate.judging import build_report
from lcc.evaluate.predictions import Part
from lcc.evaluate.report import render_report
from lcc.evaluate.results import CHANGED, EXPLAINED, metrics_of, result_files
from lcc.evaluate.robustness import CURVES, choose_changed, predict_changed
from tests.builders.predictions import some_predictions
from tests.evaluate.test_report import a_catalogue, some_evidence
from tests.evaluate.test_report import some_predictions as of_tiles

SETTINGS = EvaluateSettings(num_bootstrap=200)


class RedMaps:
    """Stands in for Grad-CAM: its maps are the red of the tile, by a weight."""

    kernel = np.arange(6, dtype=np.float32).reshape(2, 3)

    def __call__(
        self, images: np.ndarray, classes: np.ndarray, *, kernels: np.ndarray
    ) -> np.ndarray:
        small = np.stack([cv2.resize(own, (8, 8))[:, :, 0] for own in images])
        is_own = kernels[:, 0, 0] == 0
        signs = np.where(is_own, 1, -1)[:, None, None, None]
        return (small * signs).astype(np.float32)


def by_red(images: np.ndarray) -> np.ndarray:
    """Return probabilities of a model that sees red and nothing else."""
    red = images[:, :, :, 0].mean(axis=(1, 2)) / 255
    return np.stack([red, (1 - red) / 2, (1 - red) / 2], axis=1)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    catalogue, tiles = a_catalogue()
    test = of_tiles(catalogue, Part.TEST)
    return explain(
        catalogue,
        tiles,
        test.take(choose_explained(test, SETTINGS)),
        grad_cam=RedMaps(),
        predict=by_red,
        seed=0,
    )


def test_the_worst_mistakes_and_some_right_ones_of_other_groups_are_explained():
    test = some_predictions(Part.TEST)

    chosen = choose_explained(test, SETTINGS)

    is_right = test.raw.argmax(axis=1) == test.labels
    mistakes, right = chosen[:12], chosen[12:]
    assert np.array_equal(mistakes, worst_mistakes(test)[:12])
    assert not is_right[mistakes].any()
    assert is_right[right].all()
    assert len(set(test.groups[right].tolist())) == len(right) == 12
    assert np.bincount(test.labels[right]).tolist() == [4, 4, 4]


def test_where_no_mistakes_are_asked_for_right_ones_are_explained():
    test = some_predictions(Part.TEST)

    chosen = choose_explained(test, SETTINGS.model_copy(update={"num_mistakes": 0}))

    assert (test.raw.argmax(axis=1) == test.labels)[chosen].all()


def test_each_image_has_a_map_its_likeness_and_two_curves(table: pa.Table):
    row = table.to_pylist()[0]

    assert len(row["map"]) == row["height"] * row["width"] == 64
    assert len(row["deletion"]) == len(row["at_random"]) == 11
    assert row["deletion"][-1] == pytest.approx(row["at_random"][-1])
    assert -1 <= row["similarity"] <= 1


def with_curves(*, deletion: float, at_random: float) -> pa.Table:
    """Return maps whose curves start at 1 and stay at a level from then on."""
    table = some_predictions(Part.TEST, num_groups=12, images_a_group=2).table
    curves = {"deletion": deletion, "at_random": at_random}
    for name, level in curves.items():
        curve = [[1.0, *[level] * 10]] * len(table)
        table = table.append_column(name, pa.array(curve))
    similarity = np.linspace(-0.1, 0.3, len(table))
    return table.append_column("similarity", pa.array(similarity))


def test_maps_that_mark_what_is_needed_are_said_to():
    found = judge_maps(with_curves(deletion=0.2, at_random=0.6), SETTINGS)

    assert found.deletion.value == pytest.approx(0.2 + 0.8 * 0.05)
    assert found.gain.value == pytest.approx(0.4 * 0.95)
    assert found.similarity.value == pytest.approx(0.1)
    assert found.similarity.lower < 0.1 < found.similarity.upper
    assert (found.num_images, found.num_groups) == (24, 12)
    assert found.is_better


def test_maps_no_better_than_random_ones_are_not_to_be_read():
    found = judge_maps(with_curves(deletion=0.6, at_random=0.6), SETTINGS)

    assert not found.is_better


def test_the_page_shows_maps_and_changed_images_and_is_made_again_from_files(
    table: pa.Table,
):
    catalogue, tiles = a_catalogue()
    pictures = show_maps(table, catalogue, tiles)
    changed = predict_changed(
        catalogue, tiles, choose_changed(catalogue, SETTINGS), predict=by_red, seed=0
    )
    evidence = some_evidence(
        explained=Explained(table=table, pictures=pictures), changed=changed, others={}
    )

    report = build_report(evidence, title="x")
    files = result_files(report)
    page = files["report.html"].decode()
    kept = Explained(
        table=from_parquet(files[EXPLAINED]),
        pictures={
            MISTAKES: files["plots/looked_at_in_mistakes.png"],
            RIGHT: files["plots/looked_at_in_right_answers.png"],
        },
    )
    again = replace(
        evidence, explained=kept, changed=from_parquet(files[CHANGED]), tiles=None
    )
    second = build_report(again, title="x")

    for title in ("What it looked at", CURVES, MISTAKES, RIGHT):
        assert page.count(f">{title}<") == 1
    assert "<details><summary>All figures" in page
    assert files["robustness.csv"] == result_files(second)["robustness.csv"]
    assert metrics_of(second) == metrics_of(report)
    assert {"robustness/drop_lower", "explanation/deletion_area"} <= set(
        metrics_of(report)
    )
    assert all(f">{title}<" in render_report(second) for title in (MISTAKES, RIGHT))
