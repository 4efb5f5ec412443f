"""A written network as a function again: from images to calibrated probabilities.

Knows the libraries that run each format; not what is made of the answers.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from lcc.evaluate.bootstrap import Floats
from lcc.evaluate.grad_cam import Floats32, compiled
from lcc.images.decode import Image8
from lcc.predict.formats import Format
from lcc.predict.graph import IMAGE, PROBABILITIES
from lcc.predict.silence import silent_libraries

BATCH_SIZE = 32  # images a call takes
SIGNATURE = "serving_default"
Run = Callable[[Any], Any]  # of one batch, float32, as the file takes it


def open_written(
    path: Path, written_as: Format, *, is_for_wsinfer: bool = False
) -> Callable[[Image8], Floats]:
    """Return what asks a written network for the probabilities of images.

    It takes (n, side, side, 3) uint8, RGB, and gives (n, classes).

    Args:
        path: The file, or the folder of a SavedModel.
        written_as: Its format.
        is_for_wsinfer: Whether it takes channels first and gives logits.
    """
    openers: dict[Format, Callable[[Path], Run]] = {
        Format.KERAS: _open_keras,
        Format.H5: _open_keras,
        Format.SAVED_MODEL: _open_saved_model,
        Format.ONNX: _open_onnx,
        Format.TFLITE: _open_tflite,
    }
    run = openers[written_as](path)
    if not is_for_wsinfer:
        return lambda images: in_batches(run, images)
    return lambda images: np.asarray(
        softmax(in_batches(run, np.moveaxis(images, 3, 1)), axis=1)
    )


def in_batches(run: Callable[[Any], Any], images: Image8) -> Floats:
    """Return (n, classes) answers to images, which a network is given some at a time.

    Args:
        run: Takes (k, …) float32.
        images: (n, …) uint8.
    """
    starts = range(0, len(images), BATCH_SIZE)
    parts = (images[start : start + BATCH_SIZE] for start in starts)
    answers = [run(np.ascontiguousarray(part, np.float32)) for part in parts]
    return np.concatenate([np.asarray(answer, np.float64) for answer in answers])


def load_keras(path: Path) -> Any:
    """Return the Keras model of a file, not compiled."""
    import keras

    return keras.saving.load_model(path, compile=False)


def _open_keras(path: Path) -> Run:
    return compiled(load_keras(path))


def _open_saved_model(path: Path) -> Run:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)

    def run(images: Floats32) -> Any:
        # Asked for at each call: a signature does not keep its variables alive.
        forward = loaded.signatures[SIGNATURE]
        return forward(**{IMAGE: tf.constant(images)})[PROBABILITIES]

    return run


def _open_onnx(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {IMAGE: images})[0]


def _open_tflite(path: Path) -> Run:
    import tensorflow as tf

    # It says that it will go; while TensorFlow has it, no further package is needed.
    with silent_libraries():
        interpreter = tf.lite.Interpreter(str(path))
        interpreter.allocate_tensors()
    [image], [found] = interpreter.get_input_details(), interpreter.get_output_details()

    def run(images: Floats32) -> Any:
        interpreter.resize_tensor_input(image["index"], images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(image["index"], images)
        interpreter.invoke()
        return interpreter.get_tensor(found["index"])

    return run
