"""TensorFlow's set-up in a process, and the backbone with or without training."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lcc.config.settings import Settings
from lcc.train.input import ImageSource, Ints
from lcc.train.model import build_backbone


def is_frozen(settings: Settings) -> bool:
    """Return whether only the head is trained, on features made once."""
    return settings.model.frozen_stages == "all"


def build_frozen_backbone(settings: Settings, scratch: Path) -> keras.Model:
    """Return the backbone whose features are computed once, the same every time."""
    prepare_tensorflow(settings)
    return make_backbone(settings, scratch)


def make_backbone(settings: Settings, scratch: Path) -> keras.Model:
    """Return the backbone that the settings ask for, from images to features."""
    return build_backbone(
        settings.model,
        size_px=settings.data.tile_size_px,
        scratch=scratch,
        storage=settings.storage,
    )


def prepare_tensorflow(settings: Settings) -> None:
    """Seed TensorFlow, have it repeat itself to the bit, and set the precision."""
    keras.utils.set_random_seed(settings.train.seed)
    if not settings.train.mixed_precision:
        tf.config.experimental.enable_op_determinism()
    policy = "mixed_float16" if settings.train.mixed_precision else "float32"
    keras.mixed_precision.set_global_policy(policy)


def predict(
    model: keras.Model, source: ImageSource, records: Ints
) -> NDArray[np.float32]:
    """Return probabilities of examples, (k, num_classes) float32."""
    batches = [
        np.asarray(model(source.take(records[start : start + 32]), training=False))
        for start in range(0, len(records), 32)
    ]
    return np.concatenate(batches)
