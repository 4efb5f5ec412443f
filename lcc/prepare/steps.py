"""The first three steps of `prepare`: list, hash, link.

Knows what a step reads and writes and when it may be skipped; not how anything is
computed. The fourth step is `lcc.prepare.assembly`.
"""

import logging
from collections.abc import Iterator
from functools import partial

from lcc.data.decode import Reason
from lcc.data.digest import decode_name
from lcc.data.features import extract_features
from lcc.data.hashing import Hash, HashedImage, PartWriter, hash_image, missing_image
from lcc.data.listing import Listing, list_source, write_listing
from lcc.data.parquet import from_parquet, to_parquet
from lcc.data.shards import HashParts
from lcc.data.task import Counter, Task, single_threaded, slice_rows
from lcc.errors import NotFoundError
from lcc.families.link_step import LinkParts
from lcc.storage.pointers import write_listing_pointer
from lcc.storage.store import Store

logger = logging.getLogger(__name__)
FLEETING = {Reason.VANISHED, Reason.CHANGED}  # true of a moment, not of the bytes
Row = dict[str, object]


def list_images(task: Task) -> Listing:
    """List the source; the run's pointer to the listing is written last, and once."""
    source, root = task.source, task.store.uri
    inside = root.startswith(f"{source.uri}/")
    skip = root.removeprefix(f"{source.uri}/") + "/" if inside else ""
    listing = list_source(source, task.settings.data, skip=skip)
    digest = write_listing(task.store, listing, name=task.name)
    write_listing_pointer(task.store, task.run_id, digest, num_images=len(listing))
    task.progress(len(listing)).advance(len(listing))
    return listing


def hash_slices(
    task: Task, *, index: int, num_indexes: int, hasher: Hash | None = None
) -> None:
    """Hash the slices of one process: `index`, `index + num_indexes` and so on.

    A part that exists is kept, unless it notes a file that had vanished or changed.

    Args:
        task: The step.
        index: Number of this process.
        num_indexes: Processes of the step.
        hasher: What is taken of each file; by default all that later steps need.
    """
    listing = task.listing()
    parts = task.hash_parts(listing)
    take = hasher or _default_hasher(task)
    rows = {
        number: slice_rows(number, num_slices=parts.num_slices, num_rows=len(listing))
        for number in range(index, parts.num_slices, num_indexes)
    }
    counter = task.progress(sum(map(len, rows.values())))
    missing = [number for number in rows if not _is_hashed(parts, number)]
    counter.advance(sum(len(rows[number]) for number in set(rows) - set(missing)))
    with single_threaded():
        for number in missing:
            mine = listing.table.slice(rows[number].start, len(rows[number]))
            images = _hashed(task.source, mine.to_pylist(), take)
            _write_part(parts, number, images, counter)


def _default_hasher(task: Task) -> Hash:
    data = task.settings.data
    return partial(
        hash_image,
        size_px=data.tile_size_px,
        max_megapixels=data.max_megapixels,
        extract=partial(extract_features, num_keypoints=data.families.num_keypoints),
    )


def _is_hashed(parts: HashParts, index: int) -> bool:
    key = parts.key(index, "parquet")
    if not parts.store.exists(key):
        return False
    reasons = from_parquet(parts.store.read(key))["reason"].to_pylist()
    return not FLEETING & set(reasons)


def _hashed(
    source: Store, rows: list[Row], take: Hash
) -> Iterator[tuple[str, HashedImage]]:
    for row in rows:
        path = str(row["path"])
        try:
            data, mark = source.read_marked(decode_name(path))
        except NotFoundError:
            yield path, missing_image(Reason.VANISHED)
            continue
        is_same = (len(data), mark) == (row["size_bytes"], row["change_mark"])
        yield path, take(data) if is_same else missing_image(Reason.CHANGED)


def _write_part(
    parts: HashParts,
    index: int,
    images: Iterator[tuple[str, HashedImage]],
    counter: Counter,
) -> None:
    with PartWriter(parts.scratch) as writer:
        for path, image in images:
            writer.add(path, image)
            counter.advance()
        table, files = writer.finish()
        for suffix, file in files.items():
            parts.store.absorb(parts.key(index, suffix), file)
    parts.store.write(parts.key(index, "parquet"), to_parquet(table))
    logger.info("event=hashed part=%d images=%d", index, table.num_rows)


def link_slices(task: Task, *, index: int, num_indexes: int) -> None:
    """Link the slices of one process: verify the candidate pairs that fall to them.

    Args:
        task: The step.
        index: Number of this process.
        num_indexes: Processes of the step.
    """
    links = LinkParts(
        hashed=task.hash_parts(task.listing()), settings=task.settings.data.families
    )
    numbers = range(index, links.hashed.num_slices, num_indexes)
    with single_threaded():
        missing = [number for number in numbers if not links.exists(number)]
        pairs = links.pairs(missing) if missing else {}
        counter = task.progress(sum(map(len, pairs.values())))
        for number in missing:
            links.link(number, pairs[number], counter)
