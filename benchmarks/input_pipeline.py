"""Our packed-tile pipeline against Keras' `ImageDataGenerator`, one process each.

Both rotate, zoom, flip, shift and shear; ours reads packed tiles, Keras decodes the
JPEG files of the same images in every epoch, as the notebook did. Prints the median
ratio of tiles a second over interleaved rounds.
Usage: python benchmarks/input_pipeline.py [--rounds 5]
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import numpy as np
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from lcc.config.train import AugmentationSettings, TrainSettings
from lcc.data.sample import CLASSES, write_sample
from lcc.train.input import EpochPlan, Examples, TrainingData, training_batches

SIDE_PX, BATCH, NUM_BATCHES = 224, 32, 12
AUGMENTATION = AugmentationSettings(stain_fraction=0)
SETTINGS = TrainSettings(batch_size=BATCH, augmentation=AUGMENTATION)


class Packed:
    """Packed tiles, mapped from a file as training maps them."""

    def __init__(self, folder: Path) -> None:
        files = sorted(folder.rglob("*.jpeg"))
        tiles = np.stack([cv2.imread(str(file))[..., ::-1] for file in files])
        packed = folder / "tiles"
        packed.write_bytes(tiles.tobytes())
        self.labels = np.array([CLASSES.index(file.parent.name) for file in files])
        self.tiles = np.memmap(packed, np.uint8, "r", shape=tiles.shape)

    def take(self, records: np.ndarray) -> np.ndarray:
        return self.tiles[records]


def rate(batches) -> float:
    """Return tiles a second after one batch of warm-up."""
    next(batches)
    started = time.perf_counter()
    count = sum(len(next(batches)[0]) for _ in range(NUM_BATCHES))
    return count / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sample(folder, num_sources=16, num_copies=9, size_px=SIDE_PX)
        source = Packed(folder)
        examples = Examples(records=np.arange(len(source.labels)), labels=source.labels)
        data = TrainingData(source=source, training=examples)
        plan = EpochPlan(examples.labels, SETTINGS, num_classes=3)
        generator = ImageDataGenerator(
            rotation_range=AUGMENTATION.rotation_degrees,
            zoom_range=AUGMENTATION.zoom_fraction,
            horizontal_flip=True,
            vertical_flip=True,
            width_shift_range=AUGMENTATION.shift_fraction,
            height_shift_range=AUGMENTATION.shift_fraction,
            shear_range=AUGMENTATION.shear_degrees,
            fill_mode="reflect",
        )
        ratios = []
        for number in range(rounds):
            start = number * NUM_BATCHES
            ours = rate(iter(training_batches(data, plan, SETTINGS, start=start)))
            flow = generator.flow_from_directory(
                folder, target_size=(SIDE_PX, SIDE_PX), batch_size=BATCH
            )
            keras_rate = rate(flow)
            ratios.append(ours / keras_rate)
            print(f"ours {ours:.0f} tiles/s, ImageDataGenerator {keras_rate:.0f}")
    print(f"ours / ImageDataGenerator: median {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
