"""Our training loop against Keras' `Model.fit`: one device, same model, same batches.

Prints the median ratio of fit's time to ours over interleaved rounds (1 is equal, above
1 ours is faster). Usage: python benchmarks/loop.py [--rounds 7]
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from lcc.config.train import AugmentationSettings, ClassBalance, TrainSettings
from lcc.train.input import Examples, TrainingData, training_batches
from lcc.train.loop import Loop
from lcc.train.steps import make_optimizer

SIDE_PX, NUM_IMAGES, BATCH = 96, 512, 32
SETTINGS = TrainSettings(
    epochs=2,
    batch_size=BATCH,
    class_balance=ClassBalance.NONE,
    augmentation=AugmentationSettings(enabled=False),
)


class Source:
    """Random tiles in memory."""

    def __init__(self) -> None:
        draw = np.random.default_rng(0)
        shape = (NUM_IMAGES, SIDE_PX, SIDE_PX, 3)
        self.tiles = draw.integers(0, 256, shape).astype(np.uint8)

    def take(self, records: np.ndarray) -> np.ndarray:
        return self.tiles[records]


def build() -> keras.Model:
    images = keras.Input((SIDE_PX, SIDE_PX, 3))
    scaled = keras.layers.Rescaling(1 / 255)(images)
    base = keras.applications.MobileNet(
        include_top=False, weights=None, input_tensor=scaled, pooling="avg", alpha=0.25
    )
    output = keras.layers.Dense(3, activation="softmax")(base.outputs[0])
    model = keras.Model(images, output)
    model.compile(
        make_optimizer(SETTINGS), "categorical_crossentropy", metrics=["accuracy"]
    )
    model.optimizer.build(model.trainable_variables)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    data = TrainingData(
        source=Source(),
        training=Examples(
            records=np.arange(NUM_IMAGES), labels=np.arange(NUM_IMAGES) % 3
        ),
    )
    own, kerass = build(), build()
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(
            model=own,
            strategy=tf.distribute.get_strategy(),
            settings=SETTINGS,
            data=data,
            num_classes=3,
            folder=Path(folder),
        )
        batches = training_batches(data, loop.plan, SETTINGS, start=0)
        pairs = batches.map(lambda x, y, _: (tf.cast(x, tf.float32), tf.one_hot(y, 3)))
        for number in range(rounds + 1):
            loop.own_callbacks = fresh_callbacks(loop, folder)
            ours = timed(loop.run)
            fits = timed(
                lambda: kerass.fit(
                    pairs,
                    steps_per_epoch=loop.plan.num_steps,
                    epochs=SETTINGS.epochs,
                    verbose=0,
                )
            )
            if number:  # the first round traces
                ratios.append(fits / ours)
    shown = " ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"fit / ours: median {statistics.median(ratios):.3f} (rounds {shown})")


def fresh_callbacks(loop: Loop, folder: str) -> list[keras.callbacks.Callback]:
    from lcc.train.callbacks import make_callbacks

    return make_callbacks(loop.settings, is_validated=False, folder=Path(folder))


def timed(call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
