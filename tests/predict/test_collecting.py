"""All answers become one table; what has none is counted, and too many are a fault."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lcc.config.load import changed_settings
from lcc.data.parquet import from_parquet
from lcc.errors import DataError
from lcc.predict.collecting import collect
from lcc.predict.steps import answer_given, list_new_images
from lcc.predict.task import PredictTask
from lcc.storage import layout
from lcc.storage.uri import open_store
from lcc.tracking.tracker import Tracker
from tests.builders.answering import (
    EVALUATION,
    a_predict_task,
    a_trained_model,
    an_evaluation,
)
from tests.builders.pictures import a_file, a_picture
from tests.predict.test_answers import Recorder


def a_source(tmp_path: Path, *, bad: int = 0, size_px: int = 48) -> Path:
    """Return a folder of ten images, some of them cut short."""
    folder = tmp_path / "new"
    folder.mkdir()
    for number in range(10):
        content = a_file(a_picture(number, size_px=size_px))
        content = content[:500] if number < bad else content
        (folder / f"tile, {number}.png").write_bytes(content)
    return folder


def an_answered_task(tmp_path: Path, source: Path, **predict: object) -> PredictTask:
    """Return a task whose shards are all there, in the words of a made-up network."""
    task = a_predict_task(tmp_path, source, **predict)
    a_trained_model(task.store)
    list_new_images(task)
    answer_all(task)
    return task


def answer_all(task: PredictTask) -> None:
    answer_given(task, range(len(task.shards)), Recorder())


def collected(task: PredictTask) -> dict:
    with Tracker(task.store, run_id=task.run_id, writer="w") as tracker:
        collect(task, tracker)
    return json.loads(task.store.read(layout.predictions_summary(task.run_id)))


def events_of(task: PredictTask) -> list[dict]:
    return [
        json.loads(line)
        for item in task.store.list_objects(layout.spool_prefix(task.run_id))
        for line in task.store.read(item.key).splitlines()
    ]


def test_every_image_has_one_row_in_both_files_by_path(tmp_path: Path):
    task = an_answered_task(tmp_path, a_source(tmp_path, bad=1))

    collected(task)

    table = from_parquet(task.store.read(layout.predictions(task.run_id)))
    text = task.store.read(layout.predictions_csv(task.run_id)).decode()
    rows = list(csv.DictReader(text.splitlines()))
    paths = [f"tile, {number}.png" for number in range(10)]
    assert table["path"].to_pylist() == [row["path"] for row in rows] == paths
    assert rows[0]["reason"] == "truncated"
    assert rows[0]["decision"] == ""
    assert table["decision"].to_pylist()[1:] == [row["decision"] for row in rows[1:]]


def test_the_counts_add_up_to_the_images(tmp_path: Path):
    summary = collected(an_answered_task(tmp_path, a_source(tmp_path, bad=1)))

    assert summary["images"] == 10
    assert sum(summary["decisions"].values()) == 9
    assert summary["reasons"] == [
        {
            "reason": "truncated",
            "count": 1,
            "advice": "ends too early: copy it again from where it is whole",
            "first": ["tile, 0.png"],
        }
    ]


def test_mlflow_is_told_counts_files_images_model_and_evaluation(tmp_path: Path):
    task = a_predict_task(tmp_path, tmp_path)
    an_evaluation(task.store)
    task = an_answered_task(tmp_path, a_source(tmp_path), evaluation=EVALUATION)

    collected(task)

    events = {event["kind"]: event for event in events_of(task)}
    names = [e["name"] for e in events_of(task) if e["kind"] == "artifact"]
    assert events["metrics"]["values"]["predict/images"] == 10
    assert events["tags"]["values"]["lcc.evaluation"] == EVALUATION
    assert events["input"]["digest"] == task.note.digest
    assert names == ["predictions.csv", "predictions.parquet", "summary.json"]


def test_too_many_images_without_an_answer_fail_once_all_is_written(tmp_path: Path):
    task = an_answered_task(tmp_path, a_source(tmp_path, bad=2))

    with pytest.raises(DataError) as caught:
        collected(task)

    assert str(caught.value).startswith(
        "predict.max_unreadable_fraction: at most 0.1 of 10 images may have no answer, "
        "got 2: 2 truncated. truncated: ends too early"
    )
    text = task.store.read(layout.predictions_csv(task.run_id)).decode()
    assert len(text.splitlines()) == 11


def test_images_larger_than_those_of_the_training_name_both_ways_out(tmp_path: Path):
    task = an_answered_task(tmp_path, a_source(tmp_path, size_px=96))

    with pytest.raises(DataError, match=r"cut it into tiles .* or pass --resize"):
        collected(task)


def test_with_resize_larger_images_are_answered(tmp_path: Path):
    source = a_source(tmp_path, size_px=96)

    summary = collected(an_answered_task(tmp_path, source, resize=True))

    assert (sum(summary["decisions"].values()), summary["reasons"]) == (10, [])


def test_small_images_are_answered_and_counted(tmp_path: Path):
    source = a_source(tmp_path, size_px=23)

    summary = collected(an_answered_task(tmp_path, source))

    assert (summary["smaller"], summary["training_px"]) == (10, [48, 48])


def test_a_missing_shard_is_no_short_table(tmp_path: Path):
    task = an_answered_task(tmp_path, a_source(tmp_path))
    task.store.delete(task.shards.key(1))

    with pytest.raises(DataError, match="a shard of answers is missing"):
        collected(task)


def test_collected_again_it_is_the_same_to_the_byte(tmp_path: Path):
    task = an_answered_task(tmp_path, a_source(tmp_path))
    keys = [layout.predictions(task.run_id), layout.predictions_csv(task.run_id)]
    collected(task)
    before = [task.store.read(key) for key in keys]

    collected(task)

    assert [task.store.read(key) for key in keys] == before


def test_another_question_has_other_shards(tmp_path: Path):
    source = a_source(tmp_path)
    task = an_answered_task(tmp_path, source)
    an_evaluation(task.store)
    other = {"run_id": "predict-20261128-0930-bbbb"}

    def digest(**predict: object) -> str:
        again = a_predict_task(tmp_path, source, **other, **predict)
        list_new_images(again)
        return again.shards.digest

    assert digest() == task.shards.digest, "a repeated run finds them"
    assert digest(resize=True) != task.shards.digest
    assert digest(evaluation=EVALUATION) != task.shards.digest
    assert digest(shard_images=5) != task.shards.digest


def test_a_bucket_gives_the_same_table_as_a_folder(tmp_path: Path, s3_bucket: str):
    source = a_source(tmp_path, bad=1)
    here = an_answered_task(tmp_path, source)
    collected(here)
    images, root = (f"s3://{s3_bucket}/{name}" for name in ("new images", "root"))
    for path in source.iterdir():
        open_store(images).write(path.name, path.read_bytes())
    there = replace(
        here,
        store=open_store(root),
        settings=changed_settings(
            here.settings, {"predict.source": images, "storage.root": root}
        ),
    )
    a_trained_model(there.store)
    list_new_images(there)
    answer_all(there)

    collected(there)

    keys = layout.predictions(here.run_id), layout.predictions_csv(here.run_id)
    for key in keys:
        assert there.store.read(key) == here.store.read(key)
