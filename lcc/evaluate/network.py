"""A saved network as functions of images: what it says of them, what it sees in them.

Knows networks that `lcc` saves: one flat graph that ends in a dense softmax layer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lcc.errors import DataError, NotFoundError
from lcc.evaluate.bootstrap import Floats
from lcc.evaluate.grad_cam import Floats32, compiled, inputs_of
from lcc.evaluate.novelty import KnownTissue
from lcc.images.decode import Image8

RANK = 2  # of features: (batch, features)


class Answers(NamedTuple):
    """What a model says of some images.

    Attributes:
        probabilities: (n, classes).
        novelty: (n,) how unlike the training images; none where not looked at.
    """

    probabilities: Floats
    novelty: Floats | None = None


Ask = Callable[[Image8], Answers]  # of (n, side, side, 3) uint8 RGB images


class Network:
    """Runs a loaded model; one forward pass gives probabilities and features.

    Args:
        model: From (n, side, side, 3) images to (n, classes) probabilities.

    Attributes:
        model: The same.
        sees: Whether its head is given one row of features for an image.
    """

    def __init__(self, model: Any) -> None:
        import keras

        self.model = model
        features = _find_features(model)
        self.sees = features is not None
        outputs = {"said": model.outputs[0]}
        if self.sees:
            outputs["features"] = features
        self._forward = compiled(keras.Model(model.inputs[0], outputs))

    def predict(self, images: Image8) -> Floats:
        """Return (n, classes) probabilities of (n, side, side, 3) uint8 RGB images."""
        return np.asarray(self._forward(images)["said"], np.float64)

    def see(self, images: Image8) -> tuple[Floats, Floats32]:
        """Return probabilities, and the (n, features) that the head is given.

        Args:
            images: (n, side, side, 3) uint8 RGB.

        Raises:
            NotFoundError: The head is given no row of features for an image.
            DataError: A feature is no finite number.
        """
        if not self.sees:
            message = (
                "model: must end in a layer that is given one row of features for an "
                "image, got another. Set evaluate.novelty=false."
            )
            raise NotFoundError(message)
        found = self._forward(images)
        said = np.asarray(found["said"], np.float64)
        return said, _checked(np.asarray(found["features"], np.float32))


def ask_of(network: Network, known: KnownTissue | None) -> Ask:
    """Return what asks a network of images, in one forward pass."""
    if known is None:
        return lambda images: Answers(network.predict(images))

    def ask(images: Image8) -> Answers:
        said, features = network.see(images)
        return Answers(said, known.novelty(features))

    return ask


def _find_features(model: Any) -> Any | None:
    """Return the tensor that the head is given, none where that is no row.

    Before the head scales it: directions of scaled features tell strangers worse.
    """
    from lcc.train.model import STANDARDIZE

    scaling = [layer for layer in model.layers if layer.name == STANDARDIZE]
    found = inputs_of((scaling or model.layers)[-1])
    is_row = len(found) == 1 and len(found[0].shape) == RANK
    return found[0] if is_row else None


def _checked(features: Floats32) -> Floats32:
    is_sound = np.isfinite(features).all(axis=1)
    if not is_sound.all():
        message = (
            f"model: features of an image must be finite numbers, got others for "
            f"{int((~is_sound).sum())} of {len(features)} images. Train again at a "
            "lower train.learning_rate, or set evaluate.novelty=false."
        )
        raise DataError(message)
    return features
