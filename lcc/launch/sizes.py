"""What one pod of a step asks of a node. Pure."""

from lcc.config.cluster import ClusterSettings, LightResources
from lcc.config.settings import Settings
from lcc.config.train import Device
from lcc.launch.labels import DRIVER
from lcc.launch.plan import Step

SIZES = {
    "list": "light",
    "catalogue": "light",
    "select": "light",
    DRIVER: "light",
    "hash": "data",
    "link": "data",
}


def size_of(step: str, cluster: ClusterSettings) -> LightResources:
    """Return the size of a step's pods."""
    size = getattr(cluster.resources, SIZES.get(step, "train"))
    assert isinstance(size, LightResources)  # noqa: S101 - a slip of ours
    return size


def num_devices(step: Step, settings: Settings) -> int:
    """Return the GPUs that one pod asks for; logical devices of the CPU need none."""
    return step.gpus if settings.train.device is Device.GPU else 0


def requested(step: Step, settings: Settings) -> dict[str, str]:
    """Return what a node must have for one pod: resource → quantity."""
    size, gpus = size_of(step.name, settings.cluster), num_devices(step, settings)
    found = {"cpu": size.cpu_request, "memory": size.memory}
    return found | ({settings.cluster.gpu_resource: str(gpus)} if gpus else {})
