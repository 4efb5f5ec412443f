"""Summarise a catalogue: the counts and findings of `audit.json`.

Knows the finished table only.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from lcc.data.catalogue import Catalogue, ImageStatus, Split
from lcc.errors import RunFailed
from lcc.images.depth import DEPTHS
from lcc.storage import layout
from lcc.storage.store import Store

CatalogueRow = dict[str, Any]
Summary = dict[str, Any]  # the content of `audit.json`
FAMILIES = pa.schema(
    {
        "family": pa.int64(),
        "group": pa.int64(),
        "label": pa.string(),
        "num_images": pa.int64(),
        "num_kept": pa.int64(),
        "split": pa.string(),
        "leader": pa.string(),
    }
)


def summarise(catalogue: Catalogue, *, conversions: Sequence[str | None]) -> Summary:
    """Return counts by status, reason, conversion and class, and what to look at.

    Args:
        catalogue: The finished table.
        conversions: What was converted of each file, joined by `+`.

    Raises:
        RunFailed: The counts do not add up to the listing.
    """
    rows: list[CatalogueRow] = catalogue.table.to_pylist()
    statuses = Counter(str(row["status"]) for row in rows)
    if statuses.total() != len(conversions):
        message = (
            f"catalogue: statuses must add up to the {len(conversions)} files listed, "
            f"got {statuses.total()}. This is a fault of lcc: report it."
        )
        raise RunFailed(message)
    done = Counter(c for text in conversions if text for c in text.split("+"))
    return {
        "listed": len(rows),
        "status": {str(status): statuses[status] for status in ImageStatus},
        "families": _distinct(rows, "family"),
        "groups": _distinct(rows, "group"),
        "reasons": _reasons(rows),
        "conversions": dict(sorted(done.items())),
        "notes": list(_notes_on_depth(done)),
        "classes": {
            name: _class_counts([row for row in rows if row["label"] == name])
            for name in catalogue.class_names
        },
        "unreadable": _listed(rows, ImageStatus.UNREADABLE),
        "conflicts": _listed(rows, ImageStatus.CONFLICT),
        "families_of_several_classes": _mixed_families(rows),
    }


def _notes_on_depth(done: Counter[str]) -> Iterator[str]:
    """Yield a note where files of one set were scaled by different depths."""
    found = [f"{done[name]} {name}" for name in DEPTHS.values() if done[name]]
    if len(found) > 1:
        yield (
            f"samples of more than 8 bits were scaled by the depth of each file "
            f"({', '.join(found)}): if one camera made them, save them as 8 bits alike"
        )


def tabulate_families(catalogue: Catalogue) -> pa.Table:
    """Return one row per family: group, classes, sizes, split, leader.

    The leader is the family's first file.
    """
    members: dict[int, list[CatalogueRow]] = defaultdict(list)
    for row in catalogue.table.to_pylist():
        if row["family"] is not None:
            members[row["family"]].append(row)
    rows = [
        {
            "family": family,
            "group": found[0]["group"],
            "label": _words(row["label"] for row in found),
            "num_images": len(found),
            "num_kept": sum(row["status"] == ImageStatus.KEPT for row in found),
            "split": _words(row["split"] for row in found) or None,
            "leader": found[0]["path"],
        }
        for family, found in sorted(members.items())
    ]
    return pa.Table.from_pylist(rows, schema=FAMILIES)


def read_summary(store: Store, catalogue: Catalogue) -> Summary:
    """Read the counts and findings that were written with a catalogue."""
    key = layout.audit(catalogue.name, catalogue.digest)
    summary: Summary = json.loads(store.read(key))
    return summary


def count_metrics(summary: Summary) -> dict[str, float]:
    """Return the counts as metrics named `prepare/<count>`."""
    totals = {name: summary[name] for name in ("listed", "families", "groups")}
    counts = totals | summary["status"]
    return {f"prepare/{name}": float(count) for name, count in counts.items()}


def _distinct(rows: Iterable[CatalogueRow], column: str) -> int:
    """Return how many families or groups kept images have, whatever their classes."""
    return len({row[column] for row in rows if row["status"] == ImageStatus.KEPT})


def _class_counts(rows: Sequence[CatalogueRow]) -> dict[str, object]:
    kept = [row for row in rows if row["status"] == ImageStatus.KEPT]
    splits = Counter(str(row["split"]) for row in kept)
    return {
        "listed": len(rows),
        "kept": len(kept),
        "families": _distinct(kept, "family"),
        "groups": _distinct(kept, "group"),
        "splits": {str(split): splits[split] for split in Split},
    }


def _reasons(rows: Iterable[CatalogueRow]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row["reason"] is not None:
            found[str(row["status"])][str(row["reason"])] += 1
    return {status: dict(sorted(c.items())) for status, c in sorted(found.items())}


def _listed(
    rows: Iterable[CatalogueRow], status: ImageStatus
) -> list[dict[str, object]]:
    columns = ("path", "label", "reason", "pixel_sha256")
    return [
        {name: row[name] for name in columns} for row in rows if row["status"] == status
    ]


def _mixed_families(rows: Iterable[CatalogueRow]) -> list[dict[str, object]]:
    labels: dict[object, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row["family"] is not None:
            labels[row["family"]][str(row["label"])] += 1
    return [
        {"family": family, "labels": dict(sorted(found.items()))}
        for family, found in sorted(labels.items(), key=lambda item: str(item[0]))
        if len(found) > 1
    ]


def _words(values: Iterable[object]) -> str:
    return ",".join(sorted({str(value) for value in values if value is not None}))
