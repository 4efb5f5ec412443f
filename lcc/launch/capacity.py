"""Whether any node could hold a pod of a step, if it were empty. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from lcc.config.settings import Settings
from lcc.launch.plan import Step
from lcc.launch.sizes import SIZES, requested

SETTINGS = {
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
    for resource, quantity in requested(step, settings).items():
        have = {node["metadata"]["name"]: _has(node, resource) for node in nodes}
        if not have or max(have.values()) >= parse_quantity(quantity):
            continue
        largest = max(have, key=lambda name: have[name])
        path = SETTINGS.get(resource, "launch.gpus")
        setting = path.format(size=SIZES.get(step.name, "train"))
        return (
            f"{setting}: must fit on one node, got {quantity} {resource} of "
            f"{_shown(nodes, largest, resource)} on {largest}, the largest of "
            f"{len(nodes)}. Lower it, or set cluster.wait_for_nodes where nodes are "
            "added on demand."
        )
    return ""


def _has(node: Mapping[str, Any], resource: str) -> Any:
    return parse_quantity(node["status"]["allocatable"].get(resource, "0"))


def _shown(nodes: Sequence[Mapping[str, Any]], name: str, resource: str) -> str:
    node = next(node for node in nodes if node["metadata"]["name"] == name)
    return str(node["status"]["allocatable"].get(resource, "0"))
