"""The features step: slices of the development part, each computed once."""

from pathlib import Path

from lcc.config.settings import Settings
from lcc.data.catalogue import read_catalogue
from lcc.data.task import shard_rows
from lcc.data.tiles import open_tiles
from lcc.storage.store import Store
from lcc.tracking.progress import Progress
from lcc.train.feature_store import (
    development_rows,
    features_digest,
    features_key,
    write_features,
)


def run_features(
    settings: Settings, store: Store, *, scratch: Path, part: tuple[int, int]
) -> None:
    """Compute those slices of one process that are not there yet.

    Args:
        settings: Settings in force.
        store: The root.
        scratch: Local folder.
        part: Index of this process, and how many there are.
    """
    name = settings.data.name or ""
    catalogue = read_catalogue(store, name=name, digest=settings.data.catalogue)
    rows = development_rows(catalogue)
    digest = features_digest(settings, scratch)
    num_shards = settings.data.num_shards
    mine = shard_rows(part[0], num_shards=part[1], num_rows=num_shards)
    missing = [
        (index, key)
        for index in mine
        if not store.exists(key := features_key(catalogue, digest, index, num_shards))
    ]
    slices = [
        shard_rows(index, num_shards=num_shards, num_rows=len(rows))
        for index, _ in missing
    ]
    progress = Progress(sum(map(len, slices)) * settings.search.views)
    if not missing:
        return
    # TensorFlow takes seconds to import: only where there is work for it.
    from lcc.train.backbone import build_frozen_backbone
    from lcc.train.features import compute_features

    size_px = settings.data.tile_size_px
    tiles = open_tiles(store, catalogue, size_px=size_px, scratch=scratch)
    backbone = build_frozen_backbone(settings, scratch)
    for (_, key), chosen in zip(missing, slices, strict=True):
        features = compute_features(
            backbone,
            tiles,
            catalogue.records[rows[chosen.start : chosen.stop]],
            settings=settings,
            num_views=settings.search.views,
            progress=progress.advance,
        )
        write_features(store, key, features)
