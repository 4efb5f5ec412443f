"""Which devices a training runs on, as a TensorFlow distribution strategy.

Knows GPUs, logical CPU devices and what must hold between their number and the batch;
nothing of models.
"""

from typing import Any

import tensorflow as tf

from lcc.config.settings import Settings
from lcc.config.train import Device
from lcc.errors import ConfigError


def make_strategy(settings: Settings) -> Any:
    """Return the strategy that `train.device` and `launch.gpus` ask for.

    One device is TensorFlow's default strategy; more are a `MirroredStrategy`. GPUs
    that were asked for are used or refused, never replaced by the CPU in silence.

    Raises:
        ConfigError: Replicas do not divide the batch, or GPUs are not there.
    """
    count = settings.launch.gpus
    faults = [
        *_batch_faults(count, batch_size=settings.train.batch_size),
        *_device_faults(count, device=settings.train.device),
    ]
    if faults:
        raise ConfigError(*faults)
    if settings.train.device is Device.GPU and count:
        return _on_gpus(count)
    return _on_cpu(max(count, 1))


def _batch_faults(count: int, *, batch_size: int) -> list[str]:
    if count <= 1 or batch_size % count == 0:
        return []
    lower, upper = batch_size // count * count, -(-batch_size // count) * count
    sizes = f"{lower} or {upper}" if lower else f"{upper}"
    divisor = max(n for n in range(1, count + 1) if batch_size % n == 0)
    return [
        f"launch.gpus: must divide train.batch_size ({batch_size}), got {count}. "
        f"Use a batch of {sizes}, or --gpus {divisor}."
    ]


def _device_faults(count: int, *, device: Device) -> list[str]:
    if device is not Device.GPU or not count:
        return []
    seen = len(tf.config.list_physical_devices("GPU"))
    if seen >= count:
        return []
    return [
        f"launch.gpus: asked for {count} and {seen or 'none'} seen. Ask for what the "
        "machine has, or set train.device=cpu for logical devices of the CPU."
    ]


def _on_gpus(count: int) -> Any:  # pragma: no cover - needs a GPU
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    if count == 1:
        return tf.distribute.OneDeviceStrategy("/gpu:0")
    return tf.distribute.MirroredStrategy([f"/gpu:{i}" for i in range(count)])


def _on_cpu(count: int) -> Any:
    if count == 1:
        if tf.config.list_physical_devices("GPU"):  # pragma: no cover - needs a GPU
            return tf.distribute.OneDeviceStrategy("/cpu:0")
        return tf.distribute.get_strategy()
    _make_logical_cpus(count)
    return tf.distribute.MirroredStrategy(
        [f"/cpu:{i}" for i in range(count)],
        # One fixed order of summation, so that a run repeats to the bit.
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def _make_logical_cpus(count: int) -> None:
    """Split the CPU, which is possible only before TensorFlow first uses it."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    known = tf.config.get_logical_device_configuration(cpu)
    if known is not None and len(known) >= count:
        return
    parts = [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
    tf.config.set_logical_device_configuration(cpu, parts)
