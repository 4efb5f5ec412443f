"""Saved models say nothing that an older Keras does not know."""

import json
import logging
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from lcc.train.export import save_model
from lcc.train.portable import ADDED, CONFIG, CONFIG_ATTRIBUTE, make_portable
from tests.builders.trainings import SIDE_PX, a_network


def words_of(path: Path) -> str:
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return str(file.attrs[CONFIG_ATTRIBUTE])
    with zipfile.ZipFile(path) as file:
        return file.read(CONFIG).decode()


def test_what_newer_releases_added_is_taken_out_and_predictions_stay(tmp_path: Path):
    model = a_network(batch_normalization=True)
    tiles = np.random.default_rng(0).integers(0, 256, (2, SIDE_PX, SIDE_PX, 3))

    for path in save_model(model, tmp_path, sample=tiles.astype(np.uint8)):
        assert not any(f'"{name}"' in words_of(path) for name in ADDED)
        again = keras.saving.load_model(path, compile=False)
        expected = np.asarray(model(tiles, training=False))
        assert np.allclose(np.asarray(again(tiles, training=False)), expected)


def test_nobody_is_told_that_a_format_that_was_asked_for_is_old(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    tiles = np.zeros((1, SIDE_PX, SIDE_PX, 3), np.uint8)
    absl = logging.getLogger("absl")
    absl.addHandler(caplog.handler)  # it passes nothing on
    try:
        a_network().save(tmp_path / "plain.h5")
        assert "HDF5" in caplog.text
        caplog.clear()

        save_model(a_network(), tmp_path, sample=tiles)
    finally:
        absl.removeHandler(caplog.handler)

    assert caplog.records == []


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5:UserWarning")
def test_weights_stay_byte_for_byte(tmp_path: Path):
    path = tmp_path / "model.keras"
    a_network().save(path)
    with zipfile.ZipFile(path) as file:
        before = {n: file.read(n) for n in file.namelist() if n != CONFIG}

    make_portable(path)

    with zipfile.ZipFile(path) as file:
        assert {n: file.read(n) for n in file.namelist() if n != CONFIG} == before
        assert json.loads(file.read(CONFIG))["config"]["layers"]
