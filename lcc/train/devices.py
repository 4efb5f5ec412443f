"""Which devices a training runs on, as a TensorFlow distribution strategy.

Knows GPUs, logical CPU devices, peers, and what must hold between their number and the
batch; nothing of models.
"""

import faulthandler
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# Private to TensorFlow, which pyproject.toml therefore pins to one minor version:
# nothing public bounds the wait for peers or gives a process several CPU devices.
from tensorflow.python.distribute.collective_all_reduce_strategy import (
    CollectiveAllReduceExtended,
    coordination_config_pb2,
)
from tensorflow.python.eager import context

from lcc.config import environment
from lcc.config.settings import Settings
from lcc.config.train import Device
from lcc.errors import ConfigError
from lcc.train.peers import Peers, tf_config
from lcc.train.rendezvous import meet

REGISTER_SECONDS = 60  # from the meeting until all have started TensorFlow's server
HEARTBEAT_SECONDS = 10  # of silence until a peer is given up: TensorFlow's own choice


def make_strategy(settings: Settings, peers: Peers | None = None) -> Any:
    """Return the strategy that `train.device`, `launch.gpus` and the peers ask for.

    One device is TensorFlow's default strategy; more are a `MirroredStrategy`, and with
    peers a `MultiWorkerMirroredStrategy`, once all of them are there. GPUs that were
    asked for are used or refused, never replaced by the CPU in silence.

    Raises:
        ConfigError: Replicas do not divide the batch, or GPUs are not there.
        UnavailableError: Not all peers came.
    """
    count, num_processes = settings.launch.gpus, len(peers.addresses) if peers else 1
    faults = [
        *_batch_faults(count, num_processes, batch_size=settings.train.batch_size),
        *_device_faults(count, device=settings.train.device),
    ]
    if faults:
        raise ConfigError(*faults)
    is_on_gpus = settings.train.device is Device.GPU and count > 0
    if peers is not None:
        meet(peers)
        return _over_processes(peers, max(count, 1), is_on_gpus=is_on_gpus)
    return _on_gpus(count) if is_on_gpus else _on_cpu(max(count, 1))


def distribute(
    strategy: Any, make: Callable[[tuple[int, int]], Any], *, batch_size: int
) -> Any:
    """Return an iterator over what each replica of this process gets of each batch.

    Args:
        strategy: One device, several replicas, or several processes.
        make: Called with (index, count); returns a dataset of that part of every
            global batch, endless where there are several processes.
        batch_size: Global.
    """
    if strategy.num_replicas_in_sync == 1:
        return iter(make((0, 1)))
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return iter(strategy.experimental_distribute_dataset(make((0, 1))))

    def make_part(context: Any) -> Any:
        part = make((context.input_pipeline_id, context.num_input_pipelines))
        return part.rebatch(context.get_per_replica_batch_size(batch_size))

    return iter(strategy.distribute_datasets_from_function(make_part))


def _batch_faults(count: int, num_processes: int, *, batch_size: int) -> list[str]:
    replicas = max(count, 1) * num_processes
    if batch_size % replicas == 0:
        return []
    lower, upper = batch_size // replicas * replicas, -(-batch_size // replicas)
    sizes = " or ".join(str(size) for size in (lower, upper * replicas) if size)
    product = f" × launch.pods ({num_processes})" if num_processes > 1 else ""
    fitting = [n for n in range(1, count + 1) if batch_size % (n * num_processes) == 0]
    other = f", or --gpus {fitting[-1]}" if fitting else ""
    return [
        f"launch.gpus{product}: must divide train.batch_size ({batch_size}), "
        f"got {count}. Use a batch of {sizes}{other}."
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


def _over_processes(peers: Peers, count: int, *, is_on_gpus: bool) -> Any:
    """Return a strategy over all peers, each with `count` devices."""
    gpus = tf.config.list_physical_devices("GPU") if is_on_gpus else []
    # It takes all that it sees.
    tf.config.set_visible_devices(gpus[:count], "GPU")
    for gpu in gpus[:count]:  # pragma: no cover - needs a GPU
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    os.environ[environment.TF_CONFIG] = tf_config(peers)
    _bound_waits(len(peers.addresses))
    if not is_on_gpus:
        _make_logical_cpus(count)
    # Should a peer end between the meeting and here, the chief's server would wait for
    # ever and hold Python's lock: only a thread outside of Python can end that.
    faulthandler.dump_traceback_later(2 * REGISTER_SECONDS, exit=True)
    try:
        if is_on_gpus or count == 1:
            return tf.distribute.MultiWorkerMirroredStrategy()
        return _OnLogicalCpus(count)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _bound_waits(num_processes: int) -> None:
    """Have TensorFlow give up on peers; by itself it waits an hour for the first."""
    jobs = [
        coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=num_processes)
    ]
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader="/job:worker/replica:0/task:0",
        cluster_register_timeout_in_ms=REGISTER_SECONDS * 1000,
        heartbeat_timeout_in_ms=HEARTBEAT_SECONDS * 1000,
        coordinated_jobs=jobs,
    )


class _OnLogicalCpus(tf.distribute.MultiWorkerMirroredStrategy):  # type: ignore[misc]
    """TensorFlow's, which by itself uses one CPU device of each process."""

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
