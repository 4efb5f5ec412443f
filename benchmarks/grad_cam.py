"""Grad-CAM of many tiles at once, against a plain GradientTape loop over them.

The loop makes one map of one tile, as most published code does; ours also makes those
of five shuffled last layers in the same pass, which the loop makes one by one. By turns
in one run; the maps must be the same.
Usage: python benchmarks/grad_cam.py BACKBONE.keras [--tiles 32] [--side 224]
"""

import argparse
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

from lcc.evaluate.explain import shuffled
from lcc.evaluate.grad_cam import GradCam

NUM_CLASSES = 3
REPEATS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backbone")
    parser.add_argument("--tiles", type=int, default=32)
    parser.add_argument("--side", type=int, default=224)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    maps = keras.saving.load_model(arguments.backbone, compile=False)
    pooled = keras.layers.GlobalAveragePooling2D()(maps.output)
    said = keras.layers.Dense(NUM_CLASSES, activation="softmax")(pooled)
    model = keras.Model(maps.inputs[0], said)
    draw = np.random.default_rng(0)
    shape = (arguments.tiles, arguments.side, arguments.side, 3)
    tiles = draw.integers(0, 256, shape).astype(np.uint8)
    classes = draw.integers(0, NUM_CLASSES, arguments.tiles)
    grad_cam = GradCam(model, side_px=arguments.side)
    kernels = np.stack([grad_cam.kernel, *shuffled(grad_cam.kernel, seed=0)])
    plain = Plain(model)
    own, others = [], {1: [], len(kernels): []}
    grad_cam(tiles, classes, kernels=kernels)  # compiles
    for _ in range(REPEATS):
        seconds, found = timed(lambda: grad_cam(tiles, classes, kernels=kernels))
        own.append(seconds)
        for count, times in others.items():
            seconds, looped = timed(lambda n=count: plain(tiles, classes, kernels[:n]))
            times.append(seconds)
            worst = np.abs(found[:count] - looped).max() / np.abs(looped).max()
    for count, times in others.items():
        ratio = statistics.median(np.array(times) / np.array(own))
        print(f"a loop that makes {count} maps a tile takes {ratio:.1f} x the time")
    print(
        f"ours: {len(kernels)} maps a tile, {arguments.tiles} tiles of "
        f"{arguments.side} px, {statistics.median(own):.2f} s; largest difference "
        f"{worst:.1g} of the largest value"
    )


def timed(work):
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


class Plain:
    """One tile and one last layer at a time."""

    def __init__(self, model: keras.Model) -> None:
        self.last = model.layers[-1]
        maps = model.layers[-2].input
        self.both = keras.Model(model.inputs[0], [maps, self.last.input])

    def __call__(self, tiles, classes, kernels) -> np.ndarray:
        return np.stack(
            [
                [self.one(*pair, kernel) for pair in zip(tiles, classes, strict=True)]
                for kernel in kernels
            ]
        )

    def one(self, tile, number, kernel) -> np.ndarray:
        with tf.GradientTape() as tape:
            images = tf.cast(tile[None], tf.float32)
            tape.watch(images)
            maps, features = self.both(images, training=False)
            score = (features @ kernel + self.last.bias)[0, int(number)]
        slopes = tape.gradient(score, maps)
        weights = tf.reduce_mean(slopes, axis=(1, 2), keepdims=True)
        return tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))[0].numpy()


if __name__ == "__main__":
    main()
