"""Features of a frozen backbone, computed from tiles and their augmented views.

View 0 is the tile unaltered, the others are augmented.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lcc.config.model import STANDARDIZE
from lcc.config.settings import Settings
from lcc.train.augment import draw_changes, jitter_stains, move_tiles
from lcc.train.feature_store import FeatureTable
from lcc.train.input import ImageSource
from lcc.train.model import set_standardization

Ints = NDArray[np.int64]
MAX_STANDARDIZED = 4096  # tiles that mean and variance are taken from: 1.6 % error of σ
BATCH = 32  # tiles at once: larger ones are not faster on a CPU, and need more memory


def compute_features(
    backbone: keras.Model,
    tiles: ImageSource,
    records: Ints,
    *,
    settings: Settings,
    num_views: int,
    progress: Callable[[int], None] = lambda count: None,  # noqa: ARG005
) -> NDArray[np.float32]:
    """Return pooled features, (k, num_views, channels) float32.

    Args:
        backbone: From images to (batch, channels).
        tiles: Packed tiles.
        records: (k,) tiles to compute.
        settings: Augmentation of the views, and their seed.
        num_views: Views per tile; the first is unaltered. What is drawn for a tile
            depends on its record, so that shards make no difference.
        progress: Told how many tiles were done.
    """
    total = int(records.max(initial=-1)) + 1
    views = []
    for view in range(num_views):
        changes = None
        if view:
            changes = draw_changes(
                settings.train.augmentation,
                num_examples=total,
                size_px=settings.data.tile_size_px,
                seed=settings.train.seed,
                epoch=view,
            )
        batches = []
        for start in range(0, len(records), BATCH):
            chosen = records[start : start + BATCH]
            images = tiles.take(chosen)
            if changes is not None:
                transforms, stains = changes.take(chosen)
                images = jitter_stains(move_tiles(images, transforms), stains)
            batches.append(np.asarray(_forward(backbone, images)))
            progress(len(chosen))
        empty = np.zeros((0, backbone.outputs[0].shape[-1]), np.float32)
        views.append(np.concatenate([empty, *batches]))
    return np.stack(views, axis=1).astype(np.float32)


def standardize(
    model: keras.Model, source: ImageSource, records: Ints, settings: Settings
) -> None:
    """Set the scaling of a model's head, if it has one, from evenly spaced examples."""
    if STANDARDIZE not in [layer.name for layer in model.layers]:
        return
    count = min(len(records), MAX_STANDARDIZED)
    chosen = records[np.linspace(0, len(records) - 1, count).astype(np.int64)]
    if isinstance(source, FeatureTable):
        set_standardization(model, source.take(chosen))
        return
    pooled = keras.Model(model.inputs[0], model.get_layer(STANDARDIZE).input)
    found = compute_features(pooled, source, chosen, settings=settings, num_views=1)
    set_standardization(model, found[:, 0])


def _forward(backbone: keras.Model, images: tf.Tensor) -> tf.Tensor:
    """Run the backbone compiled, one trace for all batches but a short last one."""
    compiled = _COMPILED.get(id(backbone))
    if compiled is None:
        compiled = tf.function(
            lambda batch: backbone(tf.cast(batch, tf.float32), training=False),
            reduce_retracing=True,
        )
        _COMPILED.clear()  # one backbone a process is the rule
        _COMPILED[id(backbone)] = compiled
    return compiled(tf.cast(images, tf.float32))


_COMPILED: dict[int, Callable[[tf.Tensor], tf.Tensor]] = {}
