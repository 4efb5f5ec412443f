"""The train stage: a model trained on a catalogue, saved, checked and reported."""

import json
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import lcc
from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue, read_catalogue
from lcc.data.digest import digest_of
from lcc.data.tiles import open_tiles
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.progress import start_progress
from lcc.tracking.tracker import Tracker
from lcc.train.checkpoint import Checkpoints
from lcc.train.collectives import Collectives, lost_workers_as_unavailable
from lcc.train.devices import device_of
from lcc.train.export import (
    NETWORK,
    ModelCard,
    save_model,
    software,
    write_mlflow_model,
)
from lcc.train.feature_store import development_rows
from lcc.train.loop import Hooks
from lcc.train.recipe import Fitted, Recipe, open_recipe, start_tensorflow
from lcc.train.workers import Workers

logger = logging.getLogger(__name__)

NUM_SAMPLES = 4  # tiles that a reloaded model is checked with


def open_catalogue(settings: Settings, store: Store) -> Catalogue:
    """Return the catalogue that the settings name."""
    name = settings.data.name or ""
    return read_catalogue(store, name=name, digest=settings.data.catalogue)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """A run that trains: where its results go, and which workers take part.

    Attributes:
        store: The root.
        run_id: The run; its checkpoints, model or trials lie below it.
        tracker: Reports to the run.
        scratch: Local folder.
        workers: All that train one model together; none: this process alone.
    """

    store: Store
    run_id: str
    tracker: Tracker
    scratch: Path
    workers: Workers | None = None

    @property
    def card_key(self) -> str:
        """Key of the model's card, which is written last of all."""
        return layout.model_card(self.run_id)


def train_model(settings: Settings, run: TrainingRun) -> None:
    """Train, save and report the model of a run; go on where it was stopped.

    SIGTERM stops it after the step in progress. With several workers the chief alone
    saves and reports; the others wait for it.

    Args:
        settings: Settings in force.
        run: Where results go.

    Raises:
        Stopped: It was asked to stop, and the state is saved.
        UnavailableError: A worker did not come, or was lost.
    """
    if run.store.exists(run.card_key):  # its process was lost only after the end
        logger.info("event=done_before run=%s", run.run_id)
        return
    if run.workers is None:
        _train(settings, run, Hooks(is_stopping=catch_sigterm()))
        return
    with lost_workers_as_unavailable():
        strategy = start_tensorflow(settings, run.workers)
        collectives = Collectives(strategy, run.workers)
        hooks = Hooks(is_stopping=catch_sigterm(), collectives=collectives)
        _train(settings, run, hooks, strategy)
        collectives.wait_for_all()  # until the chief has saved all


def catch_sigterm() -> Callable[[], bool]:
    """Return a function that says whether SIGTERM has arrived from now on.

    TensorFlow takes the signal for itself when it starts on several workers: call this
    after that.
    """
    has_arrived = False

    def remember(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal has_arrived
        has_arrived = True

    signal.signal(signal.SIGTERM, remember)
    return lambda: has_arrived


def _train(
    settings: Settings, run: TrainingRun, hooks: Hooks, strategy: Any | None = None
) -> None:
    catalogue = open_catalogue(settings, run.store)
    is_chief = hooks.collectives is None or hooks.collectives.is_chief
    if is_chief:
        _report_start(settings, catalogue, run.tracker)
    recipe = open_recipe(
        settings, run.store, catalogue, scratch=run.scratch, strategy=strategy
    )
    is_refit = settings.search.refit
    training = development_rows(catalogue) if is_refit else catalogue.rows("train")
    validation = None if is_refit else catalogue.rows("validation")
    replicas = recipe.strategy.num_replicas_in_sync
    device = device_of(settings)
    logger.info("event=training replicas=%d device=%s", replicas, device)
    if is_chief:
        run.tracker.set_tags({"lcc.replicas": str(replicas), "lcc.device": device})
        hooks = _with_reports(hooks, recipe, run, num_rows=len(training))
    fitted = recipe.fit(training, validation, hooks=hooks)
    if is_chief:
        _save(recipe, fitted, run)
        if hooks.checkpoints is not None:
            hooks.checkpoints.remove()


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
    tracker.flush_soon()


def _with_reports(
    hooks: Hooks, recipe: Recipe, run: TrainingRun, *, num_rows: int
) -> Hooks:
    """Return hooks that also save and report."""
    tracker = run.tracker
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
    printer = start_progress(steps)

    def report(epoch: int, metrics: dict[str, float]) -> None:
        tracker.log_metrics(metrics, step=epoch)
        tracker.flush_soon()

    return replace(
        hooks,
        checkpoints=Checkpoints(recipe.store, run_id=run.run_id, digest=digest),
        report=report,
        progress=printer.count_to,
    )


def _save(recipe: Recipe, fitted: Fitted, run: TrainingRun) -> None:
    """Write the model's files, its history and its card; hand it to the registry."""
    run_id, tracker = run.run_id, run.tracker
    catalogue, settings = recipe.catalogue, recipe.settings
    size_px = settings.data.tile_size_px
    tiles = open_tiles(recipe.store, catalogue, size_px=size_px, scratch=recipe.scratch)
    rows = catalogue.rows("train")[:NUM_SAMPLES]
    sample = np.asarray(tiles.take(catalogue.records[rows]))
    model = recipe.assemble(fitted)
    keras_file, h5_file = save_model(model, recipe.scratch, sample=sample)
    card = ModelCard(
        sha256=digest_of(keras_file),
        class_names=catalogue.class_names,
        tile_size_px=size_px,
        catalogue=catalogue.digest,
        best_epoch=fitted.best_epoch,
        num_parameters=fitted.num_parameters,
        h5=h5_file.name,
        is_refit=settings.search.refit,
        software=software(),
    )
    for path in (keras_file, h5_file):
        recipe.store.upload(layout.model_file(run_id, path.name), path)
    recipe.store.write(layout.history(run_id), fitted.csv.encode())
    tracker.log_artifact("history.csv", layout.history(run_id))
    # Referred to: MLflow has the network in its own form, made of model.keras.
    tracker.set_tags({"lcc.h5": layout.model_file(run_id, h5_file.name)})
    folder = recipe.scratch / "mlflow-model"
    write_mlflow_model(model, folder, sample=sample)
    tracker.log_model(folder, parts={NETWORK: layout.model(run_id)})
    tracker.log_metrics(
        {
            "train/best_epoch": fitted.best_epoch,
            "train/parameters": fitted.num_parameters,
        }
        | _figures_of_saved(fitted)
    )
    tracker.flush()
    recipe.store.write(run.card_key, card.dump())
    tracker.log_artifact("model.json", run.card_key)


def _figures_of_saved(fitted: Fitted) -> dict[str, float]:
    """Return how the weights that are saved did on validation; none after a refit."""
    best = fitted.history[fitted.best_epoch]
    return {
        name.replace("val_", "saved/"): value
        for name, value in best.items()
        if name.startswith("val_")
    }
