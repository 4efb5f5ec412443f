"""Fine-tuning of ResNet50 at 224 px on one GPU, beside PyTorch's of the same network.

Prints images a second for each precision and batch: of our steps over a batch that lies
ready, of the same over packed tiles with and without augmentation (the rest of the time
is waited for data), and of PyTorch (timm, channels last, autocast, fused Adam) over a
batch that lies ready. Each side is a process of its own, on the same card.
Usage: python benchmarks/gpu.py [--cases bfloat16:256] [--no-torch]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from lcc.config.model import ModelSettings
from lcc.config.train import AugmentationSettings, TrainSettings

SIDE_PX, NUM_TILES, WARM_UP, STEPS, ROUNDS = 224, 2048, 6, 12, 3
CASES = [
    "bfloat16:256",
    "float16:256",
    "tf32:256",
    "float32:256",
    "bfloat16+xla:256",
    "tf32+xla:256",
    "bfloat16:64",
    "bfloat16:128",
    "bfloat16:512",
]


def parse_case(case: str) -> tuple[str, bool, int]:
    """Return precision, whether XLA compiles, and batch of `bfloat16+xla:256`."""
    kind, _, batch = case.partition(":")
    precision, _, xla = kind.partition("+")
    return precision, xla == "xla", int(batch)


def rate(take_step, wait, *, batch: int) -> float:
    """Return images a second, the median of some rounds after a warm-up."""
    for _ in range(WARM_UP):
        take_step()
    wait()
    rates = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(STEPS):
            take_step()
        wait()
        rates.append(STEPS * batch / (time.perf_counter() - started))
    return statistics.median(rates)


class Tiles:
    """Random tiles in memory."""

    def __init__(self) -> None:
        draw = np.random.default_rng(0)
        shape = (NUM_TILES, SIDE_PX, SIDE_PX, 3)
        self.tiles = draw.integers(0, 256, shape, dtype=np.uint8)

    def take(self, records: np.ndarray) -> np.ndarray:
        return self.tiles[records]


class Ours:
    """Our steps of one case, and our input."""

    def __init__(self, case: str) -> None:
        import keras
        import tensorflow as tf

        from lcc.train.steps import compile_steps, make_optimizer

        precision, xla, batch = parse_case(case)
        (gpu,) = tf.config.list_physical_devices("GPU")[:1]
        tf.config.experimental.set_memory_growth(gpu, enable=True)
        tf.config.experimental.enable_tensor_float_32_execution(precision != "float32")
        is_half = precision in {"float16", "bfloat16"}
        policy = f"mixed_{precision}" if is_half else "float32"
        keras.mixed_precision.set_global_policy(policy)
        self.strategy = tf.distribute.OneDeviceStrategy("/gpu:0")
        self.settings = TrainSettings(
            batch_size=batch, mixed_precision=precision == "float16", xla=xla
        )
        with self.strategy.scope():
            model = self._build()
            model.compile(
                make_optimizer(self.settings), loss="categorical_crossentropy"
            )
            model.optimizer.build(model.trainable_variables)
        self.steps = compile_steps(
            model, self.strategy, settings=self.settings, num_classes=3
        )

    def _build(self):
        from lcc.train.model import add_head, build_backbone

        own = ModelSettings(weights="none", frozen_stages=0)
        backbone = build_backbone(own, size_px=SIDE_PX, scratch=Path())
        return add_head(backbone, own, num_classes=3, seed=0)

    def batches(self, *, is_augmented: bool):
        from lcc.train.devices import distribute
        from lcc.train.input import EpochPlan, Examples, TrainingData, training_batches

        augmentation = AugmentationSettings(enabled=is_augmented)
        chosen = self.settings.model_copy(update={"augmentation": augmentation})
        labels = np.arange(NUM_TILES) % 3
        examples = Examples(records=np.arange(NUM_TILES), labels=labels)
        data = TrainingData(source=Tiles(), training=examples)
        plan = EpochPlan(labels, chosen, num_classes=3)
        return distribute(
            self.strategy,
            lambda shard: training_batches(data, plan, chosen, start=0, shard=shard),
            batch_size=chosen.batch_size,
        )

    def rate(self, next_batch) -> float:
        last = []

        def take_step() -> None:
            last[:] = [self.steps.train(next_batch())]

        wait = lambda: float(last[0].loss)  # noqa: E731 - two words of one step
        return rate(take_step, wait, batch=self.settings.batch_size)


def ours(case: str) -> dict[str, float]:
    import tensorflow as tf

    own = Ours(case)
    plain, augmented = (own.batches(is_augmented=kind) for kind in (False, True))
    with tf.device("/gpu:0"):
        ready = tuple(tf.identity(part) for part in next(plain))
    return {
        "ready": own.rate(lambda: ready),
        "plain": own.rate(lambda: next(plain)),
        "augmented": own.rate(lambda: next(augmented)),
    }


def torchs(case: str) -> dict[str, float]:
    import timm
    import torch

    precision, _, batch = parse_case(case)
    torch.backends.cudnn.benchmark = True
    is_tf32 = precision != "float32"
    torch.backends.cuda.matmul.allow_tf32 = is_tf32
    torch.backends.cudnn.allow_tf32 = is_tf32
    half = {"float16": torch.float16, "bfloat16": torch.bfloat16}.get(precision)
    model = timm.create_model("resnet50", num_classes=3).cuda()
    model = model.to(memory_format=torch.channels_last).train()
    adam = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    scaler = torch.amp.GradScaler(enabled=precision == "float16")
    tiles = torch.randint(0, 256, (batch, 3, SIDE_PX, SIDE_PX), dtype=torch.uint8)
    tiles = tiles.cuda().to(memory_format=torch.channels_last)
    labels = (torch.arange(batch) % 3).cuda()

    def take_step() -> None:
        adam.zero_grad(set_to_none=True)
        with torch.autocast("cuda", dtype=half, enabled=half is not None):
            logits = model(tiles.float() / 255)
            loss = torch.nn.functional.cross_entropy(logits, labels)
        scaler.scale(loss).backward()
        scaler.step(adam)
        scaler.update()

    return {"ready": rate(take_step, torch.cuda.synchronize, batch=batch)}


SIDES = {"ours": ours, "torch": torchs}


def measured(side: str, case: str) -> dict[str, float]:
    """Return what a process of its own measures; nothing where it fails."""
    command = [sys.executable, __file__, "--side", side, "--cases", case]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"} | os.environ
    done = subprocess.run(
        command, env=quiet, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(*done.stderr.splitlines()[-8:], sep="\n", file=sys.stderr)
        return {}
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", default=CASES)
    parser.add_argument("--no-torch", action="store_true")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments.cases[0])))
        return
    none = float("nan")
    own_rates = {}
    print("case               ready  packed  augmented  waits", flush=True)
    for case in arguments.cases:
        own = measured("ours", case)
        kinds = ("ready", "plain", "augmented")
        ready, plain, augmented = (own.get(kind, none) for kind in kinds)
        own_rates[case] = ready
        waits = 1 - augmented / ready
        print(
            f"{case:17} {ready:6,.0f} {plain:7,.0f} {augmented:10,.0f} {waits:6.0%}",
            flush=True,
        )
    if arguments.no_torch:
        return
    print("case             PyTorch  ours/PyTorch", flush=True)
    for case, own in own_rates.items():
        other = measured("torch", case).get("ready", none)
        print(f"{case:17} {other:6,.0f} {own / other:13.2f}", flush=True)


if __name__ == "__main__":
    main()
