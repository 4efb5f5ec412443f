"""Which devices a training runs on, as a TensorFlow distribution strategy.

Knows GPUs, logical CPU devices and workers, and how batches are shared out among them;
nothing of models.
"""

import faulthandler
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# Private to TensorFlow, which pyproject.toml therefore pins to one minor version:
# nothing public bounds the wait for workers or gives one several CPU devices.
from tensorflow.python.distribute.collective_all_reduce_strategy import (
    CollectiveAllReduceExtended,
    coordination_config_pb2,
)
from tensorflow.python.eager import context

from lcc.config import environment
from lcc.config.rules import batch_faults
from lcc.config.settings import Settings
from lcc.config.train import Device
from lcc.errors import ConfigError
from lcc.train.input import Shard
from lcc.train.rendezvous import wait_for_workers
from lcc.train.workers import Workers, tf_config

REGISTER_SECONDS = 60  # from the rendezvous until all have started TensorFlow's server
HEARTBEAT_SECONDS = 10  # of silence until a worker is given up: TensorFlow's own choice


def make_strategy(settings: Settings, workers: Workers | None = None) -> Any:
    """Return the strategy that `train.device`, `launch.gpus` and the workers ask for.

    One device is TensorFlow's default strategy; more are a `MirroredStrategy`, and with
    workers a `MultiWorkerMirroredStrategy`, once all of them are there. GPUs that were
    asked for are used or refused, never replaced by the CPU in silence.

    Raises:
        ConfigError: Replicas do not divide the batch, or GPUs are not there.
        UnavailableError: Not all workers came.
    """
    gpus, pods = settings.launch.gpus, len(workers.addresses) if workers else 1
    faults = [
        *batch_faults(gpus=gpus, pods=pods, batch_size=settings.train.batch_size),
        *_device_faults(gpus, device=settings.train.device),
    ]
    if faults:
        raise ConfigError(*faults)
    is_on_gpus = device_of(settings) is Device.GPU
    if workers is not None:
        wait_for_workers(workers)
        return _over_workers(workers, max(gpus, 1), is_on_gpus=is_on_gpus)
    return _on_gpus(gpus) if is_on_gpus else _on_cpu(max(gpus, 1))


def device_of(settings: Settings) -> Device:
    """Return what replicas really run on: GPUs only where some were asked for."""
    is_on_gpus = settings.train.device is Device.GPU and settings.launch.gpus > 0
    return Device.GPU if is_on_gpus else Device.CPU


def distribute(strategy: Any, make: Callable[[Shard], Any], *, batch_size: int) -> Any:
    """Return an iterator over the batches, each split over this process' replicas.

    Args:
        strategy: One device, several replicas, or several workers.
        make: Called with the shard of this worker; returns a dataset of that shard of
            every global batch, endless where there are several workers.
        batch_size: Global.
    """
    if strategy.num_replicas_in_sync == 1:
        return iter(make(Shard()))
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return iter(strategy.experimental_distribute_dataset(make(Shard())))

    def make_shard(context: Any) -> Any:
        shard = Shard(
            index=context.input_pipeline_id, num_shards=context.num_input_pipelines
        )
        return make(shard).rebatch(context.get_per_replica_batch_size(batch_size))

    return iter(strategy.distribute_datasets_from_function(make_shard))


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


def _over_workers(workers: Workers, count: int, *, is_on_gpus: bool) -> Any:
    """Return a strategy over all workers, each with `count` devices."""
    gpus = tf.config.list_physical_devices("GPU") if is_on_gpus else []
    # It takes all that it sees.
    tf.config.set_visible_devices(gpus[:count], "GPU")
    for gpu in gpus[:count]:  # pragma: no cover - needs a GPU
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    os.environ[environment.TF_CONFIG] = tf_config(workers)
    _bound_waits(len(workers.addresses))
    if not is_on_gpus:
        _make_logical_cpus(count)
    # Should a worker end between the rendezvous and here, the chief's server would wait
    # for ever and hold Python's lock: only a thread outside of Python can end that.
    faulthandler.dump_traceback_later(2 * REGISTER_SECONDS, exit=True)
    try:
        if is_on_gpus or count == 1:
            return tf.distribute.MultiWorkerMirroredStrategy()
        return _OnLogicalCpus(count)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _bound_waits(num_workers: int) -> None:
    """Have TensorFlow give up on workers; by itself it waits an hour for the first."""
    jobs = [
        coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=num_workers)
    ]
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader="/job:worker/replica:0/task:0",
        cluster_register_timeout_in_ms=REGISTER_SECONDS * 1000,
        heartbeat_timeout_in_ms=HEARTBEAT_SECONDS * 1000,
        coordinated_jobs=jobs,
    )


class _OnLogicalCpus(tf.distribute.MultiWorkerMirroredStrategy):  # type: ignore[misc]
    """TensorFlow's strategy on several CPU devices of each worker, in place of one."""

    def __init__(self, count: int) -> None:
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        extended = _LogicalCpus(self, count, resolver)
        tf.distribute.Strategy.__init__(self, extended)


class _LogicalCpus(CollectiveAllReduceExtended):  # type: ignore[misc]
    def __init__(self, strategy: Any, count: int, resolver: Any) -> None:
        self._count = count
        options = tf.distribute.experimental.CommunicationOptions()
        super().__init__(
            strategy, cluster_resolver=resolver, communication_options=options
        )

    def _initialize_local_devices(
        self, cluster_resolver: Any, worker_device: str
    ) -> tuple[tuple[str, ...], str]:
        del cluster_resolver
        devices = [f"{worker_device}/device:CPU:{i}" for i in range(self._count)]
        return tuple(devices), "CPU"


def _make_logical_cpus(count: int) -> None:
    """Split the CPU, which is possible only before TensorFlow first uses it."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    known = tf.config.get_logical_device_configuration(cpu)
    if known is not None and len(known) >= count:
        return
    parts = [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
    tf.config.set_logical_device_configuration(cpu, parts)
