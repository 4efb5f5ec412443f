"""Reading and writing of the evaluate stage: a model run in, metrics and report out."""

import json
import math
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import lcc
from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue, read_catalogue
from lcc.data.tiles import Tiles, open_tiles
from lcc.errors import ConfigError, DataError
from lcc.evaluate.judging import Evidence, TrainOn, build_report, read_history
from lcc.evaluate.report import Report, render_report
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.progress import start_progress
from lcc.tracking.tracker import Tracker

BATCH = 32  # tiles a forward pass takes


class OpenTrainOn(Protocol):
    """Makes the leak premium's training ready; called only where it is asked for."""

    def __call__(self, catalogue: Catalogue, /) -> TrainOn:
        """Return the training on rows of a catalogue, the test split's included."""


def evaluate_model(
    settings: Settings,
    store: Store,
    *,
    run_id: str,
    tracker: Tracker,
    scratch: Path,
    open_train_on: OpenTrainOn,
) -> Report:
    """Judge the model of `evaluate.model_run` on the sealed test split.

    Args:
        settings: Settings in force.
        store: The root.
        run_id: This run; metrics and report lie below it.
        tracker: Reports to the run.
        scratch: Local folder.
        open_train_on: Makes the callable that trains the leak premium.

    Raises:
        ConfigError: No model run is named.
        DataError: The model belongs to another catalogue.
    """
    model_run = settings.evaluate.model_run
    if model_run is None:
        message = "evaluate.model_run: must name a train run, got none. Pass --run."
        raise ConfigError(message)
    catalogue = read_catalogue(
        store, name=settings.data.name or "", digest=settings.data.catalogue
    )
    card = _read_card(store, model_run, catalogue)
    readings = _count_reading(store, catalogue, run_id)  # before the first look
    tiles = open_tiles(
        store, catalogue, size_px=int(card["tile_size_px"]), scratch=scratch
    )
    model = _load_model(store, model_run, scratch)
    train_on = open_train_on(catalogue) if settings.evaluate.leak_premium else None
    evidence = Evidence(
        catalogue=catalogue,
        tiles=tiles,
        settings=settings.evaluate,
        probabilities=_predict(model, tiles, catalogue),
        history=read_history(store.read(layout.history(model_run))),
        card=card,
        search=_find_search(settings, store),
        documents=_read_documents(store, catalogue),
        lineage=_lineage(settings, catalogue, card, readings),
        train_on=train_on,
    )
    report = build_report(evidence, title=f"{model_run} on {catalogue.name}")
    _write(report, store, run_id=run_id, tracker=tracker)
    _report(settings, catalogue, tracker, readings=readings)
    return report


def _read_card(store: Store, model_run: str, catalogue: Catalogue) -> dict[str, Any]:
    """Return the model's card, checked to be of this catalogue."""
    card = dict(_read_json(store, layout.model_card(model_run)))
    if card["catalogue"] != catalogue.digest:
        message = (
            f"{model_run}: was trained on catalogue {card['catalogue'][:12]}, got "
            f"{catalogue.digest[:12]}: its test split may hold what the model has "
            f"seen. Pass --catalogue {card['catalogue'][:12]}."
        )
        raise DataError(message)
    return card


def _predict(model: Any, tiles: Tiles, catalogue: Catalogue) -> NDArray[np.float64]:
    rows = catalogue.rows("test")
    progress = start_progress(len(rows))
    found = []
    for start in range(0, len(rows), BATCH):
        chosen = rows[start : start + BATCH]
        images = tiles.take(catalogue.records[chosen])
        found.append(np.asarray(model(images, training=False), np.float64))
        progress.advance(len(chosen))
    return np.concatenate(found)


def _read_documents(store: Store, catalogue: Catalogue) -> dict[str, Any]:
    name, digest = catalogue.name, catalogue.digest
    return {
        "splits": _read_json(store, layout.splits(name, digest)),
        "audit": _read_json(store, layout.audit(name, digest)),
    }


def _lineage(
    settings: Settings, catalogue: Catalogue, card: dict[str, Any], readings: int
) -> dict[str, object]:
    return {
        "model run": settings.evaluate.model_run,
        "model SHA-256": card["sha256"],
        "data set": catalogue.name,
        "catalogue": catalogue.digest,
        "seed": settings.train.seed,
        "code": f"lcc {lcc.__version__}",
        "readings of this test split": readings,
    }


def _report(
    settings: Settings, catalogue: Catalogue, tracker: Tracker, *, readings: int
) -> None:
    tracker.log_metrics({"test/readings": readings})
    tags = {"lcc.catalogue": catalogue.digest}
    tracker.set_tags(tags | {"lcc.model_run": settings.evaluate.model_run or ""})
    tracker.log_input(
        name=catalogue.name,
        digest=catalogue.digest,
        source=settings.data.source or "",
        context="test",
    )


def _load_model(store: Store, model_run: str, scratch: Path) -> Any:
    import keras

    path = store.fetch(layout.model(model_run), scratch)
    return keras.saving.load_model(path, compile=False)


def _read_json(store: Store, key: str) -> Any:
    return json.loads(store.read(key))


def _count_reading(store: Store, catalogue: Catalogue, run_id: str) -> int:
    """Note that this run has read the test split; return how many have."""
    name, digest = catalogue.name, catalogue.digest
    store.create(layout.test_reading(name, digest, run_id), b"")
    return sum(1 for _ in store.list_objects(layout.test_readings_prefix(name, digest)))


def _find_search(settings: Settings, store: Store) -> dict[str, Any]:
    """Return `best.json` of the search that the settings name, empty without one."""
    search_run = settings.evaluate.search_run
    if search_run is None:
        return {}
    return dict(_read_json(store, layout.best_point(search_run)))


def metrics_of(report: Report) -> dict[str, float]:
    """Return every estimate with its interval, those that it is compared with too."""
    found = {f"test/{name}": e for name, e in report.judgement.metrics.items()}
    baselines = [row.estimate for row in report.rows[1:] if row.is_valid]
    if baselines:
        found["baseline/macro_f1"] = max(baselines, key=lambda own: own.value)
    for row in report.rows:
        if not row.is_valid:
            found["random_split/macro_f1"] = row.estimate
    metrics = {}
    for name, estimate in found.items():
        metrics[name] = estimate.value
        metrics[f"{name}_lower"], metrics[f"{name}_upper"] = (
            estimate.lower,
            estimate.upper,
        )
    return metrics


def _write(report: Report, store: Store, *, run_id: str, tracker: Tracker) -> None:
    """Keep metrics, plots and report below the run and report them."""
    tracker.log_metrics(
        {name: v for name, v in metrics_of(report).items() if np.isfinite(v)}
    )
    document = report.judgement.document() | {
        "compared": [
            {
                "name": row.name,
                "macro_f1": row.estimate.value,
                "lower": row.estimate.lower,
                "upper": row.estimate.upper,
                "folds_by_group": row.by_group,
                "random_folds_invalid": row.at_random,
                "is_valid": row.is_valid,
            }
            for row in report.rows
        ],
        "verdict": report.verdict,
        "by_axis": {
            axis: [figures.document() for figures in found]
            for axis, found in report.by_axis.items()
        },
    }
    files = {
        "metrics.json": json.dumps(without_nan(document), indent=1).encode(),
        "report.html": render_report(report).encode(),
    }
    for name, content in report.plots.items():
        files[f"plots/{name.lower().replace(' ', '_')}.png"] = content
    for name, content in files.items():
        key = layout.evaluation(run_id, name)
        store.write(key, content)
        tracker.log_artifact(name, key)


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
