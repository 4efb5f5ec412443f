"""Where a network looked: maps of what in an image speaks for a class.

Knows networks that `lcc` saves: one flat graph that ends in a dense softmax layer.
Source: Selvaraju et al., Grad-CAM, ICCV 2017, section 3.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcc.errors import NotFoundError
from lcc.evaluate.bootstrap import Ints
from lcc.images.decode import Image8

Floats32 = NDArray[np.float32]
RANK = 4  # of a feature map: (batch, height, width, channels)
MIN_SIDE = 4  # of a feature map that tells one place from another


class GradCam:
    """Computes maps of a network; many images, and several last layers, at once.

    Args:
        model: From (n, side, side, 3) images to (n, classes) probabilities.
        side_px: Side of the images.

    Raises:
        NotFoundError: It has no feature map that tells one place from another.
    """

    def __init__(self, model: Any, *, side_px: int) -> None:
        import keras

        place = _last_feature_map(model, side_px)
        last = model.layers[-1]
        self._kernel, self._bias = last.kernel, last.bias
        self._below = compiled(keras.Model(model.inputs[0], place))
        self._above = keras.Model(place, last.input)

    @property
    def kernel(self) -> Floats32:
        """(features, classes) weights of the last layer."""
        return np.asarray(self._kernel, np.float32)

    def __call__(
        self, images: Image8, classes: Ints, *, kernels: Floats32 | None = None
    ) -> Floats32:
        """Return (k, n, height, width) maps, from 0; larger speaks more for the class.

        The score is that before the softmax, which hides what a sure network saw.

        Args:
            images: (n, side, side, 3) uint8 RGB.
            classes: (n,) class whose score is explained.
            kernels: (k, features, classes) weights of the last layer to try; by
                default its own alone.
        """
        import tensorflow as tf

        tried = self.kernel[None] if kernels is None else kernels
        maps = self._below(images)  # outside: a tape would keep all that lies below
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(maps)
            features = tf.cast(self._above(maps, training=False), tf.float32)
            scores = [
                tf.gather(features @ own + self._bias, classes, axis=1, batch_dims=1)
                for own in tried
            ]
        slopes = [tf.cast(tape.gradient(own, maps), tf.float32) for own in scores]
        maps = tf.cast(maps, tf.float32)
        weighted = [
            tf.nn.relu(tf.einsum("nhwc,nc->nhw", maps, tf.reduce_mean(own, (1, 2))))
            for own in slopes
        ]
        return np.asarray(tf.stack(weighted), np.float32)


def compiled(model: Any) -> Callable[[Image8], Any]:
    """Return a model as one compiled function of (n, side, side, 3) uint8 images.

    On two cores it takes half the time of the model called layer by layer.
    """
    import tensorflow as tf

    def forward(images: Any) -> Any:
        return model(tf.cast(images, tf.float32), training=False)

    function: Callable[[Image8], Any] = tf.function(forward, reduce_retracing=True)
    return function


def _last_feature_map(model: Any, side_px: int) -> Any:
    """Return the last tensor of the graph with a height and width of some size."""
    import keras

    for layer in reversed(model.layers):
        for tensor in inputs_of(layer):
            if len(tensor.shape) != RANK or tensor is model.inputs[0]:
                continue
            shape = keras.Model(model.inputs[0], tensor).compute_output_shape(
                (1, side_px, side_px, 3)
            )
            if min(shape[1:3]) >= MIN_SIDE:
                return tensor
    message = (
        f"model: must have a feature map of at least {MIN_SIDE} × {MIN_SIDE}, got "
        "none. Use larger tiles, or set evaluate.explain=false."
    )
    raise NotFoundError(message)


def inputs_of(layer: Any) -> list[Any]:
    """Return what a layer takes in this graph; the images themselves take nothing."""
    try:
        found = layer.input
    except (AttributeError, ValueError):  # never called, or more than once
        return []
    return found if isinstance(found, list) else [found]
