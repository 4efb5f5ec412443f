"""The first three steps of `prepare`: list, hash, link.

Knows what a step reads and writes and when it may be skipped; not how anything is
computed. The fourth step is `lcc.prepare.assembly`.
"""

import logging
from collections.abc import Iterator
from functools import partial

from lcc.data.features import extract_features
from lcc.data.hashing import Hash, HashedImage, ShardWriter, hash_image, missing_image
from lcc.data.parquet import from_parquet, to_parquet
from lcc.data.shards import HashShards
from lcc.data.work import ProgressCounter, shard_rows, single_threaded
from lcc.families.link_step import LinkShards
from lcc.images.reasons import TRANSIENT, Reason
from lcc.listing.listing import Listing, list_as_set, write_listing
from lcc.listing.sources import read_listed
from lcc.prepare.axes import check_axes
from lcc.prepare.left_out import write_not_listed
from lcc.prepare.task import Task
from lcc.storage.pointers import write_listing_pointer
from lcc.storage.store import Store

logger = logging.getLogger(__name__)
ListedFile = dict[str, object]  # a row of a listing


def list_images(task: Task) -> Listing:
    """List the source; the run's pointer to the listing is written last, and once.

    What a user knows of the images is looked at here, before they are read for hours.
    """
    listing = list_as_set(task.source, task.settings, task.scratch)
    check_axes(task, listing.table["path"].to_pylist())
    digest = write_listing(task.store, listing, name=task.name)
    write_not_listed(task.store, listing, run_id=task.run_id)
    write_listing_pointer(task.store, task.run_id, digest, num_images=len(listing))
    task.progress(len(listing)).advance(len(listing))
    return listing


def hash_shards(
    task: Task, *, process_index: int, num_processes: int, hasher: Hash | None = None
) -> None:
    """Hash the shards of one process: every `num_processes`-th, from its own index.

    A shard that exists is kept, unless it notes a file that had vanished or changed.

    Args:
        task: The step.
        process_index: Number of this process, from 0.
        num_processes: Processes of the step.
        hasher: What is taken of each file; by default all that later steps need.
    """
    listing = task.listing()
    shards = task.hash_shards(listing)
    take = hasher or _default_hasher(task)
    rows = {
        number: shard_rows(number, num_shards=shards.num_shards, num_rows=len(listing))
        for number in range(process_index, shards.num_shards, num_processes)
    }
    missing = [number for number in rows if not _is_hashed(shards, number)]
    counter = task.progress(sum(len(rows[number]) for number in missing))
    with single_threaded():
        for number in missing:
            mine = listing.table.slice(rows[number].start, len(rows[number]))
            images = _hashed(task.source, mine.to_pylist(), take)
            _write_shard(shards, number, images, counter)


def _default_hasher(task: Task) -> Hash:
    data = task.settings.data
    return partial(
        hash_image,
        size_px=data.tile_size_px,
        max_megapixels=data.max_megapixels,
        extract=partial(extract_features, num_keypoints=data.families.num_keypoints),
    )


def _is_hashed(shards: HashShards, shard_index: int) -> bool:
    key = shards.key(shard_index, "parquet")
    if not shards.store.exists(key):
        return False
    reasons = from_parquet(shards.store.read(key))["reason"].to_pylist()
    return not TRANSIENT & set(reasons)


def _hashed(
    source: Store, rows: list[ListedFile], take: Hash
) -> Iterator[tuple[str, HashedImage]]:
    for row in rows:
        found = read_listed(source, row)
        image = missing_image(found) if isinstance(found, Reason) else take(found)
        yield str(row["path"]), image


def _write_shard(
    shards: HashShards,
    shard_index: int,
    images: Iterator[tuple[str, HashedImage]],
    counter: ProgressCounter,
) -> None:
    with ShardWriter(shards.scratch) as writer:
        for path, image in images:
            writer.add(path, image)
            counter.advance()
        table, files = writer.finish()
        for suffix, file in files.items():
            shards.store.absorb(shards.key(shard_index, suffix), file)
    shards.store.write(shards.key(shard_index, "parquet"), to_parquet(table))
    logger.info("event=hashed shard=%d images=%d", shard_index, table.num_rows)


def link_shards(task: Task, *, process_index: int, num_processes: int) -> None:
    """Link the shards of one process: verify the candidate pairs that fall to them.

    Args:
        task: The step.
        process_index: Number of this process, from 0.
        num_processes: Processes of the step.
    """
    shards = LinkShards(
        hashed=task.hash_shards(task.listing()), settings=task.settings.data.families
    )
    numbers = range(process_index, shards.hashed.num_shards, num_processes)
    with single_threaded():
        missing = [number for number in numbers if not shards.exists(number)]
        pairs = shards.pairs(missing) if missing else {}
        counter = task.progress(sum(map(len, pairs.values())))
        for number in missing:
            shards.link(number, pairs[number], counter)
