"""The full recipe, which also covers the test split; for the leak premium alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from lcc.config.load import changed_settings, parse_settings
from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue
from lcc.data.tiles import open_tiles
from lcc.errors import NotFoundError
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri
from lcc.train.backbone import build_frozen_backbone, is_frozen
from lcc.train.feature_store import (
    FeatureTable,
    development_rows,
    features_digest,
    read_features,
)
from lcc.train.features import compute_features
from lcc.train.input import ImageSource
from lcc.train.recipe import Recipe, start_tensorflow

MACHINE = {"device", "mixed_precision", "xla", "checkpoint_minutes"}


def with_recipe(settings: Settings, store: Store) -> Settings:
    """Return settings that train as the judged model was trained.

    Args:
        settings: Of this process, with `evaluate.model_run`; its devices stay.
        store: The root, where that run is.
    """
    key = layout.run_settings(str(settings.evaluate.model_run))
    trained = parse_settings(store.read(key).decode(), source=shown_uri(store.uri, key))
    changes = {
        "data.tile_size_px": trained.data.tile_size_px,
        "model": trained.model.model_dump(mode="json"),
        "train": trained.train.model_dump(mode="json", exclude=MACHINE),
        "search.views": trained.search.views,
    }
    return changed_settings(settings, changes)


def open_full_recipe(
    settings: Settings, store: Store, catalogue: Catalogue, *, scratch: Path
) -> Recipe:
    """Return a recipe whose source covers every kept row, the test split's too.

    Where the backbone is frozen, features that are stored are read, the others computed
    here and kept nowhere. It starts TensorFlow on the devices of the settings.
    """
    size_px = settings.data.tile_size_px
    tiles = open_tiles(store, catalogue, size_px=size_px, scratch=scratch)
    strategy = start_tensorflow(settings)
    recipe = Recipe(
        settings=settings,
        store=store,
        catalogue=catalogue,
        scratch=scratch,
        source=tiles,
        strategy=strategy,
    )
    if not is_frozen(settings):
        return recipe
    features = _features_of_all(recipe, tiles)
    return replace(recipe, source=features, rows=catalogue.rows())


def _features_of_all(recipe: Recipe, tiles: ImageSource) -> FeatureTable:
    """Return features of every kept row, in catalogue order."""
    settings, catalogue = recipe.settings, recipe.catalogue
    rows = catalogue.rows()
    stored = _stored_features(recipe)
    missing = rows if stored is None else catalogue.rows("test")
    computed = compute_features(
        build_frozen_backbone(settings, recipe.scratch),
        tiles,
        catalogue.records[missing],
        settings=settings,
        num_views=settings.search.views,
    )
    if stored is None:
        return FeatureTable(features=computed)
    features = np.empty((len(rows), *computed.shape[1:]), np.float32)
    features[np.searchsorted(rows, development_rows(catalogue))] = stored.features
    features[np.searchsorted(rows, missing)] = computed
    return FeatureTable(features=features)


def _stored_features(recipe: Recipe) -> FeatureTable | None:
    """Return the features of the development part, None unless every shard is there."""
    settings = recipe.settings
    try:
        return read_features(
            recipe.store,
            recipe.catalogue,
            features_digest(settings, recipe.scratch),
            num_shards=settings.data.num_shards,
        )
    except NotFoundError:
        return None
