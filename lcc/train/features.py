"""Features of a frozen backbone: computed once per tile, read by every trial.

Rows of the development part only, in catalogue order: the sealed test split has no
features here. View 0 is the tile unaltered, the others are augmented.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue
from lcc.errors import NotFoundError
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import fetch_file
from lcc.train.augment import apply_changes, draw_changes
from lcc.train.input import ImageSource

Ints = NDArray[np.int64]
BATCH = 32  # tiles at once: larger ones are not faster on a CPU, and need more memory


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTable:
    """Features by number: row × views + view, row counted in the development part.

    Attributes:
        features: (rows, views, channels) float32.
    """

    features: NDArray[np.float32]

    def take(self, records: Ints) -> NDArray[np.float32]:
        """Return (k, channels) float32."""
        _, num_views, num_channels = self.features.shape
        flat = self.features.reshape(-1, num_channels)
        assert num_views > 0  # noqa: S101 - a table without views cannot be made
        return flat[records]


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
            depends on its record, so that slices make no difference.
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
            images = tf.constant(tiles.take(chosen))
            if changes is not None:
                images = apply_changes(images, *changes.take(chosen))
            batches.append(np.asarray(_forward(backbone, images)))
            progress(len(chosen))
        empty = np.zeros((0, backbone.outputs[0].shape[-1]), np.float32)
        views.append(np.concatenate([empty, *batches]))
    return np.stack(views, axis=1).astype(np.float32)


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


def features_digest(settings: Settings, scratch: Path) -> str:
    """Return the digest of all that the features depend on, but the catalogue."""
    model = settings.model
    files = {
        uri: _file_digest(uri, settings, scratch)
        for uri in (model.backbone, model.weights)
        if "/" in uri
    }
    parts = {
        "backbone": files.get(model.backbone, model.backbone),
        "weights": files.get(model.weights, model.weights),
        "normalization": str(model.normalization),
        "tile_size_px": settings.data.tile_size_px,
        "seed": settings.train.seed,  # of random weights and of the views
        "views": settings.search.views,
        "augmentation": settings.train.augmentation.model_dump(mode="json")
        if settings.search.views > 1
        else None,
    }
    return layout.input_digest(step="features", **parts)


def _file_digest(uri: str, settings: Settings, scratch: Path) -> str:
    path = fetch_file(uri, scratch, settings=settings.storage)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def development_rows(catalogue: Catalogue) -> Ints:
    """Return the rows of training and validation, in catalogue order."""
    rows = [catalogue.rows("train"), catalogue.rows("validation")]
    return np.sort(np.concatenate(rows))


def features_key(catalogue: Catalogue, digest: str, index: int, num_slices: int) -> str:
    """Return the key of one slice of features."""
    name = f"part-{index:05d}-of-{num_slices:05d}.npy"
    return layout.features(catalogue.digest, digest, name)


def write_features(store: Store, key: str, features: NDArray[np.float32]) -> None:
    """Write one slice."""
    buffer = io.BytesIO()
    np.save(buffer, features)
    store.write(key, buffer.getvalue())


def read_features(
    store: Store, catalogue: Catalogue, digest: str, *, num_slices: int
) -> FeatureTable:
    """Return all slices as one table.

    Raises:
        NotFoundError: A slice is missing.
    """
    parts = []
    for index in range(num_slices):
        key = features_key(catalogue, digest, index, num_slices)
        try:
            parts.append(np.load(io.BytesIO(store.read(key))))
        except NotFoundError as err:
            message = f"{store.uri}/{key}: not found. Run the features step again."
            raise NotFoundError(message) from err
    return FeatureTable(features=np.concatenate(parts))
