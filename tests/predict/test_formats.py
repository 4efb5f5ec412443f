"""Each format is written, read again, and says what the graph says."""

from pathlib import Path

import keras
import numpy as np
import pytest

from lcc.errors import ConfigError
from lcc.predict.formats import NETWORKS, Format, write_network
from lcc.predict.graph import PROBABILITIES, calibrated_graph, channels_first_logits
from lcc.predict.written import open_written
from tests.builders.exports import SIDE_PX, a_network, some_tiles

# Several devices, as other tests of the process need them: before any tensor.
pytestmark = pytest.mark.usefixtures("logical_devices")


def a_graph(**how: bool) -> keras.Model:
    return calibrated_graph(a_network(), side_px=SIDE_PX, temperature=1.5, **how)


def said_by(graph: keras.Model, tiles: np.ndarray) -> np.ndarray:
    return np.asarray(graph(tiles.astype(np.float32), training=False), np.float64)


@pytest.mark.parametrize("written_as", Format)
def test_a_written_network_says_what_the_graph_says(tmp_path: Path, written_as: Format):
    graph, tiles = a_graph(), some_tiles()  # more than a batch, the last one not full
    path = tmp_path / NETWORKS[written_as]

    write_network(graph, path, written_as)
    found = open_written(path, written_as)(tiles)

    assert found.shape == (40, 3)
    np.testing.assert_allclose(found, said_by(graph, tiles), atol=1e-5)


def test_integers_take_the_same_classes_as_single_precision(tmp_path: Path):
    graph, tiles = a_graph(is_clipped=False), some_tiles()
    single, integers = tmp_path / "a.tflite", tmp_path / "b.tflite"

    write_network(graph, single, Format.TFLITE)
    write_network(graph, integers, Format.TFLITE, calibration=some_tiles(seed=1))

    found, said = open_written(integers, Format.TFLITE)(tiles), said_by(graph, tiles)
    assert (found.argmax(axis=1) == said.argmax(axis=1)).mean() > 0.9
    assert 0 < np.abs(found - said).mean() < 0.05
    assert "int8" in tensor_types(integers) - tensor_types(single)


def tensor_types(path: Path) -> set[str]:
    """Return the types of the tensors of a TFLite file."""
    import tensorflow as tf

    with pytest.warns(UserWarning, match="deprecated"):
        interpreter = tf.lite.Interpreter(str(path))
    return {np.dtype(own["dtype"]).name for own in interpreter.get_tensor_details()}


def test_an_onnx_network_of_wsinfer_takes_channels_first_and_gives_logits(
    tmp_path: Path,
):
    import onnxruntime

    graph, tiles = a_graph(), some_tiles()
    path = tmp_path / "network.onnx"

    write_network(channels_first_logits(graph), path, Format.ONNX)

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    [image], [found] = session.get_inputs(), session.get_outputs()
    assert (image.name, image.shape) == ("image", ["n", 3, SIDE_PX, SIDE_PX])
    assert (found.name, found.shape) == (PROBABILITIES, ["n", 3])
    answers = open_written(path, Format.ONNX, is_for_wsinfer=True)(tiles)
    np.testing.assert_allclose(answers, said_by(graph, tiles), atol=1e-5)


class Unusual(keras.layers.Layer):
    """Has an operation that neither ONNX nor TFLite has."""

    def call(self, inputs):
        return keras.ops.erfinv(keras.ops.tanh(inputs))


@pytest.mark.parametrize("written_as", [Format.ONNX, Format.TFLITE])
def test_an_operation_that_a_format_lacks_is_named_with_its_layer(
    tmp_path: Path, written_as: Format
):
    graph = a_graph()
    unusual = Unusual(name="unusual")(graph.outputs[0])
    path = tmp_path / NETWORKS[written_as]

    with pytest.raises(ConfigError) as err:
        write_network(keras.Model(graph.inputs[0], unusual), path, written_as)

    assert str(err.value) == (
        f"--format: {written_as} must have every operation of the network, got none "
        "for Erfinv (layer unusual). Choose another format."
    )
