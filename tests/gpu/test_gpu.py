"""On a GPU: what the CPU gives, in every precision, and a run that survives a kill."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.builders.trainings import train_in_process
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.gpu
SIDE_PX, NUM_IMAGES = 96, 32


@pytest.fixture(autouse=True)
def gpu() -> None:
    """Skip where TensorFlow sees no GPU."""
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("TensorFlow sees no GPU: run on a machine that has one")


def a_model(backbone: str, **options: object):
    """Return a classifier of random weights with plain gradient descent of rate 1."""
    import keras

    from lcc.config.model import ModelSettings
    from lcc.train.model import add_head, build_backbone

    keras.utils.set_random_seed(0)
    own = ModelSettings(backbone=backbone, weights="none", frozen_stages=0, dropout=0)
    network = build_backbone(own, size_px=SIDE_PX, scratch=Path())
    model = add_head(network, own, num_classes=3, seed=0)
    head = model.layers[-1].kernel  # zeros would have no gradient behind them
    head.assign(np.random.default_rng(1).normal(0, 0.1, head.shape))
    optimizer = keras.optimizers.SGD(1.0)
    if options.get("mixed_precision"):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=256)
    model.compile(optimizer, loss="categorical_crossentropy")
    return model


def a_step(
    device: str,
    backbone: str,
    *,
    policy: str = "float32",
    tf32: bool = False,
    **options: object,
) -> tuple[float, np.ndarray]:
    """Return the loss of one step, and the change of all weights in one vector."""
    import keras
    import tensorflow as tf

    from lcc.config.train import TrainSettings
    from lcc.train.steps import compile_steps

    tf.config.experimental.enable_tensor_float_32_execution(tf32)
    keras.mixed_precision.set_global_policy(policy)
    settings = TrainSettings(batch_size=NUM_IMAGES, **options)
    strategy = tf.distribute.OneDeviceStrategy(device)
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (NUM_IMAGES, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    weights = np.tile(np.float32([1, 1 / NUM_IMAGES]), (NUM_IMAGES, 1))
    batch = (images, np.arange(NUM_IMAGES) % 3, weights)
    try:
        with strategy.scope():
            model = a_model(backbone, **options)
        before = [value.numpy() for value in model.trainable_variables]
        steps = compile_steps(model, strategy, settings=settings, num_classes=3)
        sums = steps.train(tuple(tf.constant(part) for part in batch))
        after = [value.numpy() for value in model.trainable_variables]
    finally:
        keras.mixed_precision.set_global_policy("float32")
    changes = [(old - new).ravel() for old, new in zip(before, after, strict=True)]
    return float(sums.loss), np.concatenate(changes)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return how long the difference of two vectors is, as share of the first."""
    return float(np.linalg.norm(one - other) / np.linalg.norm(one))


# Errors of one rounding are 2^-24 (float32), 2^-11 (TF32, float16), 2^-8 (bfloat16);
# the layers of a network of random weights multiply them, fifty most of all.
@pytest.mark.parametrize(
    ("backbone", "options", "loss_limit", "limit"),
    [
        pytest.param("small", {}, 1e-5, 1e-2, id="float32"),
        pytest.param("small", {"xla": True}, 1e-5, 1e-2, id="float32, XLA"),
        pytest.param("small", {"tf32": True}, 1e-3, 0.1, id="TF32"),
        pytest.param(
            "small",
            {"policy": "mixed_float16", "mixed_precision": True},
            1e-3,
            0.1,
            id="float16",
        ),
        pytest.param("small", {"policy": "mixed_bfloat16"}, 1e-2, 0.3, id="bfloat16"),
        pytest.param("resnet50", {}, 1e-4, 0.1, id="resnet50, float32"),
        pytest.param("resnet50", {"xla": True}, 1e-4, 0.1, id="resnet50, XLA"),
    ],
)
def test_a_step_of_a_gpu_is_that_of_the_cpu(backbone, options, loss_limit, limit):
    expected_loss, expected = a_step("/cpu:0", backbone)
    loss, change = a_step("/gpu:0", backbone, **options)

    far = difference(expected, change)
    assert loss == pytest.approx(expected_loss, rel=loss_limit)
    assert far < limit, far


def test_a_training_killed_on_a_gpu_ends_with_the_same_weights(tmp_path: Path):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"

    codes = [
        train_in_process(undisturbed),
        train_in_process(killed, "SIGKILL", 7),
        train_in_process(killed),
    ]

    assert codes == [0, -9, 0]
    own, other = (np.load(root / "weights.npz") for root in (undisturbed, killed))
    assert all(np.array_equal(own[name], other[name]) for name in own.files)


def launch(folder: Path, *arguments: str) -> str:
    """Run a command of this checkout, installed or not, and return what it says."""
    command = [sys.executable, "-m", "lcc", *arguments]
    path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-4000:]
    return output


def test_a_run_trains_on_a_gpu_from_tiles_to_a_judged_model(tmp_path: Path):
    launch(tmp_path, "sample", "tiles", "--sources", "24", "--copies", "4")
    launch(tmp_path, "prepare", "tiles", "--local")
    settings = ["backbone=small", "weights=none", "frozen_stages=0"]
    options = [part for item in settings for part in ("--set", f"model.{item}")]

    launch(tmp_path, "train", "--local", "--gpus", "1", "--epochs", "4", *options)
    logs = launch(tmp_path, "logs")
    report = launch(tmp_path, "evaluate", "--local")

    assert re.search(r"event=training replicas=1 device=gpu", logs)
    assert "macro F1" in report
