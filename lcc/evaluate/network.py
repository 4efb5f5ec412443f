"""A saved network as functions of images: what it says of them, what it sees in them.

Knows networks that `lcc` saves: one flat graph whose last weights are those of a dense
layer.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lcc.config.model import STANDARDIZE
from lcc.errors import DataError, NotFoundError
from lcc.evaluate.bootstrap import Floats
from lcc.evaluate.grad_cam import Floats32, compiled, inputs_of
from lcc.evaluate.novelty import KnownTissue
from lcc.images.decode import Image8

ROW, MAP = 2, 4  # ranks: (batch, features), (batch, height, width, channels)


class Answers(NamedTuple):
    """What a model says of some images.

    Attributes:
        probabilities: (n, classes).
        novelty: (n,) how unlike the training images; none where not looked at.
    """

    probabilities: Floats
    novelty: Floats | None = None


def join_answers(said: Sequence[Answers]) -> Answers:
    """Return the answers of several batches as one, in their order."""
    novelty = [own.novelty for own in said if own.novelty is not None]
    return Answers(
        np.concatenate([own.probabilities for own in said]),
        np.concatenate(novelty) if novelty else None,
    )


Ask = Callable[[Image8], Answers]  # of (n, side, side, 3) uint8 RGB images


class Network:
    """Runs a loaded model; one forward pass gives probabilities and features.

    Args:
        model: From (n, side, side, 3) images to (n, classes) probabilities.
        side_px: Side of the images.

    Attributes:
        model: The same.
        sees: Whether its head is given one row of features for an image.
    """

    def __init__(self, model: Any, *, side_px: int) -> None:
        import keras

        self.model = model
        features = _find_features(model, side_px)
        self.sees = features is not None
        outputs = {"said": model.outputs[0]}
        if self.sees:
            outputs["features"] = features
        self._forward = compiled(keras.Model(model.inputs[0], outputs))

    def predict(self, images: Image8) -> Floats:
        """Return (n, classes) probabilities of (n, side, side, 3) uint8 RGB images."""
        return np.asarray(self._forward(images)["said"], np.float64)

    def see(self, images: Image8) -> tuple[Floats, Floats32]:
        """Return probabilities, and (n, features) that tell what is seen.

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


def _find_features(model: Any, side_px: int) -> Any | None:
    """Return the tensor of features, none where the head is given no row.

    What the head is given, before it scales that, as directions of scaled features tell
    strangers worse; and the mean over places of the last feature map of each finer
    resolution: what the head is given may hold nothing but the classes, while colours
    and edges are there still. Each part has length 1.
    Source: Lee et al., A simple unified framework for detecting out-of-distribution
    samples and adversarial attacks, NeurIPS 2018, section 2.2 (feature ensemble).
    """
    from keras import layers

    scaling = [layer for layer in model.layers if layer.name == STANDARDIZE]
    # What an exported network has above its head, to calibrate, has no weights.
    head = next(layer for layer in reversed(model.layers) if layer.weights)
    found = inputs_of(scaling[-1] if scaling else head)
    if len(found) != 1 or len(found[0].shape) != ROW:
        return None
    means = [
        layers.GlobalAveragePooling2D(dtype="float32")(place)
        for place in _finer_maps(model, side_px)
    ]
    parts = [layers.UnitNormalization(dtype="float32")(p) for p in (*means, found[0])]
    return layers.Concatenate(dtype="float32")(parts) if means else parts[0]


def _finer_maps(model: Any, side_px: int) -> list[Any]:
    """Return the last feature map of each resolution but the coarsest, finest first.

    That of the coarsest is what the head is given the mean of. Maps of one place, which
    weigh channels, are none.
    """
    import keras

    maps = {
        id(tensor): tensor
        for layer in model.layers
        for tensor in inputs_of(layer)
        if len(tensor.shape) == MAP and tensor is not model.inputs[0]
    }
    if not maps:
        return []
    several = keras.Model(model.inputs[0], list(maps.values()))
    shapes = several.compute_output_shape((1, side_px, side_px, 3))
    shapes = shapes if isinstance(shapes, list) else [shapes]
    last = {
        round(math.log2(side_px / shape[1])): tensor  # halvings; padding is none
        for tensor, shape in zip(maps.values(), shapes, strict=True)
        if shape[1] > 1
    }
    return [last[halvings] for halvings in sorted(last)[:-1]]


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
