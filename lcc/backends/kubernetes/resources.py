"""Resources that one pod of a step asks for, and whether any node has them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
    DRIVER: "light",
    "hash": "data",
    "link": "data",
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
    found = {"cpu": size.cpu_request, "memory": size.memory}
    return found | ({settings.cluster.gpu_resource: str(gpus)} if gpus else {})


RESOURCE_SETTINGS = {
    "cpu": "cluster.resources.{size}.cpu_request",
    "memory": "cluster.resources.{size}.memory",
}


def too_large(
    step: Step, settings: Settings, nodes: Sequence[Mapping[str, Any]]
) -> str:
    """Return what of a pod no node has, and what to do; empty where one could hold it.

    Args:
        step: The step.
        settings: Sizes of pods, and the GPUs asked for.
        nodes: The cluster's nodes; none known: nothing can be said.

    Example:
        >>> nodes = [
        ...     {"metadata": {"name": "a"}, "status": {"allocatable": {"cpu": "2"}}}
        ... ]
        >>> too_large(Step(name="list"), Settings(), nodes)[:59]
        'cluster.resources.light.memory: must fit on one node, got 2'
    """
    from kubernetes.utils.quantity import parse_quantity

    for resource, quantity in requested(step, settings).items():
        have = {node["metadata"]["name"]: _has(node, resource) for node in nodes}
        if not have or max(have.values()) >= parse_quantity(quantity):
            continue
        largest = max(have, key=lambda name: have[name])
        path = RESOURCE_SETTINGS.get(resource, "launch.gpus")
        setting = path.format(size=SIZES.get(step.name, "train"))
        return (
            f"{setting}: must fit on one node, got {quantity} {resource} of "
            f"{_shown(nodes, largest, resource)} on {largest}, the largest of "
            f"{len(nodes)}. Lower it, or set cluster.wait_for_nodes where nodes are "
            "added on demand."
        )
    return ""


def _has(node: Mapping[str, Any], resource: str) -> Any:
    from kubernetes.utils.quantity import parse_quantity

    return parse_quantity(node["status"]["allocatable"].get(resource, "0"))


def _shown(nodes: Sequence[Mapping[str, Any]], name: str, resource: str) -> str:
    node = next(node for node in nodes if node["metadata"]["name"] == name)
    return str(node["status"]["allocatable"].get(resource, "0"))


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
