"""What is asked of a model: each part that it did not learn from, if there is any."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue
from lcc.evaluate.predicting import predict_model
from lcc.evaluate.predictions import Part
from lcc.storage.local import LocalStore
from tests.evaluate.test_report import a_catalogue


def parts_of(catalogue: Catalogue, store: LocalStore, *, is_refit: bool) -> set[str]:
    _, tiles = a_catalogue()
    found = predict_model(
        Settings(),
        store,
        catalogue,
        tiles,
        {"is_refit": is_refit},
        lambda images: np.full((len(images), 3), 1 / 3),
    )
    return set(found.table["part"].to_pylist())


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def test_validation_and_test_are_asked_for(store: LocalStore):
    catalogue, _ = a_catalogue()

    assert parts_of(catalogue, store, is_refit=False) == {Part.VALIDATION, Part.TEST}


def test_what_a_refit_learned_from_is_not_asked_for(store: LocalStore):
    catalogue, _ = a_catalogue()

    assert parts_of(catalogue, store, is_refit=True) == {Part.TEST}


def test_a_split_without_validation_has_its_test_judged(store: LocalStore):
    catalogue, _ = a_catalogue()
    table = catalogue.table
    place = table.column_names.index("split")
    is_validation = pc.equal(table["split"], "validation")
    split = pc.if_else(is_validation, pa.scalar("train"), table["split"])
    alone = Catalogue(
        name="lung", digest="cd" * 32, table=table.set_column(place, "split", split)
    )

    assert parts_of(alone, store, is_refit=False) == {Part.TEST}
