"""What a launch will take of a cluster, before it is submitted. Pure."""

from collections.abc import Iterable

from lcc.config.settings import Settings
from lcc.launch.plan import Plan, Step
from lcc.launch.sizes import num_devices, size_of


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
    return sum(num_devices(step, settings) * step.num_indexes * hours for step in steps)
