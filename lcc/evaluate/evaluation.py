"""Reading and writing of the evaluate stage: a model run in, metrics and report out."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

import lcc
from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue, read_catalogue
from lcc.data.parquet import from_parquet
from lcc.data.tiles import Tiles, open_tiles
from lcc.errors import ConfigError, DataError, NotFoundError
from lcc.evaluate.card_files import keep_answers, read_card_sources
from lcc.evaluate.cards import MODEL_CARD
from lcc.evaluate.explain import (
    MISTAKES,
    RIGHT,
    Explained,
)
from lcc.evaluate.judging import Evidence, build_report, read_history
from lcc.evaluate.kept import NOVELTY, keep_files, read_kept
from lcc.evaluate.network import ask_of
from lcc.evaluate.novelty import read_known
from lcc.evaluate.predicting import (
    OpenTrainOn,
    explain_model,
    find_search,
    open_network,
    plant_strangers,
    predict_changes,
    predict_model,
    predict_others,
    read_json,
    see_training,
)
from lcc.evaluate.predictions import (
    Predictions,
)
from lcc.evaluate.report import Report
from lcc.evaluate.results import (
    CHANGED,
    EXPLAINED,
    STRANGERS,
    metrics_of,
    plot_name,
    result_files,
)
from lcc.evaluate.strangers import NoveltyEvidence
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.tracker import Tracker

if TYPE_CHECKING:
    from lcc.evaluate.outside import OutsideReport

logger = logging.getLogger(__name__)


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
    network = open_network(store, model_run, scratch, side_px=tiles.size_px)
    known = see_training(settings, catalogue, tiles, card, network)
    ask = ask_of(network, known)
    predictions = predict_model(settings, store, catalogue, tiles, card, ask)
    said = _Said(
        tiles=tiles,
        predictions=predictions,
        others=dict(predict_others(settings, catalogue, tiles, open_train_on)),
        explained=explain_model(settings, catalogue, tiles, predictions, network),
        changed=predict_changes(settings, catalogue, tiles, network.predict),
        novelty=plant_strangers(
            settings, (catalogue, tiles), predictions, network, known
        ),
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
        novelty=find_novelty(store, run_id),
        lineage=kept.lineage,
    )
    report = _judge(settings, store, catalogue, said, run_id=run_id)
    for name, content in result_files(report).items():
        store.write(layout.evaluation(run_id, name), content)
    return report


def find_novelty(store: Store, run_id: str) -> NoveltyEvidence | None:
    """Return what an evaluation has kept of novelty, none where it was not asked."""
    strangers = _find_table(store, run_id, STRANGERS)
    if strangers is None:
        return None
    known = read_known(store.read(layout.evaluation(run_id, NOVELTY)))
    return NoveltyEvidence(known=known, strangers=strangers)


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
    novelty: NoveltyEvidence | None
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
        novelty=said.novelty,
        history=read_history(store.read(layout.history(model_run))),
        card=read_json(store, layout.model_card(model_run)),
        search=find_search(settings, store),
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


def count_reading(store: Store, catalogue: Catalogue, run_id: str) -> int:
    """Note that this run has read the test split; return how many have."""
    name, digest = catalogue.name, catalogue.digest
    store.create(layout.test_reading(name, digest, run_id), b"")
    return sum(1 for _ in store.list_objects(layout.test_readings_prefix(name, digest)))


def _write(report: Report, store: Store, *, run_id: str, tracker: Tracker) -> None:
    """Keep predictions, metrics, plots and report below the run and report them."""
    tracker.log_metrics(
        {name: v for name, v in metrics_of(report).items() if np.isfinite(v)}
    )
    keep_files(result_files(report), store, run_id=run_id, tracker=tracker)
