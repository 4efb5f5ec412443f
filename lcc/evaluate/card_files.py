"""Where the facts and answers of cards lie under a root."""

import json
from collections.abc import Mapping
from typing import Any

from lcc.config.card import CardAnswers, parse_card
from lcc.config.load import parse_settings
from lcc.config.settings import Settings
from lcc.evaluate.cards import CardSources
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import read_file, shown_uri


def keep_answers(settings: Settings, store: Store, run_id: str) -> None:
    """Keep with an evaluation what a person says in the file that the settings name.

    Does nothing where they name none: what was kept before stays.

    Raises:
        ConfigError: Lists every fault of the file.
        NotFoundError: There is no such file.
    """
    uri = settings.evaluate.card
    if uri is not None:
        content = read_file(uri, settings.storage)
        parse_card(content, source=uri.rpartition("/")[2])
        store.write(layout.card_answers(run_id), content)


def read_card_sources(
    store: Store, lineage: Mapping[str, object], *, run_id: str
) -> CardSources:
    """Return the documents that the cards of an evaluation are made of.

    Args:
        store: The root.
        lineage: Of the evaluation: which model, data set and catalogue.
        run_id: The evaluation.
    """
    name, digest = str(lineage["data set"]), str(lineage["catalogue"])
    model_run = str(lineage["model run"])
    source = _read_json(store, layout.dataset_source(name)).get("source", "")
    return CardSources(
        model=_read_json(store, layout.model_card(model_run)),
        training=_read_settings(store, model_run),
        splits=_read_json(store, layout.splits(name, digest)),
        audit=_read_json(store, layout.audit(name, digest)),
        source=shown_uri(source) if source else "",
        answers=_read_answers(store, run_id),
    )


def _read_answers(store: Store, run_id: str) -> CardAnswers:
    key = layout.card_answers(run_id)
    if not store.exists(key):
        return CardAnswers()
    return parse_card(store.read(key), source=shown_uri(store.uri, key))


def _read_settings(store: Store, model_run: str) -> Settings | None:
    key = layout.run_settings(model_run)
    if not store.exists(key):
        return None
    return parse_settings(store.read(key).decode(), source=shown_uri(store.uri, key))


def _read_json(store: Store, key: str) -> dict[str, Any]:
    return dict(json.loads(store.read(key))) if store.exists(key) else {}
