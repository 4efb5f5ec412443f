"""A small network of our own, trained from scratch in seconds an epoch on a CPU.

Has the form of a `keras.applications` model, so that it is built, frozen and saved like
one; there are no weights to download.

Source: 3×3 convolutions whose filters double while pooling halves the side, as Simonyan
and Zisserman, Very deep convolutional networks, 2015, each with the normalisation of
Ioffe and Szegedy, Batch normalization, 2015.
"""

from typing import Any

import keras
from numpy.typing import NDArray

FILTERS = (32, 64, 128)  # of the blocks; with the stem's 16 a quarter million weights
MOMENTUM = 0.9  # of the moving statistics: an epoch has tens of steps, not thousands


def small(
    *,
    include_top: bool = False,  # noqa: ARG001 - as every application has it
    weights: None = None,  # noqa: ARG001 - there are none
    input_tensor: Any = None,
    input_shape: tuple[int, int, int] = (48, 48, 3),
) -> keras.Model:
    """Return the network from images to a feature map of a sixteenth of a tile's side.

    Args:
        include_top: Ignored: there is no top.
        weights: Ignored: it is trained from scratch.
        input_tensor: Scaled images, (batch, height, width, 3) float32, -1 to 1.
        input_shape: Of one image, where no tensor is given.
    """
    images = keras.Input(input_shape) if input_tensor is None else input_tensor
    maps = _convolve(images, FILTERS[0] // 2, strides=2, name="stem")
    for number, filters in enumerate(FILTERS, 1):
        maps = _convolve(maps, filters, name=f"block{number}")
        maps = keras.layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(maps)
    maps = _convolve(maps, FILTERS[-1], name="block4")
    return keras.Model(keras.utils.get_source_inputs(maps), maps, name="small")


def preprocess_input(images: NDArray[Any]) -> NDArray[Any]:
    """Return images scaled from 0–255 to -1–1."""
    return images / 127.5 - 1


def _convolve(maps: Any, filters: int, *, name: str, strides: int = 1) -> Any:
    maps = keras.layers.Conv2D(
        filters,
        3,
        strides=strides,
        padding="same",
        use_bias=False,  # the normalisation has one
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(maps)
    maps = keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(maps)
    return keras.layers.ReLU(name=f"{name}_relu")(maps)
