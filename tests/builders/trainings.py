"""Small trainings: tiles whose class shows, a tiny network, and the loop."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np

from lcc.config.train import AugmentationSettings, TrainSettings
from lcc.train.checkpoint import Checkpoints
from lcc.train.input import Examples, TrainingData
from lcc.train.loop import Hooks, Loop
from lcc.train.steps import make_optimizer
from tests.conftest import REPOSITORY

SIDE_PX = 16


class ArraySource:
    """Tiles in memory."""

    def __init__(self, tiles: np.ndarray) -> None:
        self.tiles = tiles

    def take(self, records: np.ndarray) -> np.ndarray:
        return self.tiles[records]


def some_data(num_images: int = 52, *, noise: float = 60.0) -> TrainingData:
    """Return tiles of three colours under noise; every fourth is for validation."""
    draw = np.random.default_rng(0)
    labels = np.arange(num_images) % 3
    colours = np.array([[200, 90, 150], [120, 60, 160], [220, 180, 210]])
    tiles = colours[labels][:, None, None] + draw.normal(
        0, noise, (num_images, SIDE_PX, SIDE_PX, 3)
    )
    rows = np.arange(num_images)
    training, validation = rows[rows % 4 != 0], rows[rows % 4 == 0]
    return TrainingData(
        source=ArraySource(np.clip(tiles, 0, 255).astype(np.uint8)),
        training=Examples(records=training, labels=labels[training]),
        validation=Examples(records=validation, labels=labels[validation]),
    )


def some_settings(**changes: object) -> TrainSettings:
    """Return few epochs of small batches, plain unless said otherwise."""
    plain = {
        "epochs": 2,
        "batch_size": 8,
        "learning_rate": 0.01,
        "augmentation": AugmentationSettings(enabled=False),
    }
    return TrainSettings(**(plain | changes))


def a_network(*, dropout: float = 0.0, batch_normalization: bool = False):
    """Return a network of one convolution, from images to probabilities."""
    images = keras.Input((SIDE_PX, SIDE_PX, 3))
    features = keras.layers.Rescaling(1 / 255)(images)
    features = keras.layers.Conv2D(6, 3, strides=2, activation="relu")(features)
    if batch_normalization:
        features = keras.layers.BatchNormalization(momentum=0.5)(features)
    features = keras.layers.GlobalAveragePooling2D()(features)
    features = keras.layers.Dropout(dropout, seed=1)(features)
    return keras.Model(images, keras.layers.Dense(3, activation="softmax")(features))


def a_loop(
    folder: Path,
    strategy,
    *,
    settings: TrainSettings | None = None,
    data: TrainingData | None = None,
    hooks: Hooks | None = None,
    **network: object,
) -> Loop:
    """Return a loop ready to run."""
    chosen = settings or some_settings()
    keras.utils.set_random_seed(chosen.seed)
    with strategy.scope():
        model = a_network(**network)
        model.compile(make_optimizer(chosen), loss="categorical_crossentropy")
        model.optimizer.build(model.trainable_variables)
    return Loop(
        model=model,
        strategy=strategy,
        settings=chosen,
        data=data or some_data(),
        num_classes=3,
        folder=folder,
        hooks=hooks or Hooks(),
    )


def some_checkpoints(store, *, digest: str = "same") -> Checkpoints:
    return Checkpoints(store, run_id="train-1", digest=digest)


def train_in_process(root: Path, number: str = "SIGKILL", step: int = 0) -> int:
    """Train in a process that ends itself at a step; return its exit code."""
    root.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.train.process", str(root), number]
    command.append(str(step))
    return subprocess.run(command, cwd=REPOSITORY, check=False).returncode
