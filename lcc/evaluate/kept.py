"""What an evaluation keeps of predictions, and how it is found again.

Knows the files and their form; draws nothing, so that a launcher alone can read them.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lcc.config.commands import command_line
from lcc.data.parquet import from_parquet
from lcc.errors import NotFoundError
from lcc.evaluate.predictions import Predictions, read_predictions
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.tracker import Tracker

PREDICTIONS, OTHERS = "predictions.parquet", "compared.parquet"
METRICS = "metrics.json"
NOVELTY = "novelty.npz"
TABLE = "predictions.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What an evaluation has kept.

    Attributes:
        predictions: Of the model that it judged.
        others: Of what it compared that with, by name.
        lineage: Digests, versions, seeds.
    """

    predictions: Predictions
    others: Mapping[str, Predictions]
    lineage: Mapping[str, Any]


def read_kept(store: Store, run_id: str) -> Kept:
    """Return what an evaluation has kept.

    Raises:
        NotFoundError: It has left no predictions, as one of an older release.
    """
    return Kept(
        predictions=read_predictions(_read(store, run_id, PREDICTIONS)),
        others=split_others(from_parquet(_read(store, run_id, OTHERS))),
        lineage=json.loads(_read(store, run_id, METRICS))["lineage"],
    )


def _read(store: Store, run_id: str, name: str) -> bytes:
    key = layout.evaluation(run_id, name)
    if not store.exists(key):
        message = (
            f"run {run_id}: must be an evaluation that has left {name}, got none. "
            f"Judge the model again: {command_line('evaluate')}"
        )
        raise NotFoundError(message)
    return store.read(key)


def keep_files(
    files: Mapping[str, bytes], store: Store, *, run_id: str, tracker: Tracker
) -> None:
    """Write what an evaluation leaves below its run, and report each file.

    Args:
        files: Content by name; a table of predictions is reported as one.
        store: The root.
        run_id: The evaluation.
        tracker: Reports to it.
    """
    for name, content in files.items():
        key = layout.evaluation(run_id, name)
        store.write(key, content)
        report = tracker.log_table if name == TABLE else tracker.log_artifact
        report(name, key)


def write_table(predictions: Predictions) -> bytes:
    """Return predictions as JSON, in the form in which MLflow keeps its tables."""
    columns = without_nan(predictions.table.to_pydict())
    rows = list(zip(*columns.values(), strict=True))
    return json.dumps({"columns": list(columns), "data": rows}).encode()


def join_others(others: Mapping[str, Predictions]) -> pa.Table:
    """Return predictions of several models as one table, with a column `model`."""
    tables = [
        own.table.append_column("model", pa.array([name] * len(own), pa.string()))
        for name, own in others.items()
    ]
    return pa.concat_tables(tables) if tables else pa.table({"model": []})


def split_others(table: pa.Table) -> dict[str, Predictions]:
    """Return predictions by name, of what `join_others` made."""
    names = dict.fromkeys(table["model"].to_pylist())
    return {
        name: Predictions(
            table=table.filter(pc.field("model") == name).drop_columns("model")
        )
        for name in names
    }


def without_nan(value: Any) -> Any:
    """Return JSON values with null for what is no number: JSON knows no NaN.

    A class that the test lacks has no recall.

    Example:
        >>> without_nan({"recall": [0.5, float("nan")], "groups": 3})
        {'recall': [0.5, None], 'groups': 3}
    """
    if isinstance(value, dict):
        return {name: without_nan(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
