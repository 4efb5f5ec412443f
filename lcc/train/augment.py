"""Augmentation of training tiles: one affine transform and one stain jitter.

Knows how changes are drawn and applied to a batch. A change is a function of (seed,
epoch, position of the example) alone, so that a resumed run sees the very same tiles.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lcc.config.train import AugmentationSettings
from lcc.data.stains import WHITE, stain_matrices

Floats = NDArray[np.float32]
Tiles8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A random transform and stain jitter for each example.

    Attributes:
        transforms: (n, 2, 3) float32, affine, from output to input pixels.
        stains: (n, 3, 3) float32, by which optical densities are multiplied.
    """

    transforms: Floats
    stains: Floats

    def take(self, positions: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return transforms and stains of some examples."""
        return self.transforms[positions], self.stains[positions]


def draw_changes(
    settings: AugmentationSettings,
    *,
    num_examples: int,
    size_px: int,
    seed: int,
    epoch: int,
) -> Changes:
    """Return random changes for every example of one epoch.

    Rotation, zoom, flips, shear and shift are composed into one matrix about the
    centre; strengths of haematoxylin and eosin are drawn independently, what neither
    stain explains is kept.

    Source: stain jitter as in Tellez et al., "Whole-slide mitosis detection in H&E
    breast histology", IEEE Trans. Med. Imaging 37 (2018) 2126–2136, multiplicative
    part only.
    """
    # Philox is counter-based: (seed, epoch) is its key, and no draw depends on another
    # epoch having been drawn.
    draw = np.random.Generator(np.random.Philox(key=[seed, epoch]))
    uniform = draw.uniform(-1, 1, (num_examples, 9))  # one row per example
    return Changes(
        transforms=_compose(settings, uniform[:, :7], size_px=size_px),
        stains=stain_matrices(1 + settings.stain_fraction * uniform[:, 7:]),
    )


def move_tiles(tiles: Tiles8, transforms: Floats) -> Tiles8:
    """Return each tile moved by its transform, interpolated once.

    Bilinear; what lies outside is the reflection of what lies inside. OpenCV does this
    four times as fast as TensorFlow's projective transform on the same processor.

    Args:
        tiles: (b, height, width, 3) uint8, RGB, 0–255.
        transforms: (b, 2, 3) float32, from output to input pixels.

    Returns:
        (b, height, width, 3) uint8, RGB, 0–255.
    """
    moved = np.empty_like(tiles)
    size = (tiles.shape[2], tiles.shape[1])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for number, (tile, matrix) in enumerate(zip(tiles, transforms, strict=True)):
        cv2.warpAffine(
            tile,
            matrix,
            size,
            dst=moved[number],
            flags=flags,
            borderMode=cv2.BORDER_REFLECT,
        )
    return moved


def jitter_stains(images: Any, stains: Any) -> Any:
    """Return each tile with other strengths of its stains.

    Works eagerly and inside `tf.data`.

    Args:
        images: (b, height, width, 3) uint8 or float32, RGB, 0–255.
        stains: (b, 3, 3) float32.

    Returns:
        (b, height, width, 3) float32, RGB, 0–255.
    """
    images = tf.cast(images, tf.float32)
    shape = tf.shape(images)
    density = tf.math.log((images + 1) / WHITE)
    pixels = tf.reshape(density, (shape[0], shape[1] * shape[2], 3))
    changed = tf.reshape(tf.matmul(pixels, stains), shape)
    return tf.clip_by_value(tf.exp(changed) * WHITE - 1, 0, 255)


def _compose(
    settings: AugmentationSettings, uniform: NDArray[np.float64], *, size_px: int
) -> Floats:
    angle = np.radians(settings.rotation_degrees) * uniform[:, 0]
    scale = 1 / (1 + settings.zoom_fraction * uniform[:, 1])  # output to input
    shear = np.tan(np.radians(settings.shear_degrees) * uniform[:, 2])
    flip_x = np.where((uniform[:, 3] < 0) & settings.horizontal_flip, -1.0, 1.0)
    flip_y = np.where((uniform[:, 4] < 0) & settings.vertical_flip, -1.0, 1.0)
    shift = uniform[:, 5:7] * settings.shift_fraction * size_px
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.empty((len(uniform), 2, 2))
    linear[:, 0, 0] = scale * cos * flip_x
    linear[:, 0, 1] = scale * (cos * shear - sin) * flip_y
    linear[:, 1, 0] = scale * sin * flip_x
    linear[:, 1, 1] = scale * (sin * shear + cos) * flip_y
    centre = np.full(2, (size_px - 1) / 2)
    offset = centre + shift - linear @ centre
    return np.concatenate([linear, offset[:, :, None]], axis=2).astype(np.float32)
