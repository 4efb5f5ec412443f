"""The first two steps of `predict`: list the images, and answer them in shards.

Knows what a step reads and writes and when it may be skipped; the third step is
`lcc.predict.collecting`.
"""

import logging
from collections.abc import Callable, Sequence
from itertools import islice

import pyarrow as pa

from lcc.data.parquet import to_parquet
from lcc.data.work import single_threaded
from lcc.evaluate.network import Ask, Network, ask_of
from lcc.images.reasons import TRANSIENT
from lcc.predict.answers import answer
from lcc.predict.images import (
    ImagesNote,
    NoteOf,
    list_images,
    read_images,
    training_sizes,
)
from lcc.predict.rules import fetch_network
from lcc.predict.task import PredictTask
from lcc.predict.written import load_keras
from lcc.tracking.progress import start_progress

logger = logging.getLogger(__name__)


def list_new_images(task: PredictTask) -> ImagesNote:
    """List the images; what the model is asked of is looked at before any is opened.

    Raises:
        DataError: There is no such folder, or it holds no image.
        NotFoundError: The model or its training catalogue is gone.
    """
    note = list_images(
        task.source,
        task.store,
        root=task.settings.storage.root or "",
        run_id=task.run_id,
        note_of=NoteOf(
            class_names=task.rules.class_names,
            sizes=training_sizes(task.store, task.model_run, task.rules),
        ),
    )
    start_progress(note.num_images, found=note.num_images)
    return note


def answer_shards(task: PredictTask, *, process_index: int, num_processes: int) -> None:
    """Answer the shards of one process: every `num_processes`-th, from its own index.

    A shard that exists is kept, unless it notes a file that had vanished or changed.
    Memory is bounded by a shard's rows and a few images, beside the network and about
    100 bytes an image of the listing.

    Args:
        task: The step.
        process_index: Number of this process, from 0.
        num_processes: Processes of the step.

    Raises:
        ConfigError: A GPU was asked for, and there is none.
        DataError: The model is not the file that was trained.
    """
    shards = task.shards
    numbers = range(process_index, len(shards), num_processes)
    missing = [number for number in numbers if not _is_answered(shards.find(number))]
    total = sum(len(shards.rows(number)) for number in numbers)
    left = sum(len(shards.rows(number)) for number in missing)
    progress = start_progress(total, found=total - left)
    if not missing:
        return
    with single_threaded():
        answer_given(task, missing, open_model(task), advance=progress.advance)


def answer_given(
    task: PredictTask,
    numbers: Sequence[int],
    ask: Ask,
    *,
    advance: Callable[[], None] = lambda: None,
) -> None:
    """Answer some shards and write them.

    Args:
        task: The step.
        numbers: Of the shards.
        ask: The network.
        advance: Called after each image.
    """
    shards, listed = task.shards, read_images(task.store, task.run_id)
    rows = (
        row
        for number in numbers
        for row in _slice(listed, shards.rows(number)).to_pylist()
    )
    # Across shards, so that the network waits for no first image of the next.
    opened = task.opener.open_all(rows)
    for number in numbers:
        own = islice(opened, len(shards.rows(number)))
        table = answer(own, task.rules, ask, advance=advance)
        task.store.write(shards.key(number), to_parquet(table))
        logger.info("event=answered shard=%d images=%d", number, table.num_rows)


def _is_answered(shard: pa.Table | None) -> bool:
    return shard is not None and not TRANSIENT & set(shard["reason"].to_pylist())


def _slice(table: pa.Table, rows: range) -> pa.Table:
    return table.slice(rows.start, len(rows))


def open_model(task: PredictTask) -> Ask:
    """Return the model of a task, on the device that was asked for.

    Raises:
        ConfigError: A GPU was asked for, and there is none.
        DataError: The model is not the file that was trained.
    """
    # TensorFlow takes seconds to import: only where there is work for it.
    from lcc.train.devices import make_strategy

    rules = task.rules
    path = fetch_network(task.store, task.model_run, rules, scratch=task.scratch)
    with make_strategy(task.settings).scope():
        network = Network(load_keras(path), side_px=rules.side_px)
    return ask_of(network, rules.known)
