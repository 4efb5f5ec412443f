"""The last step of `prepare`: statuses, families and checked splits, as a catalogue.

Knows the order of these acts and what must hold between them; each act is elsewhere.
"""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from lcc.data.catalogue import (
    SCHEMA,
    Catalogue,
    ImageStatus,
    add_axes,
    write_catalogue,
)
from lcc.data.parquet import to_parquet
from lcc.data.shards import HashShards
from lcc.data.tiles import write_tile_index
from lcc.errors import DataError
from lcc.families.edges import write_edges
from lcc.images.reasons import advice_on
from lcc.listing.listing import Listing
from lcc.prepare.assignment import SplitAssignment, split_images
from lcc.prepare.axes import Axes, read_axes
from lcc.prepare.grouping import GroupedFiles, group_files
from lcc.prepare.left_out import write_left_out
from lcc.prepare.statuses import FileVerdict, judge_files
from lcc.prepare.summary import Summary, summarise, tabulate_families
from lcc.prepare.task import Task
from lcc.storage import layout
from lcc.storage.pointers import write_latest

MAX_SHOWN = 5  # paths in a message: enough to see the pattern
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltCatalogue:
    """What the last step made.

    Attributes:
        catalogue: Written, and pointed at as the latest.
        source: URI of the images.
        summary: Counts and findings, the content of `audit.json`.
        validation: The checks that the splits passed, the content of `splits.json`.
    """

    catalogue: Catalogue
    source: str
    summary: Summary
    validation: dict[str, object]


def build_catalogue(task: Task) -> BuiltCatalogue:
    """Make the catalogue of a listing whose shards are all there.

    Every file that its table refers to is written before the pointer to it; the same
    shards give the same bytes.

    Raises:
        DataError: A shard is missing, too much is unreadable, nothing of a class is
            kept, groups do not fill the splits and folds, or the splits fail a check.
    """
    listing = task.listing()
    shards = task.hash_shards(listing)
    labels = listing.table["label"].to_pylist()
    verdicts = _judge(listing, shards, labels)
    paths = listing.table["path"].to_pylist()
    _check(task, verdicts, paths, labels)
    counter = task.progress(4)
    axes = _axes_of(task, verdicts, paths)
    grouped = group_files(task, shards, verdicts, paths=paths, axes=axes)
    counter.advance()
    kept = [row for row, v in enumerate(verdicts) if v.status is ImageStatus.KEPT]
    assignment = split_images(
        task,
        labels=[labels[row] for row in kept],
        paths=[paths[row] for row in kept],
        groups=grouped.groups[kept],
        axes=axes.of(kept),
    )
    counter.advance()
    validation = _with_findings(assignment.validation, grouped)
    table = _assemble(
        listing, shards.facts, verdicts, grouped=grouped, assignment=assignment
    )
    catalogue = write_catalogue(
        task.store, add_axes(table, axes.values), name=task.name
    )
    counter.advance()
    summary = _summary(catalogue, shards, grouped)
    settings = task.settings.data.families
    write_edges(task.store, catalogue, grouped.edges, settings=settings)
    _write_files(task, catalogue, shards, summary=summary, validation=validation)
    write_latest(
        task.store,
        catalogue.name,
        catalogue.digest,
        is_undivided=task.settings.data.undivided,
    )
    counter.advance()
    return BuiltCatalogue(
        catalogue=catalogue,
        source=listing.source,
        summary=summary,
        validation=validation,
    )


def _summary(
    catalogue: Catalogue, shards: HashShards, grouped: GroupedFiles
) -> Summary:
    conversions = shards.facts["conversions"].to_pylist()
    alarms = [asdict(alarm) | {"text": str(alarm)} for alarm in grouped.alarms]
    return summarise(catalogue, conversions=conversions) | {"alarms": alarms}


def _with_findings(
    validation: dict[str, Any], grouped: GroupedFiles
) -> dict[str, object]:
    """Return the checks, and how sure it is that no sibling went unseen."""
    notes = [*validation["notes"], *grouped.notes]
    unseen = grouped.planted.document()
    return validation | {"notes": notes, "unseen_siblings": unseen}


def _judge(
    listing: Listing, shards: HashShards, labels: Sequence[str]
) -> list[FileVerdict]:
    if not shards.facts["path"].equals(listing.table["path"]):
        message = (
            f"{shards.key(0, 'parquet')}: shards must hold the {len(listing)} files of "
            f"the listing, got {shards.facts.num_rows}. Delete them and run prepare "
            "again."
        )
        raise DataError(message)
    return judge_files(shards.facts.to_pydict(), labels)


def _axes_of(task: Task, verdicts: Sequence[FileVerdict], paths: Sequence[str]) -> Axes:
    readable = [row for row, verdict in enumerate(verdicts) if verdict.first >= 0]
    return read_axes(task, paths, readable=readable)


def _check(
    task: Task,
    verdicts: Sequence[FileVerdict],
    paths: Sequence[str],
    labels: Sequence[str],
) -> None:
    limit = task.settings.data.max_unreadable_fraction
    _check_unreadable(verdicts, paths, limit=limit)
    _check_kept(verdicts, paths, labels)


def _check_unreadable(
    verdicts: Sequence[FileVerdict], paths: Sequence[str], *, limit: float
) -> None:
    bad = [n for n, v in enumerate(verdicts) if v.status is ImageStatus.UNREADABLE]
    if len(bad) > limit * len(verdicts):
        reasons = Counter(str(verdicts[row].reason) for row in bad)
        found = ", ".join(
            f"{count} {reason}" for reason, count in sorted(reasons.items())
        )
        shown = ", ".join(paths[row] for row in bad[:MAX_SHOWN])
        advice = "".join(
            f"\n  {reason}: {advice_on(reason)}" for reason in sorted(reasons)
        )
        message = (
            f"data.max_unreadable_fraction: at most {limit:g} of {len(verdicts)} files "
            f"may be unreadable, got {len(bad)} ({found}): {shown} … Repair or remove "
            f"them, or raise the limit.{advice}"
        )
        raise DataError(message)


def _check_kept(
    verdicts: Sequence[FileVerdict], paths: Sequence[str], labels: Sequence[str]
) -> None:
    """Refuse a class that would silently be none."""
    kept = {
        label
        for verdict, label in zip(verdicts, labels, strict=True)
        if verdict.status is ImageStatus.KEPT
    }
    faults = []
    for label in sorted(set(labels) - kept):
        rows = [row for row, own in enumerate(labels) if own == label]
        counts = Counter(str(verdicts[row].status) for row in rows)
        found = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        shown = ", ".join(paths[row] for row in rows[:MAX_SHOWN])
        faults.append(
            f"class {label}: must keep an image, got none of {len(rows)} ({found}): "
            f"{shown} … Give each picture one label, or leave the class out with "
            "data.classes."
        )
    if faults:
        raise DataError("\n".join(faults))


def _assemble(
    listing: Listing,
    facts: pa.Table,
    verdicts: Sequence[FileVerdict],
    *,
    grouped: GroupedFiles,
    assignment: SplitAssignment,
) -> pa.Table:
    paths = listing.table["path"].to_pylist()
    assigned = zip(assignment.split.tolist(), assignment.fold.tolist(), strict=True)
    num_records = 0
    rows = []
    for row, (verdict, fact) in enumerate(
        zip(verdicts, facts.to_pylist(), strict=True)
    ):
        is_readable = verdict.status is not ImageStatus.UNREADABLE
        is_copy = verdict.status is ImageStatus.DUPLICATE
        split, fold = (
            next(assigned) if verdict.status is ImageStatus.KEPT else (None, -1)
        )
        rows.append(
            fact
            | {
                "size_bytes": listing.table["size_bytes"][row].as_py(),
                "label": listing.table["label"][row].as_py(),
                "status": str(verdict.status),
                "reason": verdict.reason,
                "duplicate_of": paths[verdict.first] if is_copy else None,
                "family": int(grouped.families[row]) if is_readable else None,
                "group": int(grouped.groups[row]) if is_readable else None,
                "split": split,
                "fold": fold if fold >= 0 else None,
                "record": num_records if is_readable else None,
            }
        )
        num_records += is_readable
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _write_files(
    task: Task,
    catalogue: Catalogue,
    shards: HashShards,
    *,
    summary: Summary,
    validation: dict[str, object],
) -> None:
    size_px = task.settings.data.tile_size_px
    write_tile_index(task.store, catalogue, shards.tile_shards, size_px=size_px)
    name, digest = catalogue.name, catalogue.digest
    families = to_parquet(tabulate_families(catalogue))
    task.store.write(layout.families(name, digest), families)
    task.store.write(layout.splits(name, digest), _to_json(validation))
    task.store.write(layout.audit(name, digest), _to_json(summary))
    write_left_out(task.store, catalogue, run_id=task.run_id)


def _to_json(document: object) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode()
