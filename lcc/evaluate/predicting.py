"""What models say of images: the judged model, those of its search, and baselines.

Knows how a saved model is run; what its predictions are worth is judged elsewhere.
"""

import io
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue, Split
from lcc.data.tiles import Tiles
from lcc.errors import DataError, NotFoundError
from lcc.evaluate.baselines import predict_baselines
from lcc.evaluate.bootstrap import Floats, Ints
from lcc.evaluate.calibration import calibrate
from lcc.evaluate.explain import (
    Explained,
    Predict,
    choose_explained,
    explain,
    show_maps,
)
from lcc.evaluate.grad_cam import GradCam
from lcc.evaluate.judging import PREMIUM
from lcc.evaluate.network import Answers, Ask, Network, join_answers
from lcc.evaluate.novelty import (
    MAX_REFERENCES,
    KnownTissue,
    know_tissue,
    set_threshold,
)
from lcc.evaluate.predictions import Part, Predictions, join_parts, predictions_of
from lcc.evaluate.robustness import VARIANTS, choose_changed, predict_changed
from lcc.evaluate.strangers import NoveltyEvidence, predict_strangers
from lcc.evaluate.subset import spread_over_groups
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.progress import start_progress

logger = logging.getLogger(__name__)

BATCH = 32  # tiles a forward pass takes


class TrainOn(Protocol):
    """Training by the recipe of the model that is judged, on other rows."""

    def __call__(self, training: Ints, validation: Ints, test: Ints, /) -> Floats:
        """Return (k, classes) probabilities of the k test rows.

        Args:
            training: (n,) rows of the catalogue to learn from.
            validation: (m,) rows that each epoch is measured on.
            test: (k,) rows to predict.
        """


class OpenTrainOn(Protocol):
    """Makes the leak premium's training ready; called only where it is asked for."""

    def __call__(self, catalogue: Catalogue, /) -> TrainOn:
        """Return the training on rows of a catalogue, the test split's included."""


def open_network(
    store: Store, model_run: str, scratch: Path, *, side_px: int
) -> Network:
    """Return the model that a run trained, for tiles of one size."""
    import keras

    path = store.fetch(layout.model(model_run), scratch)
    return Network(keras.saving.load_model(path, compile=False), side_px=side_px)


def see_training(
    settings: Settings,
    catalogue: Catalogue,
    tiles: Tiles,
    card: Mapping[str, Any],
    network: Network,
) -> KnownTissue | None:
    """Return what is kept of some images that a model learned from, of all families.

    None where not asked for or not to be told.
    """
    if not settings.evaluate.novelty:
        return None
    splits = (Split.TRAIN, Split.VALIDATION) if card["is_refit"] else (Split.TRAIN,)
    rows = np.concatenate([catalogue.rows(split) for split in splits])
    chosen = spread_over_groups(
        catalogue.families[rows],
        catalogue.labels[rows],
        count=MAX_REFERENCES,
        seed=settings.evaluate.seed,
    )
    records = catalogue.records[rows[chosen]]
    batches = [records[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    try:
        seen = [network.see(tiles.take(own))[1] for own in batches if len(own)]
    except NotFoundError as err:
        logger.warning("event=novelty_not_told reason=%s", err)
        return None
    return know_tissue(np.concatenate(seen))


def predict_model(
    settings: Settings,
    store: Store,
    catalogue: Catalogue,
    tiles: Tiles,
    card: Mapping[str, Any],
    ask: Ask,
) -> Predictions:
    """Return what the model says of test and validation, and the search out of fold.

    A model that learned from the validation split, too, has none to speak of.
    """
    parts = [Part.TEST] if card["is_refit"] else [Part.VALIDATION, Part.TEST]
    rows = {part: catalogue.rows(str(part)) for part in parts}
    rows = {part: own for part, own in rows.items() if len(own)}
    said = predict_rows((catalogue, tiles), rows, ask)
    found = [
        predictions_of(
            catalogue,
            own,
            said[part].probabilities,
            part=part,
            novelty=said[part].novelty,
        )
        for part, own in rows.items()
    ]
    return join_parts([*found, *_out_of_fold(settings, store, catalogue)])


def predict_rows(
    data: tuple[Catalogue, Tiles], rows: Mapping[Part, Ints], ask: Ask
) -> dict[Part, Answers]:
    """Return what a model says of some images, by part.

    Args:
        data: A data set and its tiles.
        rows: (n,) rows of it, by part; each has some.
        ask: The model.
    """
    catalogue, tiles = data
    progress = start_progress(sum(map(len, rows.values())))
    found = {}
    for part, own in rows.items():
        said = []
        for start in range(0, len(own), BATCH):
            chosen = own[start : start + BATCH]
            images = tiles.take(catalogue.records[chosen])
            said.append(ask(images))
            progress.advance(len(chosen))
        found[part] = join_answers(said)
    return found


def plant_strangers(
    settings: Settings,
    data: tuple[Catalogue, Tiles],
    predictions: Predictions,
    network: Network,
    known: KnownTissue | None,
) -> NoveltyEvidence | None:
    """Return known tissue with its threshold, and what is said of planted strangers.

    None where novelty is not looked at. No threshold is set where the model has no
    validation images.
    """
    if known is None:
        return None
    catalogue, tiles = data
    own = predictions.part(Part.VALIDATION)
    strangers = predict_strangers(
        catalogue, tiles, network=network, known=known, seed=settings.evaluate.seed
    )
    return NoveltyEvidence(
        known=set_threshold(known, own.novelty, own.groups), strangers=strangers
    )


def explain_model(
    settings: Settings,
    catalogue: Catalogue,
    tiles: Tiles,
    predictions: Predictions,
    network: Network,
) -> Explained | None:
    """Return what the model looked at, none where not asked for or not to be told."""
    calibrated, _ = calibrate(predictions)
    test = calibrated.part(Part.TEST)
    chosen = choose_explained(test, settings.evaluate)
    if not settings.evaluate.explain or not len(chosen):
        return None
    try:
        grad_cam = GradCam(network.model, side_px=tiles.size_px)
    except NotFoundError as err:
        logger.warning("event=not_explained reason=%s", err)
        return None
    table = explain(
        catalogue,
        tiles,
        test.take(chosen),
        grad_cam=grad_cam,
        predict=network.predict,
        seed=settings.evaluate.seed,
    )
    return Explained(table=table, pictures=show_maps(table, catalogue, tiles))


def predict_changes(
    settings: Settings, catalogue: Catalogue, tiles: Tiles, predict: Predict
) -> pa.Table | None:
    """Return what the model says of changed test images, none where not asked for."""
    if not settings.evaluate.robustness:
        return None
    rows = choose_changed(catalogue, settings.evaluate)
    progress = start_progress(len(rows) * len(VARIANTS))
    return predict_changed(
        catalogue,
        tiles,
        rows,
        predict=predict,
        seed=settings.evaluate.seed,
        progress=progress.advance,
    )


def _out_of_fold(
    settings: Settings, store: Store, catalogue: Catalogue
) -> Iterator[Predictions]:
    """Yield what the models of the search said, each of the fold it did not see.

    Raises:
        DataError: It searched on another catalogue.
    """
    search_run = settings.evaluate.search_run
    ids = find_search(settings, store).get("trial_ids", ())
    development = catalogue.rows()
    development = development[catalogue.folds[development] >= 0]
    for fold, name in enumerate(ids):
        content = store.read(layout.trial_predictions(str(search_run), name))
        said = np.load(io.BytesIO(content), allow_pickle=False)
        rows = development[catalogue.folds[development] == fold]
        if len(said) != len(rows):
            message = (
                "evaluate.search_run: must have searched on this catalogue, whose fold "
                f"{fold} has {len(rows)} images, got {search_run} with {len(said)}. "
                "Name another search, or none."
            )
            raise DataError(message)
        yield predictions_of(catalogue, rows, said, part=Part.OUT_OF_FOLD)


def predict_others(
    settings: Settings, catalogue: Catalogue, tiles: Tiles, open_train_on: OpenTrainOn
) -> Iterator[tuple[str, Predictions]]:
    """Yield what baselines, and the same recipe on a random split, say."""
    seed = settings.evaluate.seed
    if settings.evaluate.baselines:
        yield from predict_baselines(catalogue, tiles, seed=seed)
    if settings.evaluate.leak_premium:
        sizes = [len(catalogue.rows(s)) for s in ("train", "validation", "test")]
        shuffled = np.random.default_rng(seed).permutation(catalogue.rows())
        ends = np.cumsum(sizes)[:-1]
        training, validation, test = map(np.sort, np.split(shuffled, ends))
        said = open_train_on(catalogue)(training, validation, test)
        yield PREMIUM, predictions_of(catalogue, test, said, part=Part.RANDOM_SPLIT)


def find_search(settings: Settings, store: Store) -> dict[str, Any]:
    """Return `best.json` of the search that the settings name, empty without one."""
    search_run = settings.evaluate.search_run
    if search_run is None:
        return {}
    return dict(read_json(store, layout.best_point(search_run)))


def read_json(store: Store, key: str) -> Any:
    """Return the document that an object holds."""
    return json.loads(store.read(key))
