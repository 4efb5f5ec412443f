"""The last words of a predict run: whose answers they are, and what speaks against."""

import json
from pathlib import Path

from lcc.backends.local.backend import LocalBackend
from lcc.config.predict import PredictSettings
from lcc.launch.messages import summarize_launch
from lcc.launch.plan import Stage
from lcc.launch.predicted import prediction_lines
from lcc.storage import layout
from tests.builders.answering import EVALUATION, MODEL_RUN, PREDICT_RUN
from tests.builders.launches import a_store, local_settings

SUMMARY = {
    "images": 1200,
    "decisions": {"lung_aca": 400, "lung_n": 700, "refer": 80, "unfamiliar": 20},
    "reasons": [],
    "smaller": 0,
    "left_out": {},
    "other_folders": [],
    "training_px": [224, 224],
    "model_run": MODEL_RUN,
    "evaluation": EVALUATION,
    "max_error": 0.01,
    "knows_strangers": True,
}


def lines_of(folder: Path, **changes: object) -> list[str]:
    store = a_store(folder)
    document = json.dumps(SUMMARY | changes).encode()
    store.write(layout.predictions_summary(PREDICT_RUN), document)
    own = PredictSettings(model_run=MODEL_RUN, chosen_by="champion, version 2")
    return list(prediction_lines(store, PREDICT_RUN, own))


def test_model_counts_and_files_are_told(tmp_path: Path) -> None:
    assert lines_of(tmp_path) == [
        f"model {MODEL_RUN} (champion, version 2)",
        f"calibrated by {EVALUATION}",
        "1,200 images: lung_aca 400, lung_n 700, refer 80, unfamiliar 20",
        f"{tmp_path}/root/runs/{PREDICT_RUN}/predictions.parquet",
        f"{tmp_path}/root/runs/{PREDICT_RUN}/predictions.csv",
        "not for clinical use",
    ]


def test_a_model_without_evaluation_is_told_with_the_command_for_one(
    tmp_path: Path,
) -> None:
    lines = lines_of(tmp_path, evaluation=None)

    assert "not calibrated" in lines[1]
    assert lines[1].endswith(f"lcc-launch evaluate --run {MODEL_RUN}")


def test_an_evaluation_without_thresholds_is_told(tmp_path: Path) -> None:
    lines = lines_of(tmp_path, max_error=None, knows_strangers=False)

    assert [line for line in lines if "has set no threshold" in line] == lines[2:4]


def test_images_without_an_answer_are_told_by_reason(tmp_path: Path) -> None:
    reason = {"reason": "empty", "count": 4, "advice": "copy it again"}

    lines = lines_of(tmp_path, reasons=[reason | {"first": ["a.png", "b c.png"]}])

    assert lines[3:6] == [
        "no answer for 4",
        "  4 empty (copy it again)",
        "    a.png, b c.png …",
    ]


def test_what_speaks_against_the_answers_is_a_warning(tmp_path: Path) -> None:
    lines = lines_of(
        tmp_path, smaller=1, other_folders=["colon_n"], left_out={"hidden": 2}
    )

    assert lines[3:6] == [
        "warning: 1 image with less than half the sides of the training images "
        "(224 px): answered, but they lack detail that the model knows",
        "warning: the model has no class of the folders colon_n",
        "left out, by name: 2 hidden",
    ]


def test_the_model_is_told_before_the_run(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    settings = local_settings(
        store, predict__model_run=MODEL_RUN, predict__chosen_by="champion, version 2"
    )
    backend = LocalBackend(settings=settings, store=store)

    text = summarize_launch(Stage.PREDICT, settings, backend)

    assert f"  model     {MODEL_RUN} (champion, version 2)\n" in text
