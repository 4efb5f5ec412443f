"""Reading and writing of the evaluate stage: a model run in, metrics and report out."""

import io
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

import lcc
from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue, read_catalogue
from lcc.data.parquet import from_parquet
from lcc.data.tiles import Tiles, open_tiles
from lcc.errors import ConfigError, DataError, NotFoundError
from lcc.evaluate.baselines import predict_baselines
from lcc.evaluate.bootstrap import Floats, Ints
from lcc.evaluate.calibration import calibrate
from lcc.evaluate.card_files import keep_answers, read_card_sources
from lcc.evaluate.cards import MODEL_CARD
from lcc.evaluate.explain import (
    MISTAKES,
    RIGHT,
    Explained,
    Predict,
    choose_explained,
    explain,
    show_maps,
)
from lcc.evaluate.grad_cam import GradCam, compiled
from lcc.evaluate.judging import PREMIUM, Evidence, build_report, read_history
from lcc.evaluate.kept import read_kept
from lcc.evaluate.predictions import (
    Part,
    Predictions,
    join_parts,
    predictions_of,
)
from lcc.evaluate.report import Report
from lcc.evaluate.results import (
    CHANGED,
    EXPLAINED,
    metrics_of,
    plot_name,
    result_files,
)
from lcc.evaluate.robustness import VARIANTS, choose_changed, predict_changed
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.progress import start_progress
from lcc.tracking.tracker import Tracker

if TYPE_CHECKING:
    from lcc.evaluate.outside import OutsideReport

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
        run_id: This run; predictions, metrics and report lie below it.
        tracker: Reports to the run.
        scratch: Local folder.
        open_train_on: Makes the callable that trains the leak premium.

    Raises:
        ConfigError: No model run is named, or the answers for the cards have faults.
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
    keep_answers(settings, store, run_id)
    readings = count_reading(store, catalogue, run_id)  # before the first look
    tiles = open_tiles(
        store, catalogue, size_px=int(card["tile_size_px"]), scratch=scratch
    )
    model = _load_model(store, model_run, scratch)
    predict = _compile(model)
    predictions = _predict(settings, store, catalogue, tiles, card, predict)
    said = _Said(
        tiles=tiles,
        predictions=predictions,
        others=dict(_predict_others(settings, catalogue, tiles, open_train_on)),
        explained=_explain(settings, catalogue, tiles, predictions, model, predict),
        changed=_predict_changed(settings, catalogue, tiles, predict),
        lineage=_lineage(settings, catalogue, card, readings),
    )
    report = _judge(settings, store, catalogue, said, run_id=run_id)
    _write(report, store, run_id=run_id, tracker=tracker)
    tracker.log_description(model_run, layout.evaluation(run_id, MODEL_CARD))
    _report(settings, catalogue, tracker, readings=readings)
    return report


def remake_report(
    settings: Settings, store: Store, *, run_id: str, scratch: Path
) -> "Report | OutsideReport":
    """Judge anew what an evaluation predicted, and write its report again.

    Needs no model and no GPU. Where the tiles are gone the report has no pictures of
    them.

    Args:
        settings: That the evaluation was made with.
        store: The root.
        run_id: The evaluation.
        scratch: Local folder.

    Raises:
        NotFoundError: It has left no predictions.
    """
    if settings.evaluate.data is not None:
        from lcc.evaluate.outside_run import remake_outside  # which reads as this does

        return remake_outside(settings, store, run_id=run_id, scratch=scratch)
    kept = read_kept(store, run_id)
    catalogue = read_catalogue(
        store, name=settings.data.name or "", digest=settings.data.catalogue
    )
    card = _read_card(store, str(settings.evaluate.model_run), catalogue)
    said = _Said(
        tiles=_find_tiles(store, catalogue, int(card["tile_size_px"]), scratch),
        predictions=kept.predictions,
        others=kept.others,
        explained=_find_explained(store, run_id),
        changed=_find_table(store, run_id, CHANGED),
        lineage=kept.lineage,
    )
    report = _judge(settings, store, catalogue, said, run_id=run_id)
    for name, content in result_files(report).items():
        store.write(layout.evaluation(run_id, name), content)
    return report


def _find_table(store: Store, run_id: str, name: str) -> pa.Table | None:
    """Return a table that an evaluation may have left, none where it was not asked."""
    key = layout.evaluation(run_id, name)
    return from_parquet(store.read(key)) if store.exists(key) else None


def _find_explained(store: Store, run_id: str) -> Explained | None:
    table = _find_table(store, run_id, EXPLAINED)
    if table is None:
        return None
    keys = {t: layout.evaluation(run_id, plot_name(t)) for t in (MISTAKES, RIGHT)}
    pictures = {t: store.read(key) for t, key in keys.items() if store.exists(key)}
    return Explained(table=table, pictures=pictures)


def _find_tiles(
    store: Store, catalogue: Catalogue, size_px: int, scratch: Path
) -> Tiles | None:
    try:
        return open_tiles(store, catalogue, size_px=size_px, scratch=scratch)
    except NotFoundError:
        logger.warning("event=tiles_gone size_px=%d", size_px)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What models said, and the tiles that they said it of, where these are left."""

    tiles: Tiles | None
    predictions: Predictions
    others: Mapping[str, Predictions]
    explained: Explained | None
    changed: pa.Table | None
    lineage: Mapping[str, object]


def _judge(
    settings: Settings, store: Store, catalogue: Catalogue, said: _Said, *, run_id: str
) -> Report:
    model_run = str(settings.evaluate.model_run)
    evidence = Evidence(
        catalogue=catalogue,
        tiles=said.tiles,
        settings=settings.evaluate,
        predictions=said.predictions,
        others=said.others,
        explained=said.explained,
        changed=said.changed,
        history=read_history(store.read(layout.history(model_run))),
        card=read_json(store, layout.model_card(model_run)),
        search=_find_search(settings, store),
        documents=_read_documents(store, catalogue),
        lineage=said.lineage,
        cards=read_card_sources(store, said.lineage, run_id=run_id),
    )
    return build_report(evidence, title=f"{model_run} on {catalogue.name}")


def _read_card(store: Store, model_run: str, catalogue: Catalogue) -> dict[str, Any]:
    """Return the model's card, checked to be of this catalogue."""
    card = dict(read_json(store, layout.model_card(model_run)))
    if card["catalogue"] != catalogue.digest:
        message = (
            f"{model_run}: was trained on catalogue {card['catalogue'][:12]}, got "
            f"{catalogue.digest[:12]}: its test split may hold what the model has "
            f"seen. Pass --catalogue {card['catalogue'][:12]}, or --data for a "
            "data set that it has never seen."
        )
        raise DataError(message)
    return card


def _predict(
    settings: Settings,
    store: Store,
    catalogue: Catalogue,
    tiles: Tiles,
    card: Mapping[str, Any],
    predict: Predict,
) -> Predictions:
    """Return what the model says of test and validation, and the search out of fold.

    A model that learned from the validation split, too, has none to speak of.
    """
    parts = [Part.TEST] if card["is_refit"] else [Part.VALIDATION, Part.TEST]
    rows = {part: catalogue.rows(str(part)) for part in parts}
    said = predict_rows((catalogue, tiles), rows, predict)
    found = [
        predictions_of(catalogue, own, said[part], part=part)
        for part, own in rows.items()
    ]
    return join_parts([*found, *_out_of_fold(settings, store, catalogue)])


def predict_rows(
    data: tuple[Catalogue, Tiles], rows: Mapping[Part, Ints], predict: Predict
) -> dict[Part, Floats]:
    """Return what a model says of some images, (n, classes) by part.

    Args:
        data: A data set and its tiles.
        rows: (n,) rows of it, by part; each has some.
        predict: The model.
    """
    catalogue, tiles = data
    progress = start_progress(sum(map(len, rows.values())))
    found = {}
    for part, own in rows.items():
        said = []
        for start in range(0, len(own), BATCH):
            chosen = own[start : start + BATCH]
            images = tiles.take(catalogue.records[chosen])
            said.append(predict(images))
            progress.advance(len(chosen))
        found[part] = np.concatenate(said)
    return found


def _explain(
    settings: Settings,
    catalogue: Catalogue,
    tiles: Tiles,
    predictions: Predictions,
    model: Any,
    predict: Predict,
) -> Explained | None:
    """Return what the model looked at, none where not asked for or not to be told."""
    calibrated, _ = calibrate(predictions)
    test = calibrated.part(Part.TEST)
    chosen = choose_explained(test, settings.evaluate)
    if not settings.evaluate.explain or not len(chosen):
        return None
    try:
        grad_cam = GradCam(model, side_px=tiles.size_px)
    except NotFoundError as err:
        logger.warning("event=not_explained reason=%s", err)
        return None
    table = explain(
        catalogue,
        tiles,
        test.take(chosen),
        grad_cam=grad_cam,
        predict=predict,
        seed=settings.evaluate.seed,
    )
    return Explained(table=table, pictures=show_maps(table, catalogue, tiles))


def _predict_changed(
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
    ids = _find_search(settings, store).get("trial_ids", ())
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


def _predict_others(
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


def _read_documents(store: Store, catalogue: Catalogue) -> dict[str, Any]:
    name, digest = catalogue.name, catalogue.digest
    return {
        "splits": read_json(store, layout.splits(name, digest)),
        "audit": read_json(store, layout.audit(name, digest)),
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


def open_predict(store: Store, model_run: str, scratch: Path) -> Predict:
    """Return what gives the probabilities of a model for some tiles."""
    return _compile(_load_model(store, model_run, scratch))


def _compile(model: Any) -> Predict:
    forward = compiled(model)
    return lambda images: np.asarray(forward(images), np.float64)


def read_json(store: Store, key: str) -> Any:
    """Return the document that an object holds."""
    return json.loads(store.read(key))


def count_reading(store: Store, catalogue: Catalogue, run_id: str) -> int:
    """Note that this run has read the test split; return how many have."""
    name, digest = catalogue.name, catalogue.digest
    store.create(layout.test_reading(name, digest, run_id), b"")
    return sum(1 for _ in store.list_objects(layout.test_readings_prefix(name, digest)))


def _find_search(settings: Settings, store: Store) -> dict[str, Any]:
    """Return `best.json` of the search that the settings name, empty without one."""
    search_run = settings.evaluate.search_run
    if search_run is None:
        return {}
    return dict(read_json(store, layout.best_point(search_run)))


def _write(report: Report, store: Store, *, run_id: str, tracker: Tracker) -> None:
    """Keep predictions, metrics, plots and report below the run and report them."""
    tracker.log_metrics(
        {name: v for name, v in metrics_of(report).items() if np.isfinite(v)}
    )
    for name, content in result_files(report).items():
        key = layout.evaluation(run_id, name)
        store.write(key, content)
        tracker.log_artifact(name, key)
