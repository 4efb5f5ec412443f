"""The last step of `predict`: all shards as one table, counted and reported.

Streams: memory holds one shard.
"""

import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from lcc.errors import DataError, RunFailed
from lcc.evaluate.selective import REFER, UNFAMILIAR
from lcc.images.reasons import advice_on
from lcc.predict.answers import schema_of
from lcc.predict.sizes import TrainingSizes
from lcc.predict.task import PredictTask
from lcc.storage import layout
from lcc.storage.uri import shown_uri
from lcc.tracking.progress import start_progress
from lcc.tracking.tracker import Tracker

logger = logging.getLogger(__name__)
NUM_SHOWN = 3  # paths of each reason, in the summary


@dataclass(slots=True, kw_only=True)
class Counts:
    """What became of images, counted shard by shard.

    Attributes:
        images: How many there are.
        decisions: Class, `refer` or `unfamiliar` → images.
        reasons: Why there is no answer → images.
        first: Reason → the first paths.
        smaller: Images that were answered and lack the detail of training images.
    """

    images: int = 0
    decisions: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[str]] = field(default_factory=dict)
    smaller: int = 0

    def add(self, table: pa.Table, sizes: TrainingSizes) -> None:
        """Count the rows of a shard."""
        self.images += table.num_rows
        self.decisions.update(filter(None, table["decision"].to_pylist()))
        reasons = table["reason"].to_pylist()
        self.reasons.update(filter(None, reasons))
        for path, reason in zip(table["path"].to_pylist(), reasons, strict=True):
            known = self.first.setdefault(reason, []) if reason else [""] * NUM_SHOWN
            if len(known) < NUM_SHOWN:
                known.append(path)
        answered = table.filter(pa.compute.is_null(table["reason"]))
        sides = [
            np.asarray(answered[name].to_numpy(), np.float64)
            for name in ("width_px", "height_px")
        ]
        self.smaller += int(sizes.are_smaller(*sides).sum())

    @property
    def num_unreadable(self) -> int:
        """Images without an answer."""
        return sum(self.reasons.values())

    def check(self, num_images: int) -> None:
        """Check that no image disappeared.

        Raises:
            RunFailed: One did.
        """
        total = sum(self.decisions.values()) + self.num_unreadable
        if not total == self.images == num_images:
            message = (
                f"predict: must have a row for each of {num_images} images, got "
                f"{self.images}, {total} of them decided on. Report this."
            )
            raise RunFailed(message)


def collect(task: PredictTask, tracker: Tracker) -> None:
    """Write the answers as CSV and Parquet below the run, count and report them.

    Raises:
        DataError: A shard is missing; or too many images have no answer, which is said
            once all is written.
    """
    counts = _write(task)
    counts.check(task.note.num_images)
    document = _summary(task, counts)
    key = layout.predictions_summary(task.run_id)
    task.store.write(key, json.dumps(document, indent=1).encode())
    _report(task, counts, tracker)
    _check_share(task, counts)


def _write(task: PredictTask) -> Counts:
    schema = schema_of(task.rules.class_names)
    counts, shards = Counts(), task.shards
    paths = {
        layout.predictions(task.run_id): task.scratch / "predictions.parquet",
        layout.predictions_csv(task.run_id): task.scratch / "predictions.csv",
    }
    table_file, text_file = paths.values()
    progress = start_progress(len(shards))
    with (
        pq.ParquetWriter(
            table_file, schema, compression="zstd", write_statistics=False
        ) as table_writer,
        pyarrow.csv.CSVWriter(text_file, schema) as text_writer,
    ):
        for table in shards.read_all(task.run_id):
            table_writer.write_table(table)
            text_writer.write_table(table)
            counts.add(table, task.note.sizes)
            progress.advance()
    for key, path in paths.items():
        task.store.absorb(key, Path(path))
    return counts


def _summary(task: PredictTask, counts: Counts) -> Mapping[str, object]:
    rules = task.rules
    named = (*rules.class_names, REFER, UNFAMILIAR)
    return {
        "images": counts.images,
        "decisions": {name: counts.decisions[name] for name in named},
        "reasons": [
            {
                "reason": reason,
                "count": count,
                "advice": advice_on(reason),
                "first": counts.first[reason],
            }
            for reason, count in counts.reasons.most_common()
        ],
        "smaller": counts.smaller,
        "left_out": task.note.left_out,
        "other_folders": task.note.other_folders,
        "training_px": [task.note.sizes.shortest_px, task.note.sizes.longest_px],
        "model_run": task.model_run,
        "chosen_by": task.settings.predict.chosen_by,
        "evaluation": rules.evaluation,
        "temperature": rules.temperature,
        "threshold": rules.threshold,
        "max_error": rules.max_error,
        "knows_strangers": rules.known is not None and rules.known.threshold.is_set,
    }


def _report(task: PredictTask, counts: Counts, tracker: Tracker) -> None:
    rules = task.rules
    own = {f"predict/class/{n}": counts.decisions[n] for n in rules.class_names}
    tracker.log_metrics(
        {
            "predict/images": counts.images,
            "predict/answered": sum(own.values()),
            "predict/referred": counts.decisions[REFER],
            "predict/unfamiliar": counts.decisions[UNFAMILIAR],
            "predict/unreadable": counts.num_unreadable,
            **own,
        }
    )
    tags = {"lcc.model_run": task.model_run, "lcc.evaluation": rules.evaluation or ""}
    tracker.set_tags(tags | {"lcc.catalogue": rules.catalogue})
    source = task.settings.predict.source or ""
    tracker.log_input(
        name=source.rstrip("/").rpartition("/")[2] or "images",
        digest=task.note.digest,
        source=source,
        context="predict",
    )
    for key in (
        layout.predictions_csv(task.run_id),
        layout.predictions(task.run_id),
        layout.predictions_summary(task.run_id),
    ):
        tracker.log_artifact(key.rpartition("/")[2], key)


def _check_share(task: PredictTask, counts: Counts) -> None:
    limit = task.settings.predict.max_unreadable_fraction
    if counts.num_unreadable <= limit * counts.images:
        return
    found = counts.reasons.most_common()
    reasons = ", ".join(f"{count} {reason}" for reason, count in found)
    where = shown_uri(task.store.uri, layout.predictions_csv(task.run_id))
    [(most, _), *_] = found
    message = (
        f"predict.max_unreadable_fraction: at most {limit:g} of {counts.images} images "
        f"may have no answer, got {counts.num_unreadable}: {reasons}. {most}: "
        f"{advice_on(most)}; or raise the limit. A row for every image: {where}"
    )
    raise DataError(message)
