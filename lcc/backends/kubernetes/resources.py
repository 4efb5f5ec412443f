"""Resources that one pod of a step asks for. Pure."""

from collections.abc import Iterable

from lcc.backends.kubernetes.labels import DRIVER
from lcc.config.cluster import ClusterSettings, LightResources
from lcc.config.settings import Settings
from lcc.config.train import Device
from lcc.launch.plan import Plan, Step

SIZES = {
    "list": "light",
    "catalogue": "light",
    "select": "light",
    "compare": "light",
    "images": "light",
    "collect": "light",
    DRIVER: "light",
    "hash": "data",
    "link": "data",
    "overlap": "data",
}


def size_of(step: str, cluster: ClusterSettings) -> LightResources:
    """Return the section of `cluster.resources` that a step's pods have."""
    size = getattr(cluster.resources, SIZES.get(step, "train"))
    assert isinstance(size, LightResources)  # noqa: S101 - by the types of the settings
    return size


def num_devices(step: Step, settings: Settings) -> int:
    """Return the GPUs that one pod asks for; logical devices of the CPU need none."""
    return step.gpus if settings.train.device is Device.GPU else 0


def requested(step: Step, settings: Settings) -> dict[str, str]:
    """Return what a node must have for one pod: resource → quantity."""
    size, gpus = size_of(step.name, settings.cluster), num_devices(step, settings)
    found = {
        "cpu": size.cpu_request,
        "memory": size.memory,
        "ephemeral-storage": size.scratch_request,
    }
    return found | ({settings.cluster.gpu_resource: str(gpus)} if gpus else {})


def cluster_lines(plans: Iterable[Plan], settings: Settings) -> list[str]:
    """Return what will run where: pods and their sizes, GPUs, image."""
    cluster = settings.cluster
    steps = [step for plan in plans for step in plan.steps]
    widest = max(
        steps, key=lambda step: (num_devices(step, settings), step.parallelism)
    )
    size = size_of(widest.name, cluster)
    gpus = num_devices(widest, settings)
    each = f"{size.cpu_request}–{size.cpu_limit} CPU, {size.memory}"
    most = f"{widest.parallelism} × {widest.name} ({each}"
    most += f", {gpus} GPU)" if gpus else ")"
    where = cluster.namespace or "of the context"
    lines = [
        f"  {'on':<10}namespace {where}, at most {most}",
        f"  {'image':<10}{cluster.image}",
    ]
    if hours := gpu_hours(steps, settings):
        bound = f"{hours:,.0f} GPU-hours at most (cluster.pod_deadline_seconds)"
        lines.append(f"  {'cost':<10}{bound}")
    return lines


def gpu_hours(steps: Iterable[Step], settings: Settings) -> float:
    """Return the most GPU-hours that the steps can take, one attempt each."""
    hours = settings.cluster.pod_deadline_seconds / 3600
    return sum(
        num_devices(step, settings) * step.num_processes * hours for step in steps
    )
