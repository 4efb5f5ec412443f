"""Reading and writing of the evaluate stage: a model run in, metrics and report out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import lcc
from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue, read_catalogue
from lcc.data.tiles import open_tiles
from lcc.errors import ConfigError, DataError
from lcc.evaluate.judging import Evidence, TrainOn, build_report, read_history
from lcc.evaluate.report import Report, render_report
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.progress import Progress
from lcc.tracking.tracker import Tracker

BATCH = 32  # tiles a forward pass takes

OpenTrainOn = Callable[[Catalogue], TrainOn]


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
    name = settings.data.name or ""
    catalogue = read_catalogue(store, name=name, digest=settings.data.catalogue)
    card = _read_json(store, layout.run(model_run, "model/model.json"))
    if card["catalogue"] != catalogue.digest:
        message = (
            f"{model_run}: was trained on catalogue {card['catalogue'][:12]}, got "
            f"{catalogue.digest[:12]}: its test split may hold what the model has seen. "
            f"Pass --catalogue {card['catalogue'][:12]}."
        )
        raise DataError(message)
    tiles = open_tiles(
        store, catalogue, size_px=int(card["tile_size_px"]), scratch=scratch
    )
    progress = Progress(len(catalogue.rows("test")) + 1)
    model = _load_model(store, model_run, scratch)
    rows = catalogue.rows("test")
    probabilities = []
    for start in range(0, len(rows), BATCH):
        chosen = rows[start : start + BATCH]
        images = tiles.take(catalogue.records[chosen])
        probabilities.append(np.asarray(model(images, training=False), np.float64))
        progress.advance(len(chosen))
    readings = _count_reading(store, catalogue, run_id)
    evidence = Evidence(
        catalogue=catalogue,
        tiles=tiles,
        settings=settings.evaluate,
        probabilities=np.concatenate(probabilities),
        history=read_history(store.read(layout.run(model_run, "history.csv"))),
        card=card,
        search=_find_search(settings, store),
        documents={
            part: _read_json(
                store, layout.catalogue(name, catalogue.digest, f"{part}.json")
            )
            for part in ("splits", "audit")
        },
        lineage={
            "model run": model_run,
            "model SHA-256": card["sha256"],
            "data set": name,
            "catalogue": catalogue.digest,
            "seed": settings.train.seed,
            "code": f"lcc {lcc.__version__}",
            "readings of this test split": readings,
        },
        train_on=open_train_on(catalogue) if settings.evaluate.leak_premium else None,
    )
    report = build_report(evidence, title=f"{model_run} on {name}")
    _write(report, store, run_id=run_id, tracker=tracker)
    tracker.log_metrics({"test/readings": readings})
    tracker.set_tags({"lcc.catalogue": catalogue.digest, "lcc.model_run": model_run})
    tracker.log_input(
        name=name,
        digest=catalogue.digest,
        source=settings.data.source or "",
        context="test",
    )
    progress.advance()
    return report


def _load_model(store: Store, model_run: str, scratch: Path) -> Any:
    import keras

    path = store.fetch(layout.run(model_run, "model/model.keras"), scratch)
    return keras.saving.load_model(path, compile=False)


def _read_json(store: Store, key: str) -> Any:
    return json.loads(store.read(key))


def _count_reading(store: Store, catalogue: Catalogue, run_id: str) -> int:
    """Note that this run has read the test split; return how many have."""
    key = layout.catalogue(catalogue.name, catalogue.digest, "readings/")
    store.create(f"{key}{run_id}", b"")
    return sum(1 for _ in store.list_objects(key))


def _find_search(settings: Settings, store: Store) -> dict[str, Any]:
    """Return `best.json` of the search of the same study, empty without one."""
    study = settings.launch.study
    if study is None:
        return {}
    key = layout.run(study, "best.json")
    return dict(_read_json(store, key)) if store.exists(key) else {}


def _write(report: Report, store: Store, *, run_id: str, tracker: Tracker) -> None:
    """Keep metrics, plots and report below the run and report them."""
    metrics: dict[str, float] = {}
    for name, estimate in report.judgement.metrics.items():
        metrics[f"test/{name}"] = estimate.value
        metrics[f"test/{name}_lower"] = estimate.lower
        metrics[f"test/{name}_upper"] = estimate.upper
    tracker.log_metrics({k: v for k, v in metrics.items() if np.isfinite(v)})
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
    }
    files = {
        "metrics.json": json.dumps(document, indent=1).encode(),
        "report.html": render_report(report).encode(),
    }
    for name, content in report.plots.items():
        files[f"plots/{name.lower().replace(' ', '_')}.png"] = content
    for name, content in files.items():
        store.write(layout.run(run_id, name), content)
        tracker.log_artifact(name, content)
