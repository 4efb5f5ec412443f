"""Reads what an evaluation on another data set is given: both catalogues, the model.

Knows where they lie; not what is made of them.
"""

import json
from collections.abc import Mapping
from typing import Any

from lcc.config.load import parse_settings
from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue, read_catalogue
from lcc.evaluate.class_map import map_classes
from lcc.storage import layout
from lcc.storage.pointers import read_catalogue_pointer
from lcc.storage.store import Store


def open_outside(settings: Settings, store: Store, run_id: str) -> Catalogue:
    """Return the other data set: what this run has prepared, or the one it names."""
    if store.exists(layout.catalogue_pointer(run_id)):
        name, digest = read_catalogue_pointer(store, run_id)
        return read_catalogue(store, name=name, digest=digest)
    data = settings.data
    return read_catalogue(store, name=data.name or "", digest=data.catalogue)


def open_training(settings: Settings, store: Store) -> Catalogue:
    """Return the catalogue that the model was trained on."""
    model_run = str(settings.evaluate.model_run)
    text = store.read(layout.run_settings(model_run)).decode()
    trained = parse_settings(text, source=model_run)
    card = read_model_card(settings, store)
    return read_catalogue(
        store, name=trained.data.name or "", digest=str(card["catalogue"])
    )


def read_model_card(settings: Settings, store: Store) -> Mapping[str, Any]:
    """Return the facts of the model that is judged."""
    key = layout.model_card(str(settings.evaluate.model_run))
    return dict(json.loads(store.read(key)))


def told_classes(
    settings: Settings, store: Store, theirs: tuple[str, ...]
) -> dict[str, str]:
    """Return the model's class of each class of the other data set.

    Raises:
        DataError: One has none; lists all faults.
    """
    ours = read_model_card(settings, store)["class_names"]
    return map_classes(theirs, ours, settings.evaluate.class_map)
