"""What is asked of a model: each part that it did not learn from, if there is any."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue
from lcc.evaluate.network import Answers, ask_of
from lcc.evaluate.novelty import MAX_REFERENCES, know_tissue
from lcc.evaluate.predicting import plant_strangers, predict_model, see_training
from lcc.evaluate.predictions import Part
from lcc.storage.local import LocalStore
from tests.evaluate.test_report import a_catalogue
from tests.evaluate.test_strangers import Seer


def parts_of(catalogue: Catalogue, store: LocalStore, *, is_refit: bool) -> set[str]:
    _, tiles = a_catalogue()
    found = predict_model(
        Settings(),
        store,
        catalogue,
        tiles,
        {"is_refit": is_refit},
        lambda images: Answers(np.full((len(images), 3), 1 / 3)),
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


class Counter(Seer):
    """Counts the images that it was given."""

    def __init__(self) -> None:
        self.num_images = 0

    def see(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.num_images += len(images)
        return super().see(images)


@pytest.mark.parametrize(
    ("is_refit", "splits"),
    [
        pytest.param(False, ("train",), id="validation was not learned"),
        pytest.param(True, ("train", "validation"), id="refit"),
    ],
)
def test_novelty_is_measured_from_what_the_model_learned(is_refit: bool, splits: tuple):
    catalogue, tiles = a_catalogue()
    rows = np.concatenate([catalogue.rows(split) for split in splits])
    learned = Seer().see(tiles.take(catalogue.records[rows]))[1]

    known = see_training(Settings(), catalogue, tiles, {"is_refit": is_refit}, Seer())

    assert len(known.references) == len(rows) < MAX_REFERENCES
    assert (known.references == know_tissue(learned).references).all()


def test_every_image_is_looked_at_once(store: LocalStore):
    catalogue, tiles = a_catalogue()
    known = see_training(Settings(), catalogue, tiles, {"is_refit": False}, Seer())
    network = Counter()

    found = predict_model(
        *(Settings(), store, catalogue, tiles, {"is_refit": False}),
        ask_of(network, known),
    )

    assert network.num_images == len(found)
    assert np.isfinite(found.novelty).all()


def test_a_refit_has_strangers_but_no_threshold(store: LocalStore):
    catalogue, tiles = a_catalogue()
    card = {"is_refit": True}
    known = see_training(Settings(), catalogue, tiles, card, Seer())
    said = predict_model(
        Settings(), store, catalogue, tiles, card, ask_of(Seer(), known)
    )

    found = plant_strangers(Settings(), (catalogue, tiles), said, Seer(), known)

    assert not found.known.threshold.is_set
    assert len(found.strangers)


def test_what_is_not_asked_for_is_not_looked_at():
    catalogue, tiles = a_catalogue()
    settings = Settings(evaluate={"novelty": False})
    network = Counter()

    known = see_training(settings, catalogue, tiles, {"is_refit": False}, network)

    assert known is None
    assert network.num_images == 0
    assert plant_strangers(settings, (catalogue, tiles), None, network, None) is None
