"""A few tiles of a data set to try a network on: packed ones, or drawn where gone.

Knows where tiles of a train run lie; not what a network says of them.
"""

from typing import NamedTuple

import numpy as np

from lcc.config.load import parse_settings
from lcc.data.catalogue import Catalogue, Split, read_catalogue
from lcc.data.sample import CLASSES, draw_source
from lcc.data.tiles import read_tile_index, tile_reader
from lcc.errors import NotFoundError
from lcc.evaluate.subset import spread_over_groups
from lcc.images.decode import Image8
from lcc.predict.rules import AnswerRules
from lcc.storage import layout
from lcc.storage.store import Store


class Tried(NamedTuple):
    """Images to try a network on.

    Attributes:
        images: (n, side, side, 3) uint8 RGB.
        are_drawn: Whether they were drawn, not tiles of the data set.
    """

    images: Image8
    are_drawn: bool


def tiles_to_try(
    store: Store, model_run: str, rules: AnswerRules, *, split: Split, count: int
) -> Tried:
    """Return at most `count` tiles of a split, from all groups alike.

    Args:
        store: The root.
        model_run: The train run.
        rules: Of its model.
        split: Of its catalogue; the training split where this one is empty.
        count: At most so many.

    Raises:
        NotFoundError: The packed tiles, or their catalogue, are gone.
    """
    catalogue = _catalogue_of(store, model_run, rules)
    rows = catalogue.rows(split)
    rows = rows if len(rows) else catalogue.rows(Split.TRAIN)
    groups, labels = catalogue.groups[rows], catalogue.labels[rows]
    chosen = rows[spread_over_groups(groups, labels, count=count, seed=0)]
    shards = read_tile_index(store, catalogue, size_px=rules.side_px)
    read = tile_reader(store, shards, size_px=rules.side_px)
    tiles = [read(record) for record in catalogue.records[chosen].tolist()]
    if not tiles:
        message = f"{model_run}: must have learned from tiles, got none of them."
        raise NotFoundError(message)
    return Tried(np.stack(tiles), are_drawn=False)


def drawn_tiles(*, side_px: int, count: int) -> Tried:
    """Return tiles drawn as `lcc-launch sample` draws them, always the same."""
    draw = np.random.default_rng(0)
    labels = [tuple(CLASSES)[number % len(CLASSES)] for number in range(count)]
    tiles = [draw_source(label, size_px=side_px, seed=draw) for label in labels]
    return Tried(np.stack(tiles), are_drawn=True)


def _catalogue_of(store: Store, model_run: str, rules: AnswerRules) -> Catalogue:
    text = store.read(layout.run_settings(model_run)).decode()
    settings = parse_settings(text, source=model_run)
    return read_catalogue(store, name=settings.data.name or "", digest=rules.catalogue)
