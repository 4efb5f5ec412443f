"""Write down every file of the source that is no training material, and why.

Knows what the listing left out and what the catalogue does not keep; not how either was
judged.
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa

from lcc.data.catalogue import Catalogue, ImageStatus
from lcc.data.parquet import from_parquet, to_parquet
from lcc.images.reasons import advice_on
from lcc.listing.listing import Listing
from lcc.storage import layout
from lcc.storage.store import Store

MAX_NAMES = 10  # of each reason, in the summary; the table has them all
COLUMNS = ("path", "reason", "what_to_do")
NOT_LISTED = pa.schema({"path": pa.string(), "reason": pa.string()})
# The last words name first what somebody may have to mend.
HARMLESS = ("array_file", "hidden", "litter", "side_file")
LeftOut = Sequence[tuple[str, str]]  # path and reason


def write_not_listed(store: Store, listing: Listing, *, run_id: str) -> None:
    """Write what a listing left out, and how classes were told."""
    rows = [{"path": path, "reason": reason} for path, reason in listing.left_out]
    notes = {"notes": json.dumps(listing.notes)}
    table = pa.Table.from_pylist(rows, schema=NOT_LISTED).replace_schema_metadata(notes)
    store.write(layout.not_listed(run_id), to_parquet(table))


def write_left_out(store: Store, catalogue: Catalogue, *, run_id: str) -> None:
    """Write the table of all files that were left out (CSV), and its counts (JSON)."""
    table = from_parquet(store.read(layout.not_listed(run_id)))
    earlier = [(row["path"], row["reason"]) for row in table.to_pylist()]
    found = sorted([*earlier, *_not_kept(catalogue)])
    store.write(layout.left_out(run_id), _to_csv(found))
    summary = {
        "files": len(earlier) + catalogue.table.num_rows,
        "left_out": summarise_reasons(found),
        "notes": json.loads((table.schema.metadata or {})[b"notes"]),
    }
    content = json.dumps(summary, indent=1, sort_keys=True)
    store.write(layout.left_out_summary(run_id), content.encode())


def _not_kept(catalogue: Catalogue) -> LeftOut:
    columns = catalogue.table.select(["path", "reason", "status"]).to_pylist()
    return [
        (row["path"], str(row["reason"]))
        for row in columns
        if row["status"] != ImageStatus.KEPT
    ]


def summarise_reasons(found: LeftOut) -> list[dict[str, object]]:
    """Return for each reason its count, the first files and what to do.

    Args:
        found: Path and reason of each file, in path order.
    """
    paths: dict[str, list[str]] = defaultdict(list)
    for path, reason in found:
        paths[reason].append(path)
    return [
        {
            "reason": reason,
            "count": len(paths[reason]),
            "first": paths[reason][:MAX_NAMES],
            "advice": advice_on(reason),
        }
        for reason in sorted(paths, key=lambda reason: (reason in HARMLESS, reason))
    ]


def _to_csv(found: LeftOut) -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((path, reason, advice_on(reason)) for path, reason in found)
    return sink.getvalue().encode("utf-8", "surrogateescape")
