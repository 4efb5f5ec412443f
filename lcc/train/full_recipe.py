"""The recipe that also covers the sealed test split: for the leak premium alone."""

from pathlib import Path

import numpy as np

from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue
from lcc.data.tiles import open_tiles
from lcc.errors import NotFoundError
from lcc.storage.store import Store
from lcc.train.backbone import build_frozen_backbone, is_frozen
from lcc.train.feature_store import (
    FeatureTable,
    development_rows,
    features_digest,
    read_features,
)
from lcc.train.features import compute_features
from lcc.train.input import ImageSource
from lcc.train.recipe import Recipe


def open_whole_recipe(
    settings: Settings, store: Store, catalogue: Catalogue, *, scratch: Path
) -> Recipe:
    """Return a recipe whose source covers every kept row.

    Where the backbone is frozen, features that the study has are read, the others
    computed here and kept nowhere.
    """
    size_px = settings.data.tile_size_px
    tiles = open_tiles(store, catalogue, size_px=size_px, scratch=scratch)
    recipe = Recipe(
        settings=settings,
        store=store,
        catalogue=catalogue,
        scratch=scratch,
        source=tiles,
    )
    if is_frozen(settings):
        recipe.rows = catalogue.rows()
        recipe.source = _cover(recipe, tiles)
    return recipe


def _cover(recipe: Recipe, tiles: ImageSource) -> FeatureTable:
    """Return features of every kept row, in catalogue order."""
    settings, catalogue, rows = (
        recipe.settings,
        recipe.catalogue,
        recipe.catalogue.rows(),
    )
    known = _stored(recipe)
    missing = rows if known is None else catalogue.rows("test")
    computed = compute_features(
        build_frozen_backbone(settings, recipe.scratch),
        tiles,
        catalogue.records[missing],
        settings=settings,
        num_views=settings.search.views,
    )
    if known is None:
        return FeatureTable(features=computed)
    features = np.empty((len(rows), *computed.shape[1:]), np.float32)
    features[np.searchsorted(rows, development_rows(catalogue))] = known.features
    features[np.searchsorted(rows, missing)] = computed
    return FeatureTable(features=features)


def _stored(recipe: Recipe) -> FeatureTable | None:
    """Return the features of the development part, if each slice is there."""
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
