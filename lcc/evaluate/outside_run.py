"""Reading and writing of an evaluation on another data set."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import lcc
from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue, Split
from lcc.data.parquet import to_parquet
from lcc.data.tiles import Tiles, open_tiles
from lcc.errors import NotFoundError
from lcc.evaluate.bootstrap import Ints
from lcc.evaluate.class_map import with_our_labels
from lcc.evaluate.evaluation import count_reading
from lcc.evaluate.kept import (
    METRICS,
    NOVELTY,
    OTHERS,
    TABLE,
    Kept,
    join_others,
    keep_files,
    read_kept,
    without_nan,
    write_table,
)
from lcc.evaluate.namesakes import find_namesakes
from lcc.evaluate.network import Answers, ask_of
from lcc.evaluate.novelty import KnownTissue, read_known, write_known
from lcc.evaluate.outside import (
    OutsideEvidence,
    OutsideReport,
    judge_outside,
    outside_document,
    outside_metrics,
    render_outside,
)
from lcc.evaluate.outside_inputs import (
    open_outside,
    open_training,
    read_model_card,
    told_classes,
)
from lcc.evaluate.overlap import read_overlap
from lcc.evaluate.predicting import open_network, predict_rows, read_json
from lcc.evaluate.predictions import (
    Part,
    Predictions,
    join_parts,
    predictions_of,
    write_predictions,
)
from lcc.evaluate.shift import Seen, Shift, measure_shift, see_some
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.tracker import Tracker

logger = logging.getLogger(__name__)


def evaluate_outside(
    settings: Settings,
    store: Store,
    *,
    run_id: str,
    tracker: Tracker,
    scratch: Path,
) -> OutsideReport:
    """Judge the model of `evaluate.model_run` on the data set `evaluate.data`.

    The step `overlap` has made sure that it shows no tissue of the training catalogue,
    or found which images do; these are left out.

    Args:
        settings: Settings in force.
        store: The root.
        run_id: This run; predictions, metrics and report lie below it.
        tracker: Reports to the run.
        scratch: Local folder.

    Raises:
        DataError: Classes are none of the model's, or no image is left.
    """
    sets = _Sets.open(settings, store, run_id=run_id)
    tiles = sets.open_tiles(store, scratch)
    readings = count_reading(store, sets.outside, run_id)
    known = _read_known(settings, store, str(settings.evaluate.sealed_run))
    said = _predict(settings, store, sets, tiles[0], scratch, known)
    sealed = read_kept(store, str(settings.evaluate.sealed_run))
    report = _judge(
        settings,
        store,
        sets,
        tiles=tiles,
        kept=Kept(
            predictions=join_parts([sealed.predictions, said]),
            others=sealed.others,
            lineage=_lineage(settings, sets, readings),
        ),
        known=known,
    )
    _write(report, store, run_id=run_id, tracker=tracker)
    tags = {"lcc.catalogue": sets.outside.digest}
    tracker.set_tags(tags | {"lcc.model_run": settings.evaluate.model_run or ""})
    tracker.log_input(
        name=sets.outside.name,
        digest=sets.outside.digest,
        source=settings.data.source or "",
        context="outside",
    )
    return report


def remake_outside(
    settings: Settings, store: Store, *, run_id: str, scratch: Path
) -> OutsideReport:
    """Judge anew what an evaluation on another data set predicted; needs no model.

    Where tiles are gone the report says nothing of how the sets look.
    """
    kept = read_kept(store, run_id)
    sets = _Sets.open(settings, store, run_id=run_id)
    try:
        tiles = sets.open_tiles(store, scratch)
    except NotFoundError as err:
        logger.warning("event=tiles_gone reason=%s", err)
        tiles = None
    report = _judge(
        settings,
        store,
        sets,
        tiles=tiles,
        kept=kept,
        known=_read_known(settings, store, run_id),
    )
    for name, content in _files(report).items():
        store.write(layout.evaluation(run_id, name), content)
    return report


@dataclass(frozen=True, kw_only=True)
class _Sets:
    """Both data sets.

    Attributes:
        outside: The other one, its classes named as the model's.
        training: What the model was trained on.
        is_left_out: (n,) which images of the other show tissue of the training set.
        told: Their class → the model's.
        card: Facts of the model.
    """

    outside: Catalogue
    training: Catalogue
    is_left_out: np.ndarray[tuple[int], np.dtype[np.bool_]]
    told: Mapping[str, str]
    card: Mapping[str, Any]

    @classmethod
    def open(cls, settings: Settings, store: Store, *, run_id: str) -> "_Sets":
        theirs = open_outside(settings, store, run_id)
        told = told_classes(settings, store, theirs.class_names)
        return cls(
            outside=replace(theirs, table=with_our_labels(theirs.table, told)),
            training=open_training(settings, store),
            is_left_out=read_overlap(store, run_id).is_left_out(theirs),
            told=told,
            card=read_model_card(settings, store),
        )

    @property
    def rows(self) -> Ints:
        """Rows of the other set that are judged on."""
        rows = self.outside.rows()
        return rows[~self.is_left_out[rows]]

    def open_tiles(self, store: Store, scratch: Path) -> tuple[Tiles, Tiles]:
        """Return the tiles of the other set, and of the training set.

        Raises:
            NotFoundError: They are gone, or were packed in another size.
        """
        size_px = int(self.card["tile_size_px"])
        theirs, ours = (
            open_tiles(store, own, size_px=size_px, scratch=scratch)
            for own in (self.outside, self.training)
        )
        return theirs, ours


def _read_known(settings: Settings, store: Store, run_id: str) -> KnownTissue | None:
    """Return what novelty is measured from, none where an evaluation kept nothing."""
    key = layout.evaluation(run_id, NOVELTY)
    if not settings.evaluate.novelty or not store.exists(key):
        return None
    return read_known(store.read(key))


def _predict(
    settings: Settings,
    store: Store,
    sets: _Sets,
    tiles: Tiles,
    scratch: Path,
    known: KnownTissue | None,
) -> Predictions:
    """Return what the model says of the images that are left."""
    rows, names = sets.rows, tuple(sets.card["class_names"])
    said = Answers(np.zeros((0, len(names))))
    if len(rows):
        model_run = str(settings.evaluate.model_run)
        network = open_network(store, model_run, scratch, side_px=tiles.size_px)
        ask = ask_of(network, known)
        own = predict_rows((sets.outside, tiles), {Part.OUTSIDE: rows}, ask)
        said = own[Part.OUTSIDE]
    return predictions_of(
        sets.outside,
        rows,
        said.probabilities,
        part=Part.OUTSIDE,
        class_names=names,
        novelty=said.novelty,
    )


def _judge(
    settings: Settings,
    store: Store,
    sets: _Sets,
    *,
    tiles: tuple[Tiles, Tiles] | None,
    kept: Kept,
    known: KnownTissue | None,
) -> OutsideReport:
    evaluate, outside = settings.evaluate, sets.outside
    splits = read_json(store, layout.splits(outside.name, outside.digest))
    units = splits["rules"]["never_split"]
    seen = _look(settings, sets, tiles) if tiles and len(sets.rows) else []
    evidence = OutsideEvidence(
        settings=evaluate,
        predictions=kept.predictions,
        others=kept.others,
        units=[name for name in units if name in outside.axes],
        left_out=int(sets.is_left_out[outside.rows()].sum()),
        class_map=sets.told,
        shift=_shift(settings, seen),
        examples=[own.examples for own in seen],
        notes=splits["notes"],
        namesakes=find_namesakes(outside, sets.rows, sets.training),
        known=known,
        lineage=kept.lineage,
    )
    return judge_outside(evidence, title=f"{evaluate.model_run} on {outside.name}")


def _look(settings: Settings, sets: _Sets, tiles: tuple[Tiles, Tiles]) -> list[Seen]:
    """Return what is seen of the training images, and of the others."""
    theirs, ours = tiles
    seed, learned = settings.evaluate.seed, sets.training.rows(Split.TRAIN)
    return [
        see_some(sets.training, ours, learned, seed=seed),
        see_some(sets.outside, theirs, sets.rows, seed=seed),
    ]


def _shift(settings: Settings, seen: list[Seen]) -> Shift | None:
    return measure_shift(*seen, settings=settings.evaluate) if seen else None


def _lineage(settings: Settings, sets: _Sets, readings: int) -> dict[str, object]:
    evaluate = settings.evaluate
    return {
        "model run": evaluate.model_run,
        "model SHA-256": sets.card["sha256"],
        "sealed evaluation": evaluate.sealed_run,
        "data set": sets.outside.name,
        "source": settings.data.source or "",
        "catalogue": sets.outside.digest,
        "training catalogue": sets.training.digest,
        "code": f"lcc {lcc.__version__}",
        "evaluations on this data set": readings,
    }


def _files(report: OutsideReport) -> dict[str, bytes]:
    """Return all that an evaluation on another data set leaves, by name."""
    files = dict(write_predictions(report.predictions))
    document = without_nan(outside_document(report))
    files[TABLE] = write_table(report.predictions)
    files[OTHERS] = to_parquet(join_others(report.evidence.others))
    files[METRICS] = json.dumps(document, indent=1).encode()
    files["report.html"] = render_outside(report).encode()
    if report.evidence.known is not None:
        files[NOVELTY] = write_known(report.evidence.known)
    for name, content in report.plots.items():
        files[f"plots/{name.lower().replace(' ', '_')}.png"] = content
    return files


def _write(
    report: OutsideReport, store: Store, *, run_id: str, tracker: Tracker
) -> None:
    metrics = outside_metrics(report)
    tracker.log_metrics({name: v for name, v in metrics.items() if np.isfinite(v)})
    keep_files(_files(report), store, run_id=run_id, tracker=tracker)
