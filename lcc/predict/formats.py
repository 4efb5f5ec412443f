"""A calibrated graph as a file of each format.

Knows the libraries that write them; not where files lie nor what a network says.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from lcc.errors import ConfigError
from lcc.images.decode import Image8
from lcc.predict.graph import IMAGE, PROBABILITIES
from lcc.predict.silence import silent_libraries


class Format(StrEnum):
    """How a network is written."""

    KERAS = "keras"
    SAVED_MODEL = "savedmodel"
    ONNX = "onnx"
    TFLITE = "tflite"
    H5 = "h5"


NETWORKS = {  # what each is named; a SavedModel is a folder
    Format.KERAS: "network.keras",
    Format.SAVED_MODEL: "network",
    Format.ONNX: "network.onnx",
    Format.TFLITE: "network.tflite",
    Format.H5: "network.h5",
}
MODULES = {Format.ONNX: ("onnx", "onnxruntime", "tf2onnx")}  # of lcc[export]
BATCH = "n"  # the name of the batch's dimension
UNSUPPORTED = (  # how converter and checker name what a format lacks
    r"'tf\.(\w+)' op is neither a custom op nor a flex op",
    r"No Op registered for (\w+) with",
)


def write_network(
    graph: Any, path: Path, written_as: Format, *, calibration: Image8 | None = None
) -> None:
    """Write a graph as one file, or one folder.

    Args:
        graph: From `image` to one row of numbers for each.
        path: The file; it has the ending of `NETWORKS`.
        written_as: The format.
        calibration: (k, side, side, 3) images that show the ranges of values, for a
            TFLite file of integers; none: of floats.

    Raises:
        ConfigError: The format has no such operation; it names all.
    """
    writers: dict[Format, Callable[[], None]] = {
        Format.KERAS: lambda: _write_keras(graph, path),
        Format.H5: lambda: _write_keras(graph, path),
        Format.SAVED_MODEL: lambda: _export(graph, path, "tf_saved_model"),
        Format.ONNX: lambda: _write_onnx(graph, path),
        Format.TFLITE: lambda: _write_tflite(graph, path, calibration),
    }
    with silent_libraries(), _naming_unsupported(graph, written_as):
        writers[written_as]()


def _write_keras(graph: Any, path: Path) -> None:
    from lcc.train.portable import make_portable

    graph.save(path)
    make_portable(path)


def _export(graph: Any, path: Path, name: str, **options: Any) -> None:
    """Write a graph by Keras' own exporter, its ends named `image` and …."""
    import keras

    [image] = graph.inputs
    named = keras.Model(image, {PROBABILITIES: graph.outputs[0]})
    signature = keras.InputSpec(shape=image.shape, dtype="float32", name=IMAGE)
    named.export(
        path, format=name, verbose=False, input_signature=[signature], **options
    )


def _write_onnx(graph: Any, path: Path) -> None:
    import onnx

    _export(graph, path, "onnx")
    model = onnx.load(path)
    for end in (*model.graph.input, *model.graph.output):
        end.type.tensor_type.shape.dim[0].dim_param = BATCH
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _write_tflite(graph: Any, path: Path, calibration: Image8 | None) -> None:
    import tensorflow as tf

    options: dict[str, Any] = {
        # Nothing that needs TensorFlow beside it on a telephone.
        "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    }
    if calibration is not None:
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
        options["representative_dataset"] = lambda: (
            [tile[np.newaxis].astype(np.float32)] for tile in calibration
        )
    _export(graph, path, "litert", **options)


@contextmanager
def _naming_unsupported(graph: Any, written_as: Format) -> Iterator[None]:
    """Have an operation that a format lacks told, with the layers that have it."""
    try:
        yield
    except Exception as err:  # each library has its own
        told = str(err)
        found = {name for text in UNSUPPORTED for name in re.findall(text, told)}
        if not found:
            raise
        message = (
            f"--format: {written_as} must have every operation of the network, got "
            f"none for {', '.join(sorted(found))}{_layers_in(told, graph)}. Choose "
            "another format."
        )
        raise ConfigError(message) from err


def _layers_in(told: str, graph: Any) -> str:
    """Return the layers that an error names, in brackets; nothing where it names none.

    TensorFlow numbers a layer that is called once more.
    """
    names = [
        layer.name
        for layer in graph.layers
        if re.search(rf"/{re.escape(layer.name)}(_\d+)?/", told)
    ]
    return f" (layer {', '.join(names)})" if names else ""
