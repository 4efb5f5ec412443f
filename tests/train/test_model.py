"""The network: what goes in, what is frozen, which files are refused."""

import hashlib
from pathlib import Path

import keras
import numpy as np
import pytest

from lcc.config.model import ModelSettings
from lcc.errors import ConfigError, UnavailableError
from lcc.train.export import save_model
from lcc.train.model import (
    add_head,
    build_backbone,
    count_trainable,
    set_standardization,
)


def some_tiles(count: int = 2, *, size_px: int = 32) -> np.ndarray:
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (count, size_px, size_px, 3)).astype(np.uint8)


def a_backbone(folder: Path, **settings: object):
    chosen = ModelSettings(**({"backbone": "mobilenet", "weights": "none"} | settings))
    return build_backbone(chosen, size_px=32, scratch=folder), chosen


def a_saved_backbone(folder: Path, *, size_px: int | None = None) -> Path:
    images = keras.Input((size_px, size_px, 3))
    features = keras.layers.Conv2D(5, 3, strides=4)(images)
    keras.Model(images, features).save(folder / "backbone.keras")
    return folder / "backbone.keras"


@pytest.mark.parametrize("name", ["resnet50", "mobilenet", "densenet121"])
def test_preprocessing_inside_is_the_applications_own(tmp_path: Path, name: str):
    modules = {
        "resnet50": keras.applications.resnet50,
        "mobilenet": keras.applications.mobilenet,
        "densenet121": keras.applications.densenet,
    }
    backbone, _ = a_backbone(tmp_path, backbone=name)
    tiles = some_tiles()

    scaled = keras.Model(backbone.inputs[0], backbone.get_layer("preprocessing").output)

    expected = modules[name].preprocess_input(tiles.astype(np.float32))
    np.testing.assert_allclose(scaled(tiles), expected, rtol=1e-5, atol=1e-4)


def test_unit_normalisation_maps_to_zero_and_one(tmp_path: Path):
    backbone, _ = a_backbone(tmp_path, normalization="unit")
    scaled = keras.Model(backbone.inputs[0], backbone.get_layer("preprocessing").output)
    tiles = some_tiles()

    np.testing.assert_allclose(scaled(tiles), tiles / 255, atol=1e-6)


def test_whole_numbers_and_floats_give_the_same_probabilities(tmp_path: Path):
    backbone, settings = a_backbone(tmp_path)
    model = add_head(backbone, settings, num_classes=3, seed=0)
    tiles = some_tiles()

    found = np.asarray(model(tiles))

    np.testing.assert_array_equal(found, model(tiles.astype(np.float32)))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)


def test_both_files_reload_without_this_package_and_predict_the_same(tmp_path: Path):
    backbone, settings = a_backbone(tmp_path, backbone="resnet50")
    model = add_head(backbone, settings, num_classes=3, seed=0)
    model.get_layer("probabilities").kernel.assign(
        np.random.default_rng(0).normal(size=(2048, 3))
    )

    files = save_model(model, tmp_path, sample=some_tiles())

    assert files[0].name == "model.keras"
    assert len(files[1].stem) == len("20261123-091500")
    config = model.get_config()
    assert {layer["module"].partition(".")[0] for layer in config["layers"]} == {
        "keras"
    }


@pytest.mark.parametrize(
    ("stages", "is_frozen"),
    [
        (0, {4: False, 16: False}),
        (2, {4: True, 16: False}),
        ("all", {4: True, 16: True}),
    ],
)
def test_stages_are_frozen_by_their_stride(tmp_path: Path, stages, is_frozen):
    backbone, _ = a_backbone(tmp_path, frozen_stages=stages)

    for stride, expected in is_frozen.items():
        layers = [
            layer
            for layer in backbone.layers
            if layer.weights
            and layer.name != "preprocessing"
            and len(layer.output.shape) == 4
            and layer.output.shape[1] == 32 // stride
        ]
        assert layers
        assert all(layer.trainable is not expected for layer in layers)


def test_a_frozen_backbone_trains_the_head_alone(tmp_path: Path):
    backbone, settings = a_backbone(tmp_path, frozen_stages="all")

    model = add_head(backbone, settings, num_classes=3, seed=0)

    assert count_trainable(model) == 1024 * 3 + 3


def test_a_saved_backbone_becomes_one_flat_graph(tmp_path: Path):
    file = a_saved_backbone(tmp_path)
    backbone, settings = a_backbone(tmp_path, backbone=str(file))

    model = add_head(backbone, settings, num_classes=3, seed=0)

    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert model(some_tiles()).shape == (2, 3)


def test_features_are_scaled_by_the_training_tiles(tmp_path: Path):
    file = a_saved_backbone(tmp_path)
    backbone, settings = a_backbone(tmp_path, backbone=str(file))
    model = add_head(backbone, settings, num_classes=3, seed=0)
    tiles = some_tiles(64)

    set_standardization(model, np.asarray(backbone(tiles)))

    scaled = keras.Model(model.inputs[0], model.get_layer("standardize").output)(tiles)
    np.testing.assert_allclose(np.mean(scaled, axis=0), 0, atol=1e-3)
    assert np.std(scaled, axis=0).max() < 1.01


def test_weights_of_the_same_architecture_are_loaded(tmp_path: Path):
    source = keras.applications.MobileNet(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    file = tmp_path / "own.weights.h5"
    source.save_weights(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()

    backbone, _ = a_backbone(tmp_path, weights=str(file), weights_sha256=digest)

    np.testing.assert_array_equal(
        backbone.get_layer("conv1").get_weights()[0],
        source.get_layer("conv1").get_weights()[0],
    )


def test_weights_of_another_digest_are_refused(tmp_path: Path):
    file = tmp_path / "own.weights.h5"
    file.write_bytes(b"other")

    with pytest.raises(ConfigError, match=f"SHA-256 must be {'0' * 64}"):
        a_backbone(tmp_path, weights=str(file), weights_sha256="0" * 64)


def test_weights_of_another_architecture_are_refused(tmp_path: Path):
    file = tmp_path / "own.weights.h5"
    keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    ).save_weights(file)

    with pytest.raises(ConfigError, match="weights of mobilenet without its top"):
        a_backbone(tmp_path, weights=str(file))


def test_weights_that_cannot_be_downloaded_are_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # The seam of the network: a real server cannot be made to be away for one test.
    def refuse(*_: object, **__: object) -> None:
        message = "no route to host"
        raise OSError(message)

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", refuse)

    with pytest.raises(UnavailableError, match="imagenet weights of mobilenet must be"):
        a_backbone(tmp_path, weights="imagenet")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"backbone": "resnet5O"}, "Did you mean resnet50", id="typo"),
        pytest.param({"backbone": "inceptionv3"}, "cannot take 32", id="too small"),
    ],
)
def test_a_backbone_that_cannot_be_is_named(tmp_path: Path, settings, message):
    with pytest.raises(ConfigError, match=message):
        a_backbone(tmp_path, **settings)


def test_a_saved_backbone_for_other_tiles_is_refused(tmp_path: Path):
    file = a_saved_backbone(tmp_path, size_px=64)

    with pytest.raises(ConfigError, match="must take images of 32 px"):
        a_backbone(tmp_path, backbone=str(file))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path):
    file = tmp_path / "text.keras"
    file.write_text("not a model")

    with pytest.raises(ConfigError, match="must be a saved Keras model"):
        a_backbone(tmp_path, backbone=str(file))
