"""Maps of a tiny network that is known to look at one colour."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lcc.errors import NotFoundError
from lcc.evaluate.explain import deletion_curve, enlarge, rank_correlation, shuffled
from lcc.evaluate.grad_cam import GradCam, compiled

SIDE_PX = 32
pytestmark = pytest.mark.usefixtures("logical_devices")


def a_network(*, side: int | None = SIDE_PX) -> keras.Model:
    """Return a network that takes red tiles for class 0, blue ones for class 1."""
    images = keras.Input((side, side, 3))
    maps = keras.layers.Conv2D(2, 1, activation="relu", name="colours")(images)
    maps = keras.layers.AveragePooling2D(4)(maps)
    pooled = keras.layers.GlobalAveragePooling2D()(maps)
    said = keras.layers.Dense(2, activation="softmax")(pooled)
    model = keras.Model(images, said)
    red_and_blue = np.array([[1, 0], [0, 0], [0, 1]]) / 255
    model.get_layer("colours").set_weights([red_and_blue[None, None], np.zeros(2)])
    model.layers[-1].set_weights([np.array([[8.0, -2.0], [-2.0, 8.0]]), np.zeros(2)])
    return model


def some_tiles(count: int = 6) -> np.ndarray:
    """Return tiles with red in the first corner, blue in the last, under noise."""
    tiles = np.random.default_rng(0).integers(0, 3, (count, SIDE_PX, SIDE_PX, 3))
    tiles[:, :8, :8, 0] = 250
    tiles[:, -8:, -8:, 2] = 250
    return tiles.astype(np.uint8)


@pytest.mark.parametrize("side", [SIDE_PX, None], ids=["one size", "any size"])
def test_a_map_lies_on_what_the_class_depends_on(side: int | None):
    grad_cam = GradCam(a_network(side=side), side_px=SIDE_PX)

    [red] = grad_cam(some_tiles(), np.zeros(6, np.int64))
    [blue] = grad_cam(some_tiles(), np.ones(6, np.int64))

    assert red.shape == (6, 8, 8)
    for maps, corner in ((red, np.s_[:, :2, :2]), (blue, np.s_[:, -2:, -2:])):
        share = maps[corner].sum(axis=(1, 2)) / maps.sum(axis=(1, 2))
        assert (share > 0.9).all()


def test_a_batch_has_the_maps_of_a_plain_gradient_loop():
    model, tiles = a_network(), some_tiles()
    classes = np.array([0, 1, 0, 1, 1, 0])

    [maps] = GradCam(model, side_px=SIDE_PX)(tiles, classes)

    one_by_one = [plain(model, *pair) for pair in zip(tiles, classes, strict=True)]
    assert maps == pytest.approx(np.stack(one_by_one), rel=1e-5, abs=1e-6)


def plain(model: keras.Model, tile: np.ndarray, number: int) -> np.ndarray:
    """Return the map of one tile as the paper's equations 1 and 2 say."""
    last = model.layers[-1]
    both = keras.Model(model.inputs[0], [model.layers[-2].input, last.input])
    with tf.GradientTape() as tape:
        images = tf.cast(tile[None], tf.float32)
        tape.watch(images)
        found, features = both(images, training=False)
        score = (features @ last.kernel + last.bias)[0, number]
    slopes = tape.gradient(score, found)[0].numpy()
    return np.maximum((slopes.mean(axis=(0, 1)) * found[0].numpy()).sum(axis=-1), 0)


def test_another_last_layer_has_another_map():
    grad_cam = GradCam(a_network(), side_px=SIDE_PX)
    swapped = grad_cam.kernel[:, ::-1]

    own, other = grad_cam(
        some_tiles(),
        np.zeros(6, np.int64),
        kernels=np.stack([grad_cam.kernel, swapped]),
    )

    assert rank_correlation(own, own) == pytest.approx(np.ones(6))
    assert (rank_correlation(own, other) < 0.5).all()
    tried = shuffled(grad_cam.kernel, seed=0)
    assert all(sorted(k.ravel()) == sorted(grad_cam.kernel.ravel()) for k in tried)


def test_a_map_that_is_flat_is_like_no_other():
    flat = np.zeros((1, 4, 4), np.float32)

    assert rank_correlation(flat, np.arange(16.0).reshape(1, 4, 4)) == [0]


def test_taking_away_what_the_map_marks_ends_the_answer_sooner_than_chance():
    forward = compiled(a_network())
    grad_cam = GradCam(a_network(), side_px=SIDE_PX)
    tiles, classes = some_tiles(), np.zeros(6, np.int64)
    tiles[:, -8:, -8:, 2] = 10  # red alone: nothing speaks for the other class
    [maps] = grad_cam(tiles, classes)
    noise = np.random.default_rng(0).uniform(size=maps.shape).astype(np.float32)

    def predict(images: np.ndarray) -> np.ndarray:
        return np.asarray(forward(images), np.float64)

    curves = [
        deletion_curve(predict, tiles, own, classes=classes) for own in (maps, noise)
    ]

    marked, at_random = (curve.mean(axis=0) for curve in curves)
    assert marked.shape == (11,)
    assert marked[0] == pytest.approx(at_random[0])
    assert marked[-1] == pytest.approx(at_random[-1])
    assert marked[1] < at_random[1] - 0.02


def test_a_map_is_enlarged_to_its_tile():
    large = enlarge(np.array([[0, 1], [0, 1]], np.float32), 64)

    assert large.shape == (64, 64)
    assert (np.diff(large, axis=1) >= 0).all()


def test_a_network_without_feature_map_is_told_of():
    images = keras.Input((8, 8, 3))
    flat = keras.layers.Flatten()(images)
    model = keras.Model(images, keras.layers.Dense(2, activation="softmax")(flat))

    with pytest.raises(NotFoundError, match="at least 4 × 4, got none"):
        GradCam(model, side_px=8)
