"""A real network answers images in shards, by any number of processes alike."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lcc.errors import ConfigError, DataError
from lcc.predict.collecting import collect
from lcc.predict.steps import answer_shards, list_new_images
from lcc.predict.task import PredictTask
from lcc.storage import layout
from lcc.tracking.tracker import Tracker
from tests.builders.answering import (
    EVALUATION,
    MODEL_RUN,
    a_predict_task,
    a_trained_model,
    an_evaluation,
)
from tests.builders.launches import a_store
from tests.builders.pictures import a_file, a_picture

pytestmark = pytest.mark.slow
NUM_IMAGES = 11
MakeTask = Callable[..., PredictTask]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a saved network of one convolution."""
    from tests.builders.trainings import a_network

    file = tmp_path_factory.mktemp("network") / "model.keras"
    a_network().save(file)
    return file.read_bytes()


@pytest.fixture
def make_task(tmp_path: Path, network: bytes) -> MakeTask:
    """Return what makes a listed task on eleven images, one of them cut short."""
    source = tmp_path / "new"
    source.mkdir()
    for number in range(NUM_IMAGES):
        content = a_file(a_picture(number), suffix=".jpeg")
        content = content if number else content[:300]
        (source / f"{number:02d}.jpeg").write_bytes(content)
    store = a_store(tmp_path)
    a_trained_model(store, content=network)
    draw = np.random.default_rng(0)
    an_evaluation(store, references=draw.normal(size=(20, 9)).astype(np.float32))

    def make(name: str = "aaaa", **predict: object) -> PredictTask:
        own = {"evaluation": EVALUATION, "max_unreadable_fraction": 0.2} | predict
        run_id = f"predict-20261128-0920-{name}"
        task = a_predict_task(tmp_path, source, run_id=run_id, **own)
        list_new_images(task)
        return task

    return make


def answered(task: PredictTask, *, num_processes: int = 1) -> tuple[bytes, bytes]:
    """Return both files, the shards answered as so many processes would share them."""
    for index in range(num_processes):
        answer_shards(task, process_index=index, num_processes=num_processes)
    with Tracker(task.store, run_id=task.run_id, writer="w") as tracker:
        collect(task, tracker)
    keys = layout.predictions(task.run_id), layout.predictions_csv(task.run_id)
    return task.store.read(keys[0]), task.store.read(keys[1])


def forget_shards(task: PredictTask) -> None:
    for index in range(len(task.shards)):
        task.store.delete(task.shards.key(index))


def test_one_process_and_three_write_the_same_bytes(make_task: MakeTask):
    task = make_task()
    alone = answered(task)
    forget_shards(task)

    assert answered(task, num_processes=3) == alone


def test_shards_of_before_are_kept_and_the_rest_is_answered(make_task: MakeTask):
    task = make_task()
    whole = answered(task)
    key = task.shards.key(0)
    kept = task.store.read(key)
    task.store.delete(task.shards.key(1))

    again = make_task("bbbb")

    assert answered(again) == whole
    assert task.store.read(key) == kept


def test_where_all_is_answered_no_network_is_loaded(make_task: MakeTask):
    task = make_task()
    answered(task)
    task.store.delete(layout.model(MODEL_RUN))

    answer_shards(task, process_index=0, num_processes=1)

    assert task.shards.find(0) is not None


def test_a_file_that_had_vanished_for_a_while_is_answered_the_next_time(
    make_task: MakeTask,
):
    task = make_task()
    source = Path(task.source.uri.removeprefix("file://"))
    file, away = source / "05.jpeg", source.with_name("05.jpeg")
    file.rename(away)
    answer_shards(task, process_index=0, num_processes=1)
    before = task.shards.find(1)
    away.rename(file)

    answer_shards(task, process_index=0, num_processes=1)

    after = task.shards.find(1)
    assert before is not None
    assert after is not None
    assert before["reason"].to_pylist() == [None, "vanished", None, None]
    assert after["reason"].to_pylist() == [None] * 4


def test_a_model_that_is_not_the_one_that_was_trained_is_refused(make_task: MakeTask):
    task = make_task()
    task.store.write(layout.model(MODEL_RUN), b"another network")

    with pytest.raises(DataError, match="SHA-256 must be"):
        answer_shards(task, process_index=0, num_processes=1)


def test_a_gpu_that_was_asked_for_is_not_replaced_by_the_cpu(make_task: MakeTask):
    from lcc.config.load import changed_settings

    task = make_task()
    settings = changed_settings(task.settings, {"launch.gpus": 1})
    own = PredictTask(
        run_id=task.run_id, store=task.store, settings=settings, scratch=task.scratch
    )

    with pytest.raises(ConfigError, match=r"launch\.gpus: asked for 1 and none seen"):
        answer_shards(own, process_index=0, num_processes=1)
