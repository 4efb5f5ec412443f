"""Evaluations as they lie under a root, their models registered; none was trained."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from lcc.config.card import questions
from lcc.config.load import changed_settings, dump_settings
from lcc.config.tracking import TrackingSettings
from lcc.data.parquet import to_parquet
from lcc.evaluate.predictions import Part, Predictions, write_predictions
from lcc.launch.state import write_state
from lcc.storage import layout
from lcc.storage.local import LocalStore
from lcc.tracking.mlflow import MlflowServer, open_mlflow
from lcc.tracking.sender import Sender
from lcc.tracking.tracker import Tracker
from tests.builders.launches import a_state, local_settings
from tests.builders.predictions import CLASSES, some_predictions

DIGEST = "ab" * 32
FOREST = "random forest on 22 colour statistics"


def full_card() -> str:
    """Return a file with an answer to every question."""
    sections: dict[str, list[str]] = {}
    for path in questions():
        section, _, name = path.partition(".")
        sections.setdefault(section, [f"{section}:"]).append(f"  {name}: Known *well*.")
    return "\n".join(line for lines in sections.values() for line in lines) + "\n"


def an_estimate(value: float, *, half_width: float = 0.05) -> dict[str, float]:
    return {"value": value, "lower": value - half_width, "upper": value + half_width}


def some_metrics(model_run: str, *, above: float = 0.1, error: float = 0.02) -> dict:
    """Return `metrics.json` of a model that passes, unless said otherwise."""
    names = ("macro_f1", "balanced_accuracy", "accuracy", "mcc", "auroc", "auprc")
    names += tuple(f"recall/{name}" for name in CLASSES)
    return {
        "metrics": {name: an_estimate(0.9) for name in names},
        "num_images": 300,
        "num_groups": 30,
        "units": {},
        "compared": [
            {"name": "this model", "is_valid": True, "judged_model_above": None},
            {
                "name": FOREST,
                "is_valid": True,
                "judged_model_above": an_estimate(above),
            },
            {"name": "random split", "is_valid": False, "judged_model_above": None},
        ],
        "verdict": "better than colours",
        "forecast": "± 0.02 takes more groups.",
        "calibration": {
            "temperature": 1.2,
            "fitted_on": "validation",
            "calibrated": {"error": an_estimate(error, half_width=0.02)},
        },
        "abstention": None,
        "by_axis": {},
        "lineage": {
            "model run": model_run,
            "data set": "lung",
            "catalogue": DIGEST,
            "code": "lcc 0.1.0",
            "readings of this test split": 1,
        },
    }


def some_splits() -> dict:
    """Return `splits.json` of a split that holds."""
    return {
        "checks": [{"name": "no group is divided", "is_passed": True, "detail": ""}],
        "images": {"train": {"lung_n": 500}, "test": {"lung_n": 300}},
        "notes": [],
        "rules": {"never_split": ["family"], "balance_over": []},
        "unseen_siblings": {
            "planted": 300,
            "unseen": 0,
            "upper_bound": 0.01,
            "confidence": 0.95,
        },
    }


def worse_on(predictions: Predictions, num_groups: int) -> Predictions:
    """Return predictions that are wrong on every image of the first groups."""
    said = predictions.raw.copy()
    wrong = predictions.groups < num_groups
    said[wrong] = np.roll(np.eye(3)[predictions.labels[wrong]], 1, axis=1)
    return predictions.with_calibrated(said)


def an_evaluated_model(
    store: LocalStore,
    number: int,
    *,
    predictions: Predictions | None = None,
    **metrics: float,
) -> str:
    """Write a train run, registered, and its evaluation; return the train run's id."""
    model_run, run_id = f"train-2026112{number}-0915-k3f9", evaluation_of(number)
    said = predictions or some_predictions(Part.TEST)
    settings = changed_settings(
        local_settings(store), {"evaluate.model_run": model_run, "data.name": "lung"}
    )
    for name in (model_run, run_id):
        created = f"2026-11-2{number}T09:15:00+00:00"
        write_state(store, a_state(name, created=created))
        store.write(layout.run_settings(name), dump_settings(settings).encode())
    documents = {
        layout.metrics(run_id): some_metrics(model_run, **metrics),
        layout.splits("lung", DIGEST): some_splits(),
        layout.audit("lung", DIGEST): {"listed": 900, "alarms": []},
        layout.model_card(model_run): {"class_names": CLASSES, "tile_size_px": 64},
    }
    for key, document in documents.items():
        store.write(key, json.dumps(document).encode())
    for file, content in write_predictions(said):
        store.write(layout.evaluation(run_id, file), content)
    forest = worse_on(some_predictions(Part.TEST), 6).table
    names = pa.array([FOREST] * len(forest), pa.string())
    store.write(
        layout.compared(run_id), to_parquet(forest.append_column("model", names))
    )
    register(store, model_run)
    return model_run


def evaluation_of(number: int) -> str:
    return f"evaluate-2026112{number}-0930-abcd"


def register(store: LocalStore, model_run: str) -> None:
    """Have MLflow register a model of this run."""
    folder = Path(store.fetch(_empty_model(store), Path("unused"))).parent
    with Tracker(store, run_id=model_run, writer="w") as tracker:
        tracker.log_model(folder)
    Sender(store=store, server=mlflow_of(store), run_id=model_run).forward()


def _empty_model(store: LocalStore) -> str:
    key = "empty-model/MLmodel"
    store.write(key, b"flavors: {}\n")
    return key


def mlflow_of(store: LocalStore) -> MlflowServer:
    return open_mlflow(TrackingSettings(), store.uri)
