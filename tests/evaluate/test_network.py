"""A saved network: what it says, and what it sees, in one forward pass."""

import keras
import numpy as np
import pytest

from lcc.config.model import STANDARDIZE
from lcc.errors import DataError, NotFoundError
from lcc.evaluate.network import Network, ask_of
from lcc.evaluate.novelty import know_tissue

SIDE = 8


def a_model(*, is_map: bool = False, standardize: bool = False) -> keras.Model:
    """Return a network whose head is given a row, or a map, of features."""
    keras.utils.set_random_seed(0)
    images = keras.Input((SIDE, SIDE, 3))
    fine = keras.layers.Conv2D(5, 3, padding="same", name="fine")(images)
    padded = keras.layers.ZeroPadding2D()(fine)
    weights = keras.layers.GlobalAveragePooling2D(keepdims=True)(padded)
    weighed = keras.layers.Multiply(name="weighed")([padded, weights])
    maps = keras.layers.Conv2D(4, 3, strides=2, name="maps")(weighed)
    row = keras.layers.GlobalAveragePooling2D(name="pool")(maps)
    if is_map:
        dense = keras.layers.Conv2D(3, 4, activation="softmax")(maps)
        return keras.Model(images, dense)
    if standardize:
        row = keras.layers.BatchNormalization(name=STANDARDIZE)(row)
    row = keras.layers.Dropout(0.5)(row)
    return keras.Model(images, keras.layers.Dense(3, activation="softmax")(row))


def pooled_of(model: keras.Model) -> object:
    return model.get_layer("pool").output


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def some_images(count: int = 5) -> np.ndarray:
    shape = (count, SIDE, SIDE, 3)
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("standardize", [False, True])
def test_features_are_of_each_resolution_and_of_the_head_before_it_scales_them(
    standardize: bool,
):
    model, images = a_model(standardize=standardize), some_images()
    if standardize:
        scaling = model.get_layer(STANDARDIZE)
        scaling.set_weights([np.full(4, value) for value in (2.0, 0.5, 9.0, 3.0)])
    fine = model.get_layer("weighed").output
    places = {"fine": keras.ops.mean(fine, (1, 2)), "head": pooled_of(model)}
    parts = keras.Model(model.inputs[0], places).predict(images, verbose=0)
    expected = np.concatenate([unit(parts["fine"]), unit(parts["head"])], axis=1)

    said, features = Network(model, side_px=SIDE).see(images)

    np.testing.assert_allclose(features, expected, atol=1e-5)
    np.testing.assert_allclose(said, model.predict(images, verbose=0), rtol=1e-4)


def test_it_says_the_same_with_novelty_and_without():
    network, images = Network(a_model(), side_px=SIDE), some_images()
    known = know_tissue(network.see(images[:2])[1])

    plain, scored = (ask_of(network, own)(images) for own in (None, known))

    assert plain.novelty is None
    assert plain.probabilities.tolist() == scored.probabilities.tolist()
    assert scored.novelty.shape == (5,)
    assert (scored.novelty == known.novelty(network.see(images)[1])).all()


def test_a_last_layer_that_is_given_a_map_says_but_sees_nothing():
    network = Network(a_model(is_map=True), side_px=SIDE)

    assert network.predict(some_images()).shape[0] == 5
    with pytest.raises(NotFoundError, match=r"Set evaluate.novelty=false"):
        network.see(some_images())


def test_features_that_are_no_numbers_are_refused():
    model = a_model()
    layer = model.get_layer("maps")
    kernel, bias = layer.get_weights()
    bias[0] = np.nan
    layer.set_weights([kernel, bias])

    with pytest.raises(DataError, match="finite numbers, got others for 5 of 5 images"):
        Network(model, side_px=SIDE).see(some_images())
