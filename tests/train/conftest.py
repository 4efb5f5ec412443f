"""TensorFlow, with four logical CPU devices: the split must come before any tensor."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest
import tensorflow as tf

NUM_DEVICES = 4


@pytest.fixture(scope="session", autouse=True)
def _logical_devices() -> None:
    (cpu,) = tf.config.list_physical_devices("CPU")
    parts = [tf.config.LogicalDeviceConfiguration() for _ in range(NUM_DEVICES)]
    tf.config.set_logical_device_configuration(cpu, parts)
    tf.config.experimental.enable_op_determinism()
