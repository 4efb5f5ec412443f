"""The features step: shards of the development part's features, each computed once."""

from pathlib import Path

from lcc.config.settings import Settings
from lcc.data.catalogue import read_catalogue
from lcc.data.tiles import open_tiles
from lcc.data.work import shard_rows
from lcc.storage.store import Store
from lcc.tracking.progress import start_progress
from lcc.train.feature_store import (
    Ints,
    development_rows,
    features_digest,
    features_key,
    write_features,
)


def run_features(
    settings: Settings,
    store: Store,
    *,
    scratch: Path,
    process_index: int,
    num_processes: int,
) -> None:
    """Compute those shards of one process that are not there yet.

    A process does every `num_processes`-th shard.

    Args:
        settings: Settings in force.
        store: The root.
        scratch: Local folder.
        process_index: Which process this is, from 0.
        num_processes: How many share the work.
    """
    name = settings.data.name or ""
    catalogue = read_catalogue(store, name=name, digest=settings.data.catalogue)
    rows = development_rows(catalogue)
    digest = features_digest(settings, scratch)
    num_shards = settings.data.num_shards
    shards = {  # key → rows
        features_key(catalogue, digest, index, num_shards): _shard_of(
            rows, index, num_shards
        )
        for index in range(process_index, num_shards, num_processes)
    }
    missing = {key: own for key, own in shards.items() if not store.exists(key)}
    num_rows = sum(map(len, missing.values()))
    progress = start_progress(num_rows * settings.search.views)
    if not missing:
        return
    # TensorFlow takes seconds to import: only where there is work for it.
    from lcc.train.backbone import build_frozen_backbone
    from lcc.train.features import compute_features

    size_px = settings.data.tile_size_px
    tiles = open_tiles(store, catalogue, size_px=size_px, scratch=scratch)
    backbone = build_frozen_backbone(settings, scratch)
    for key, own in missing.items():
        features = compute_features(
            backbone,
            tiles,
            catalogue.records[own],
            settings=settings,
            num_views=settings.search.views,
            progress=progress.advance,
        )
        write_features(store, key, features)


def _shard_of(rows: Ints, shard_index: int, num_shards: int) -> Ints:
    own = shard_rows(shard_index, num_shards=num_shards, num_rows=len(rows))
    return rows[own.start : own.stop]
