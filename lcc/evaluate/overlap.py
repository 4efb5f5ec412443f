"""Make sure that another data set shows no tissue of the training catalogue.

Knows both catalogues and where the finding lies; how pictures are compared is
`lcc.families.across`.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue
from lcc.data.drawing import lay, lay_over, shrink, to_uri, transform_of
from lcc.data.parquet import from_parquet, to_parquet
from lcc.data.shards import open_hash_shards
from lcc.data.table import first_few
from lcc.data.tiles import read_tiles
from lcc.data.work import ProgressCounter, single_threaded
from lcc.errors import CheckFailed
from lcc.evaluate.bootstrap import Ints
from lcc.evaluate.outside_inputs import (
    open_outside,
    open_training,
    read_model_card,
    told_classes,
)
from lcc.evaluate.page import render_page
from lcc.families.across import LinkedSet, find_across
from lcc.families.edges import EdgeKind, kinds_of
from lcc.families.link_step import LinkShards
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri
from lcc.tracking.tracker import Tracker

TEMPLATE = "overlap.html.j2"
TABLE, LIST, PAGE = "overlap.parquet", "overlap.csv", "overlap.html"
PICTURE = "picture"  # the kind of a pair whose pixels are the same
PICTURE_PX = 200
MAX_CARDS = 100  # some 2 MB
FIGURES = ("angle", "scale", "mirrored", "inliers", "overlap", "correlation", "matrix")


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """What another data set has in common with the training catalogue.

    Attributes:
        table: One row for each pair of pictures: `outside` and `training` (paths),
            `kind`, `training_split`, and how one lies on the other.
    """

    table: pa.Table

    def best(self) -> list[dict[str, Any]]:
        """Return the row of each picture of the other set whose pixels agree best."""
        rows = sorted(
            self.table.to_pylist(),
            key=lambda row: (row["outside"], -row["correlation"]),
        )
        first: dict[str, dict[str, Any]] = {}
        for row in rows:
            first.setdefault(row["outside"], row)
        return list(first.values())

    def is_left_out(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        """Return (n,) which images of the other data set cannot be judged on.

        All of a group: what belongs together with a picture in common is no evidence
        either.
        """
        return np.isin(catalogue.groups, _groups(catalogue, self.table["outside"]))

    def is_certain(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        """Return (n,) which images both judges tie to the training catalogue."""
        sure = self.table.filter(pc.field("kind") != str(EdgeKind.QUESTION))
        return np.isin(catalogue.groups, _groups(catalogue, sure["outside"]))


def _groups(catalogue: Catalogue, paths: pa.ChunkedArray) -> Ints:
    is_tied = pc.is_in(catalogue.table["path"], value_set=paths.combine_chunks())
    return np.unique(catalogue.groups[is_tied.to_numpy(zero_copy_only=False)])


def find_overlap(
    settings: Settings,
    store: Store,
    *,
    run_id: str,
    tracker: Tracker,
    scratch: Path,
    progress: Callable[[int], ProgressCounter],
) -> Overlap:
    """Compare another data set with the training catalogue, and write the finding.

    Args:
        settings: Settings in force.
        store: The root.
        run_id: This run; list and page lie below it.
        tracker: Reports to the run.
        scratch: Local folder.
        progress: Starts a counter of so many units.

    Raises:
        CheckFailed: They share tissue, and `evaluate.overlap` is to refuse that.
        DataError: Classes of the other data set are none of the model's.
    """
    outside = open_outside(settings, store, run_id)
    training = open_training(settings, store)
    told_classes(settings, store, outside.class_names)
    size_px = int(read_model_card(settings, store)["tile_size_px"])
    with single_threaded():
        known, others = (
            _LinkedCatalogue.open(
                store, own, settings=settings, size_px=size_px, scratch=scratch
            )
            for own in (training, outside)
        )
        edges = find_across(
            known.pictures,
            others.pictures,
            settings=settings.data.families,
            progress=progress,
        )
    found = Overlap(
        table=_tabulate(edges, known, others, kinds_of(edges, settings.data.families))
    )
    _write(found, store, (training, outside), run_id=run_id, tracker=tracker)
    _judge(found, outside, settings, where=shown_uri(store.uri), run_id=run_id)
    return found


def read_overlap(store: Store, run_id: str) -> Overlap:
    """Return what `find_overlap` of a run has found."""
    return Overlap(table=from_parquet(store.read(layout.evaluation(run_id, TABLE))))


@dataclass(frozen=True, kw_only=True)
class _LinkedCatalogue:
    """A catalogue, and its distinct pictures with the row that stands for each."""

    catalogue: Catalogue
    pictures: LinkedSet
    rows: Ints

    @classmethod
    def open(
        cls,
        store: Store,
        catalogue: Catalogue,
        *,
        settings: Settings,
        size_px: int,
        scratch: Path,
    ) -> "_LinkedCatalogue":
        own = scratch / catalogue.digest[:12]  # features of both have like names
        own.mkdir()
        hashed = open_hash_shards(store, catalogue, size_px=size_px, scratch=own)
        linked = LinkShards(hashed=hashed, settings=settings.data.families)
        order = np.argsort(catalogue.records, kind="stable")
        place = np.searchsorted(catalogue.records[order], linked.records)
        rows = order[place]
        pictures = LinkedSet(
            linked=linked,
            family=catalogue.families[rows],
            group=catalogue.groups[rows],
            size_px=size_px,
        )
        return cls(catalogue=catalogue, pictures=pictures, rows=rows)


def _tabulate(
    edges: pa.Table,
    known: _LinkedCatalogue,
    others: _LinkedCatalogue,
    kinds: NDArray[np.str_],
) -> pa.Table:
    ours = known.catalogue.table.take(pa.array(known.rows[edges["a"].to_numpy()]))
    theirs = others.catalogue.table.take(pa.array(others.rows[edges["b"].to_numpy()]))
    is_same = pc.equal(ours["pixel_sha256"], theirs["pixel_sha256"])
    table = pa.table(
        {
            "outside": theirs["path"],
            "training": ours["path"],
            "kind": pc.if_else(is_same, PICTURE, pa.array(kinds, pa.string())),
            "training_split": ours["split"],
            **{name: edges[name] for name in FIGURES},
        }
    )
    rest = _same_pictures(known.catalogue, others.catalogue)
    return _with_blank(table, rest).sort_by(
        [("outside", "ascending"), ("correlation", "descending")]
    )


def _same_pictures(training: Catalogue, outside: Catalogue) -> list[tuple[str, str]]:
    """Return the paths of pictures with equal pixels, be they blank."""
    ours: dict[str, str] = {}
    for path, digest in zip(
        training.paths, training.table["pixel_sha256"].to_pylist(), strict=True
    ):
        ours.setdefault(digest, path)
    theirs = zip(outside.paths, outside.table["pixel_sha256"].to_pylist(), strict=True)
    return [
        (path, ours[own]) for path, own in theirs if own is not None and own in ours
    ]


def _with_blank(table: pa.Table, same: Sequence[tuple[str, str]]) -> pa.Table:
    """Return the table with the pairs of equal pixels that nothing else has told."""
    known = set(table["outside"].to_pylist())
    rows = [
        {
            "outside": theirs,
            "training": ours,
            "kind": PICTURE,
            "training_split": None,
            "angle": 0.0,
            "scale": 1.0,
            "mirrored": False,
            "inliers": 0,
            "overlap": 1.0,
            "correlation": 1.0,
            "matrix": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        }
        for theirs, ours in same
        if theirs not in known
    ]
    return pa.concat_tables([table, pa.Table.from_pylist(rows, schema=table.schema)])


def _write(
    found: Overlap,
    store: Store,
    sets: tuple[Catalogue, Catalogue],
    *,
    run_id: str,
    tracker: Tracker,
) -> None:
    text = io.BytesIO()
    pyarrow.csv.write_csv(found.table.drop_columns("matrix"), text)
    files = {
        LIST: text.getvalue(),
        PAGE: _draw(found, store, *sets).encode(),
        TABLE: to_parquet(found.table),
    }
    for name, content in files.items():
        key = layout.evaluation(run_id, name)
        store.write(key, content)
        if name != TABLE:
            tracker.log_artifact(name, key)
    left_out = int(found.is_left_out(sets[1])[sets[1].rows()].sum())
    tracker.log_metrics({"overlap/pairs": len(found.table)})
    tracker.log_metrics({"overlap/left_out": left_out})


def _draw(found: Overlap, store: Store, training: Catalogue, outside: Catalogue) -> str:
    """Return the page that shows pairs: each beside the other, and laid over it."""
    places = [
        (
            read_tiles(store, own),
            dict(zip(own.paths, own.records.tolist(), strict=True)),
        )
        for own in (training, outside)
    ]
    cards = []
    for row in found.best()[:MAX_CARDS]:
        first, second = (
            read(place[row[name]])
            for (read, place), name in zip(places, ("training", "outside"), strict=True)
        )
        forward = transform_of(row["matrix"], mirrored=row["mirrored"])
        back = np.asarray(np.linalg.inv(forward), np.float64)
        drawn = (
            shrink(first, longest_px=PICTURE_PX),
            lay(second, back, size_px=PICTURE_PX),
            lay_over(first, second, back, size_px=PICTURE_PX),
        )
        cards.append(row | {"pictures": [to_uri(picture) for picture in drawn]})
    is_left_out = found.is_left_out(outside)[outside.rows()]
    return render_page(
        TEMPLATE,
        plots={},
        cards=cards,
        num_pairs=len(found.table),
        num_pictures=len(found.best()),
        num_images=len(is_left_out),
        num_left_out=int(is_left_out.sum()),
        outside=outside.name,
        training=training.name,
    )


def _judge(
    found: Overlap, outside: Catalogue, settings: Settings, *, where: str, run_id: str
) -> None:
    rows = outside.rows()
    certain = found.is_certain(outside)[rows]
    if not certain.any() or settings.evaluate.overlap == "leave_out":
        return
    shown = first_few(
        [f"{row['outside']} beside {row['training']}" for row in found.best()]
    )
    message = (
        f"evaluate.data: must show no tissue of the training catalogue, got "
        f"{int(certain.sum())} of {len(rows)} images that do or belong to one that "
        f"does: {shown}. Pictures: {where}/{layout.evaluation(run_id, PAGE)}; list: "
        f"{where}/{layout.evaluation(run_id, LIST)}. To leave them out, counted: --set "
        "evaluate.overlap=leave_out"
    )
    raise CheckFailed(message)
