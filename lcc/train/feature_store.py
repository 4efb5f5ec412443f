"""Features of a frozen backbone in the store: their digest, shards and table.

Rows of the development part only, in catalogue order: the sealed test split has no
features here. Knows no TensorFlow, so that a step that finds everything done is quick.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lcc.config.model import is_file_name
from lcc.config.settings import Settings
from lcc.data.catalogue import Catalogue
from lcc.errors import NotFoundError
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import fetch_file, shown_uri

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTable:
    """Features in memory, by number: row × views + view.

    Rows are counted within those that the table covers.

    Attributes:
        features: (rows, views, channels) float32.
    """

    features: NDArray[np.float32]

    def take(self, records: Ints) -> NDArray[np.float32]:
        """Return the features of some numbers, (k, channels) float32."""
        flat = self.features.reshape(-1, self.features.shape[-1])
        return np.asarray(flat[records])


def features_digest(settings: Settings, scratch: Path) -> str:
    """Return the digest of all that the features depend on, but the catalogue."""
    model = settings.model
    files = {
        uri: _file_digest(uri, settings, scratch)
        for uri in (model.backbone, model.weights)
        if is_file_name(uri)
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


def features_key(
    catalogue: Catalogue, digest: str, shard_index: int, num_shards: int
) -> str:
    """Return the key of one shard of features."""
    return layout.features_shard(
        catalogue.digest, digest, shard_index, num_shards=num_shards
    )


def write_features(store: Store, key: str, features: NDArray[np.float32]) -> None:
    """Write one shard, (rows, views, channels) float32."""
    buffer = io.BytesIO()
    np.save(buffer, features)
    store.write(key, buffer.getvalue())


def read_features(
    store: Store, catalogue: Catalogue, digest: str, *, num_shards: int
) -> FeatureTable:
    """Return all shards as one table.

    Raises:
        NotFoundError: A shard is missing.
    """
    shards = []
    for shard_index in range(num_shards):
        key = features_key(catalogue, digest, shard_index, num_shards)
        try:
            shards.append(np.load(io.BytesIO(store.read(key))))
        except NotFoundError as err:
            message = (
                f"{shown_uri(store.uri, key)}: not found. Run the features step again."
            )
            raise NotFoundError(message) from err
    return FeatureTable(features=np.concatenate(shards))
