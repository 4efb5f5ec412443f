"""A train run whose tiny network is there, its evaluation, and tiles to try it on."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa

from lcc.config.load import changed_settings, dump_settings
from lcc.data.catalogue import Catalogue, write_catalogue
from lcc.data.digest import digest_of
from lcc.data.tiles import TileShard, write_tile_index
from lcc.evaluate.network import Network
from lcc.evaluate.novelty import Threshold, know_tissue, write_known
from lcc.launch.state import write_state
from lcc.storage import layout
from lcc.storage.local import LocalStore
from tests.builders.launches import a_state, local_settings
from tests.builders.predictions import CLASSES, a_table

SIDE_PX = 16
MODEL_RUN, EVALUATION = "train-20261128-0915-k3f9", "evaluate-20261128-0930-abcd"
TEMPERATURE, THRESHOLD, MAX_NOVELTY = 1.5, 0.42, 0.8
SHARD = "work/ab12/hash/shard-00000-of-00001.tiles"


def some_tiles(count: int = 40, *, seed: int = 0) -> np.ndarray:
    """Return images of all brightnesses, so that a network says several things."""
    draw = np.random.default_rng(seed)
    levels = draw.integers(0, 200, (count, 1, 1, 3))
    noise = draw.integers(0, 56, (count, SIDE_PX, SIDE_PX, 3))
    return (levels + noise).astype(np.uint8)


def a_network(*, activation: str = "softmax", policy: str = "float32") -> keras.Model:
    """Return a network that says different things of different colours."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    images = keras.Input((SIDE_PX, SIDE_PX, 3), name="images")
    maps = layers.Conv2D(3, 1, name="preprocessing", dtype="float32")(images)
    maps = layers.Conv2D(8, 3, strides=2, activation="relu", dtype=policy)(maps)
    maps = layers.BatchNormalization(dtype=policy)(maps)
    row = layers.GlobalAveragePooling2D(dtype="float32")(maps)
    row = layers.Rescaling(1.0, name="rescaling")(row)  # as Keras names one of its own
    row = layers.Dropout(0.2, seed=1)(row)
    said = layers.Dense(3, activation=activation, name="probabilities")(row)
    model = keras.Model(images, said, name="classifier")
    kernel, bias = np.eye(3).reshape(1, 1, 3, 3) / 60, np.full(3, -2.0)
    model.get_layer("preprocessing").set_weights([kernel, bias])
    return model


@cache
def _saved_network() -> bytes:
    path = Path("network.keras").absolute()
    a_network().save(path)
    return path.read_bytes()


def a_trained_root(
    folder: Path, *, is_evaluated: bool = True, has_tiles: bool = True
) -> LocalStore:
    """Write a train run, its evaluation and its tiles; return the root."""
    store = LocalStore(folder)
    catalogue = _write_catalogue(store, has_tiles=has_tiles)
    store.write(layout.model(MODEL_RUN), _saved_network())
    sha256 = digest_of(folder / layout.model(MODEL_RUN))
    card = {
        "class_names": CLASSES,
        "tile_size_px": SIDE_PX,
        "sha256": sha256,
        "catalogue": catalogue.digest,
    }
    store.write(layout.model_card(MODEL_RUN), json.dumps(card).encode())
    _write_run(store, MODEL_RUN)
    if is_evaluated:
        _write_evaluation(store, folder)
    return store


def _write_catalogue(store: LocalStore, *, has_tiles: bool) -> Catalogue:
    table = a_table(10, 4).table
    splits = ["train" if row < 20 else "validation" for row in range(40)]
    columns = {"split": pa.array(splits), "record": pa.array(range(40), pa.int64())}
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    catalogue = write_catalogue(store, table, name="lung")
    if has_tiles:
        store.write(SHARD, some_tiles().tobytes())
        shard = TileShard(key=SHARD, num_records=40, sha256="")
        write_tile_index(store, catalogue, [shard], size_px=SIDE_PX)
    return catalogue


def _write_evaluation(store: LocalStore, folder: Path) -> None:
    model = keras.saving.load_model(folder / layout.model(MODEL_RUN), compile=False)
    _, features = Network(model, side_px=SIDE_PX).see(some_tiles(20))
    known = replace(know_tissue(features), threshold=Threshold(value=MAX_NOVELTY))
    document = {
        "calibration": {"temperature": TEMPERATURE},
        "abstention": {"threshold": THRESHOLD, "max_error": 0.01},
    }
    files = {
        "metrics.json": json.dumps(document).encode(),
        "novelty.npz": write_known(known),
        "model_card.md": b"# Model card\n",
    }
    for name, content in files.items():
        store.write(layout.evaluation(EVALUATION, name), content)
    _write_run(store, EVALUATION)


def _write_run(store: LocalStore, run_id: str) -> None:
    changes = {"evaluate.model_run": MODEL_RUN, "data.name": "lung"}
    settings = changed_settings(local_settings(store), changes)
    store.write(layout.run_settings(run_id), dump_settings(settings).encode())
    write_state(store, a_state(run_id, created="2026-11-28T09:15:00+00:00"))
