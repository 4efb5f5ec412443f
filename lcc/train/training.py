"""The train stage: from a catalogue to a saved, checked and reported model."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

import lcc
from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue, read_catalogue
from lcc.data.tiles import open_tiles
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.progress import Progress
from lcc.tracking.tracker import Tracker
from lcc.train.checkpoint import Checkpoints
from lcc.train.export import ModelCard, digest_of, save_model, write_mlflow_model
from lcc.train.feature_store import development_rows
from lcc.train.loop import Hooks
from lcc.train.recipe import Fitted, Recipe, open_recipe

NUM_SAMPLES = 4  # tiles that a reloaded model is checked with


def open_catalogue(settings: Settings, store: Store) -> Catalogue:
    """Return the catalogue that the settings name."""
    name = settings.data.name or ""
    return read_catalogue(store, name=name, digest=settings.data.catalogue)


def train_model(
    settings: Settings,
    store: Store,
    *,
    run_id: str,
    tracker: Tracker,
    scratch: Path,
    is_stopping: Callable[[], bool],
) -> ModelCard:
    """Train, save and report the model of a run; go on where it was stopped.

    Args:
        settings: Settings in force.
        store: The root.
        run_id: The run; its checkpoints and model lie below it.
        tracker: Reports to the run.
        scratch: Local folder.
        is_stopping: Asked after each step.

    Returns:
        The card of the model.

    Raises:
        Stopped: `is_stopping` said so, and the state is saved.
    """
    catalogue = open_catalogue(settings, store)
    _report_start(settings, catalogue, tracker)
    recipe = open_recipe(settings, store, catalogue, scratch=scratch)
    is_refit = settings.search.refit
    training = development_rows(catalogue) if is_refit else catalogue.rows("train")
    validation = None if is_refit else catalogue.rows("validation")
    hooks = _hooks(recipe, run_id, tracker, len(training), is_stopping)
    fitted = recipe.fit(training, validation, hooks=hooks)
    card = _save(recipe, fitted, run_id=run_id, tracker=tracker)
    tracker.log_metrics(
        {
            "train/best_epoch": fitted.best_epoch,
            "train/parameters": fitted.num_parameters,
        }
    )
    return card


def _report_start(settings: Settings, catalogue: Catalogue, tracker: Tracker) -> None:
    document = settings.model_dump(mode="json")
    params = {
        f"{section}.{name}": json.dumps(value) if isinstance(value, dict) else value
        for section in ("model", "train")
        for name, value in document[section].items()
    }
    tracker.log_params(params)
    tracker.set_tags(
        {
            "lcc.catalogue": catalogue.digest,
            "lcc.code": lcc.__version__,
            "lcc.seed": str(settings.train.seed),
        }
    )
    tracker.log_input(
        name=catalogue.name,
        digest=catalogue.digest,
        source=settings.data.source or "",
        context="training",
    )
    tracker.flush()


def _hooks(
    recipe: Recipe,
    run_id: str,
    tracker: Tracker,
    num_rows: int,
    is_stopping: Callable[[], bool],
) -> Hooks:
    settings = recipe.settings
    digest = layout.input_digest(
        catalogue=recipe.catalogue.digest,
        model=settings.model.model_dump(mode="json"),
        train=settings.train.model_dump(mode="json"),
        views=settings.search.views,
        refit=settings.search.refit,
        tile_size_px=settings.data.tile_size_px,
    )
    views = settings.search.views if recipe.rows is not None else 1
    steps = -(-num_rows * views // settings.train.batch_size) * settings.train.epochs
    bar = Progress(steps)

    def report(epoch: int, metrics: dict[str, float]) -> None:
        tracker.log_metrics(metrics, step=epoch)
        tracker.flush()

    return Hooks(
        checkpoints=Checkpoints(recipe.store, run_id=run_id, digest=digest),
        report=report,
        progress=lambda step: bar.advance(step - bar.done),
        is_stopping=is_stopping,
    )


def _save(
    recipe: Recipe, fitted: Fitted, *, run_id: str, tracker: Tracker
) -> ModelCard:
    """Write the model's files, its card and its history; hand it to the registry."""
    catalogue, settings = recipe.catalogue, recipe.settings
    size_px = settings.data.tile_size_px
    tiles = open_tiles(recipe.store, catalogue, size_px=size_px, scratch=recipe.scratch)
    rows = catalogue.rows("train")[:NUM_SAMPLES]
    sample = np.asarray(tiles.take(catalogue.records[rows]))
    whole = recipe.assemble(fitted)
    keras_file, h5_file = save_model(whole, recipe.scratch, sample=sample)
    card = ModelCard(
        sha256=digest_of(keras_file),
        class_names=catalogue.class_names,
        tile_size_px=size_px,
        catalogue=catalogue.digest,
        best_epoch=fitted.best_epoch,
        num_parameters=fitted.num_parameters,
        h5=h5_file.name,
    )
    for path in (keras_file, h5_file):
        recipe.store.upload(layout.run(run_id, f"model/{path.name}"), path)
    recipe.store.write(layout.run(run_id, "model/model.json"), card.dump())
    recipe.store.write(layout.run(run_id, "history.csv"), fitted.csv.encode())
    tracker.log_artifact("history.csv", fitted.csv.encode())
    tracker.log_artifact("model.json", card.dump())
    tracker.log_artifact(h5_file.name, h5_file)
    folder = recipe.scratch / "mlflow-model"
    write_mlflow_model(whole, folder, sample=sample)
    tracker.log_model(folder)
    return card
