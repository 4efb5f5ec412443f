"""The train stage: from a catalogue to a saved, checked and reported model."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import lcc
from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue, read_catalogue
from lcc.data.tiles import open_tiles
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.progress import Progress
from lcc.tracking.tracker import Tracker
from lcc.train.backbone import prepare_tensorflow
from lcc.train.checkpoint import Checkpoints
from lcc.train.devices import make_strategy
from lcc.train.export import ModelCard, digest_of, save_model, write_mlflow_model
from lcc.train.feature_store import development_rows
from lcc.train.group import Group, losing_peers
from lcc.train.loop import Hooks
from lcc.train.peers import Peers
from lcc.train.recipe import Fitted, Recipe, open_recipe

logger = logging.getLogger(__name__)

NUM_SAMPLES = 4  # tiles that a reloaded model is checked with


def open_catalogue(settings: Settings, store: Store) -> Catalogue:
    """Return the catalogue that the settings name."""
    name = settings.data.name or ""
    return read_catalogue(store, name=name, digest=settings.data.catalogue)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a training's results go, and who trains with it.

    Attributes:
        store: The root.
        run_id: The run; its checkpoints and model lie below it.
        tracker: Reports to the run.
        scratch: Local folder.
        peers: All processes of this training; none: it is alone.
    """

    store: Store
    run_id: str
    tracker: Tracker
    scratch: Path
    peers: Peers | None = None

    @property
    def card_key(self) -> str:
        """Key of the model's card, which is written last of all."""
        return layout.model_card(self.run_id)


def train_model(
    settings: Settings, place: Place, *, watch_signals: Callable[[], Callable[[], bool]]
) -> None:
    """Train, save and report the model of a run; go on where it was stopped.

    With peers, the first of them alone saves and reports; the others wait for it.

    Args:
        settings: Settings in force.
        place: Where results go.
        watch_signals: Called once TensorFlow, which takes SIGTERM for itself, has
            started; what it returns is asked after each step.

    Raises:
        Stopped: It was asked to stop, and the state is saved.
        UnavailableError: A peer did not come, or was lost.
    """
    if place.peers is None:
        _train(settings, place, Hooks(is_stopping=watch_signals()))
        return
    if place.store.exists(place.card_key):  # a peer was lost only after the end
        logger.info("event=done_before run=%s", place.run_id)
        return
    with losing_peers():
        prepare_tensorflow(settings)
        strategy = make_strategy(settings, place.peers)
        group = Group(strategy, place.peers)
        hooks = Hooks(is_stopping=watch_signals(), group=group)
        _train(settings, place, hooks, strategy)
        group.part()  # nobody is done before the chief has saved all


def _train(
    settings: Settings, place: Place, hooks: Hooks, strategy: Any | None = None
) -> None:
    catalogue = open_catalogue(settings, place.store)
    is_chief = hooks.group is None or hooks.group.is_chief
    if is_chief:
        _report_start(settings, catalogue, place.tracker)
    recipe = open_recipe(
        settings, place.store, catalogue, scratch=place.scratch, strategy=strategy
    )
    is_refit = settings.search.refit
    training = development_rows(catalogue) if is_refit else catalogue.rows("train")
    validation = None if is_refit else catalogue.rows("validation")
    replicas = recipe.strategy.num_replicas_in_sync
    logger.info("event=training replicas=%d device=%s", replicas, settings.train.device)
    if is_chief:
        place.tracker.set_tags({"lcc.replicas": str(replicas)})
        hooks = _reporting(hooks, recipe, place, num_rows=len(training))
    fitted = recipe.fit(training, validation, hooks=hooks)
    if is_chief:
        _save(recipe, fitted, place)


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


def _reporting(hooks: Hooks, recipe: Recipe, place: Place, *, num_rows: int) -> Hooks:
    """Return hooks that also save and report."""
    tracker = place.tracker
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

    return replace(
        hooks,
        checkpoints=Checkpoints(recipe.store, run_id=place.run_id, digest=digest),
        report=report,
        progress=lambda step: bar.advance(step - bar.done),
    )


def _save(recipe: Recipe, fitted: Fitted, place: Place) -> None:
    """Write the model's files, its history and its card; hand it to the registry."""
    run_id, tracker = place.run_id, place.tracker
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
        recipe.store.upload(layout.model_file(run_id, path.name), path)
    recipe.store.write(layout.history(run_id), fitted.csv.encode())
    tracker.log_artifact("history.csv", fitted.csv.encode())
    tracker.log_artifact("model.json", card.dump())
    tracker.log_artifact(h5_file.name, h5_file)
    folder = recipe.scratch / "mlflow-model"
    write_mlflow_model(whole, folder, sample=sample)
    tracker.log_model(folder)
    tracker.log_metrics(
        {
            "train/best_epoch": fitted.best_epoch,
            "train/parameters": fitted.num_parameters,
        }
    )
    tracker.flush()
    recipe.store.write(place.card_key, card.dump())
