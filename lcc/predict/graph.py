"""The graph that is exported: images in, calibrated probabilities out.

Knows layers, all of them Keras' own, so that what is saved needs nothing of this
package; neither formats nor files.
"""

import math
from typing import Any

from lcc.errors import DataError
from lcc.evaluate.metrics import LEAST

IMAGE, PROBABILITIES = "image", "probabilities"
CLASSIFIER = "classifier"
# Names that no backbone has: Keras wants each once.
LOGITS, LOGARITHMS = "calibration_logits", "calibration_logarithms"
ABOVE, LEAST_BORNE = "calibration_above_least", "calibration_least"
TEMPERED = "calibration_temperature"  # its softmax is the calibrated probabilities
SINGLE = "float32"


def calibrated_graph(
    model: Any, *, side_px: int, temperature: float, is_clipped: bool = True
) -> Any:
    """Return a copy of a network whose probabilities are calibrated, on one flat graph.

    It takes `image`, (n, side_px, side_px, 3) float32, RGB, 0–255, and gives (n,
    classes) float32 probabilities, those of `lcc.evaluate.calibration.scale`. It
    computes in float32 throughout, however the network was trained.

    Args:
        model: A network that `lcc` saved: it ends in a dense softmax layer.
        side_px: Side of the images.
        temperature: Divides the logarithms of the probabilities.
        is_clipped: Whether a probability below `LEAST` counts as that, as `scale` has
            it; integers of eight bits are too coarse for it.

    Raises:
        DataError: The network ends in another layer.
    """
    import keras

    _check_head(model)
    image = keras.Input((side_px, side_px, 3), name=IMAGE, dtype=SINGLE)
    takes_list = isinstance(model.input, list)
    copy = keras.models.clone_model(
        model,
        input_tensors=[image] if takes_list else image,
        clone_function=lambda layer: _copy(layer, is_head=layer is model.layers[-1]),
    )
    copy.set_weights(model.get_weights())
    tempered = _tempered(copy.outputs[0], temperature, is_clipped=is_clipped)
    softmax = keras.layers.Softmax(dtype=SINGLE, name=PROBABILITIES)
    return keras.Model(copy.inputs[0], softmax(tempered), name=CLASSIFIER)


def channels_first_logits(graph: Any) -> Any:
    """Return a graph in the convention of PyTorch's models, as WSInfer calls them.

    It takes `image`, (n, 3, side, side), and gives (n, classes) numbers whose softmax
    is the calibrated probabilities.

    Args:
        graph: What `calibrated_graph` returned.
    """
    import keras

    side_px = graph.inputs[0].shape[1]
    image = keras.Input((3, side_px, side_px), name=IMAGE, dtype=SINGLE)
    below = keras.Model(graph.inputs[0], graph.get_layer(TEMPERED).output)
    return keras.Model(image, below(keras.layers.Permute((2, 3, 1))(image)))


def _check_head(model: Any) -> None:
    import keras

    head = model.layers[-1]
    is_dense = isinstance(head, keras.layers.Dense)
    if not is_dense or head.activation is not keras.activations.softmax:
        message = (
            "model: must end in a dense softmax layer, got "
            f"{head.name} ({type(head).__name__}). Export a model that lcc trained."
        )
        raise DataError(message)


def _copy(layer: Any, *, is_head: bool) -> Any:
    """Return a layer like another, in float32; the head without its softmax."""
    import keras

    if isinstance(layer, keras.Model):
        return keras.models.clone_model(layer)
    config = layer.get_config()
    if layer.compute_dtype != SINGLE:
        config["dtype"] = SINGLE
    if is_head:
        config |= {"activation": "linear", "name": LOGITS}
    return type(layer).from_config(config)


def _tempered(logits: Any, temperature: float, *, is_clipped: bool) -> Any:
    """Return logits whose softmax is the calibrated probabilities.

    A softmax is the same whatever is added to all its logits, so that the logarithm of
    `LEAST` becomes zero, below which a ReLU clips.
    """
    from keras import layers

    if is_clipped:
        logarithms = layers.Activation("log_softmax", dtype=SINGLE, name=LOGARITHMS)
        above = layers.Rescaling(1.0, offset=-math.log(LEAST), dtype=SINGLE, name=ABOVE)
        clip = layers.ReLU(dtype=SINGLE, name=LEAST_BORNE)
        logits = clip(above(logarithms(logits)))
    divide = layers.Rescaling(1 / temperature, dtype=SINGLE, name=TEMPERED)
    return divide(logits)
