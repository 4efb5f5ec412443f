"""Our own network: small, takes any tile, learns, and needs nobody to load it."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from lcc.config.model import ModelSettings
from lcc.train.export import save_model
from lcc.train.model import add_head, build_backbone, count_trainable

SMALL = ModelSettings(backbone="small", weights="none")


def a_classifier(folder: Path, *, size_px: int = 48) -> keras.Model:
    backbone = build_backbone(SMALL, size_px=size_px, scratch=folder)
    return add_head(backbone, SMALL, num_classes=2, seed=0)


def some_tiles(count: int, *, size_px: int = 48) -> np.ndarray:
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (count, size_px, size_px, 3)).astype(np.uint8)


def test_it_has_a_few_hundred_thousand_weights(tmp_path: Path):
    assert 100_000 < count_trainable(a_classifier(tmp_path)) < 500_000


@pytest.mark.parametrize("size_px", [32, 50, 96])
def test_it_takes_tiles_of_any_side(tmp_path: Path, size_px: int):
    model = a_classifier(tmp_path, size_px=size_px)

    assert model(some_tiles(2, size_px=size_px)).shape == (2, 2)


def test_it_takes_whole_numbers_and_floats_from_0_to_255(tmp_path: Path):
    backbone = build_backbone(SMALL, size_px=48, scratch=tmp_path)
    scaled = keras.Model(backbone.inputs[0], backbone.get_layer("preprocessing").output)
    ends = np.stack([np.zeros((48, 48, 3)), np.full((48, 48, 3), 255.0)])

    np.testing.assert_allclose(scaled(ends)[:, 0, 0, 0], [-1, 1], atol=1e-6)
    np.testing.assert_allclose(backbone(ends.astype(np.uint8)), backbone(ends))


def test_it_learns_a_texture(tmp_path: Path):
    keras.utils.set_random_seed(0)
    plain, labels = some_tiles(64), np.arange(64) % 2
    smooth = np.repeat(np.repeat(plain[:, ::8, ::8], 8, axis=1), 8, axis=2)
    tiles = np.where(labels[:, None, None, None] == 1, smooth, plain)
    model = a_classifier(tmp_path)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

    model.fit(tiles, labels, epochs=6, batch_size=16, verbose=0)

    assert model.evaluate(tiles, labels, verbose=0, return_dict=True)["accuracy"] > 0.9


@pytest.mark.slow
def test_its_file_loads_where_this_package_is_not(tmp_path: Path):
    tiles = some_tiles(2)
    model = a_classifier(tmp_path)
    file, _ = save_model(model, tmp_path, sample=tiles)
    np.save(tmp_path / "tiles.npy", tiles)
    code = (
        "import sys, keras, numpy as np\n"
        f"model = keras.saving.load_model({str(file)!r})\n"
        f"found = model(np.load({str(tmp_path / 'tiles.npy')!r}))\n"
        f"np.save({str(tmp_path / 'found.npy')!r}, found)\n"
        "assert not any(name.startswith('lcc') for name in sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)

    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), model(tiles), rtol=1e-5)
