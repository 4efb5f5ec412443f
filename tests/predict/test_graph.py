"""The exported graph says what the network says, calibrated."""

import keras
import numpy as np
import pytest
from scipy.special import softmax

from lcc.errors import DataError
from lcc.evaluate.calibration import scale
from lcc.evaluate.network import Network
from lcc.predict.graph import calibrated_graph, channels_first_logits
from tests.builders.exports import SIDE_PX, a_network, some_tiles

# Several devices, as other tests of the process need them: before any tensor.
pytestmark = pytest.mark.usefixtures("logical_devices")


def said_by(model: keras.Model, tiles: np.ndarray) -> np.ndarray:
    return np.asarray(model(tiles.astype(np.float32), training=False), np.float64)


def a_graph(model: keras.Model, temperature: float = 1.5, **how: bool) -> keras.Model:
    return calibrated_graph(model, side_px=SIDE_PX, temperature=temperature, **how)


def sharpened(model: keras.Model, factor: float) -> keras.Model:
    """Return the network, surer of all that it says."""
    head = model.layers[-1]
    head.set_weights([weights * factor for weights in head.get_weights()])
    return model


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_it_says_what_the_network_says_calibrated(temperature: float):
    model, tiles = a_network(), some_tiles()
    raw = said_by(model, tiles)

    found = said_by(a_graph(model, temperature), tiles)

    assert np.ptp(raw, axis=0).max() > 0.3
    np.testing.assert_allclose(found, scale(raw, temperature), atol=1e-5)


def test_a_probability_of_nothing_counts_as_the_least_as_in_the_evaluation():
    model, tiles = sharpened(a_network(), 1000.0), some_tiles()
    raw = said_by(model, tiles)

    found = said_by(a_graph(model, 10.0), tiles)
    unclipped = said_by(a_graph(model, 10.0, is_clipped=False), tiles)

    assert (raw == 0).any()
    np.testing.assert_allclose(found, scale(raw, 10.0), atol=1e-5)
    assert np.abs(unclipped - found).max() > 0.01


def test_a_network_of_half_precision_is_written_in_single():
    half, tiles = a_network(policy="mixed_float16"), some_tiles()

    graph = a_graph(half)

    assert {layer.compute_dtype for layer in graph.layers} == {"float32"}
    expected = scale(said_by(half, tiles), 1.5)
    np.testing.assert_allclose(said_by(graph, tiles), expected, atol=0.01)


def test_it_sees_what_the_network_sees():
    model, tiles = a_network(), some_tiles()

    _, expected = Network(model, side_px=SIDE_PX).see(tiles)
    _, found = Network(a_graph(model), side_px=SIDE_PX).see(tiles)

    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_trained_network_stays_as_it_was():
    model, tiles = a_network(), some_tiles()
    before = said_by(model, tiles)

    a_graph(model)

    assert (said_by(model, tiles) == before).all()
    assert model.layers[-1].name == "probabilities"


def test_logits_of_channels_first_are_those_of_the_calibrated_probabilities():
    graph, tiles = a_graph(a_network()), some_tiles()

    logits = said_by(channels_first_logits(graph), np.moveaxis(tiles, 3, 1))

    np.testing.assert_allclose(
        softmax(logits, axis=1), said_by(graph, tiles), atol=1e-5
    )


def test_a_network_that_ends_in_something_else_is_refused():
    with pytest.raises(DataError, match=r"must end in a dense softmax layer, got prob"):
        a_graph(a_network(activation="sigmoid"))
