"""Why a Job does not run yet, whether it ever will, and how it failed. Pure."""

import re
from collections.abc import Iterable

from lcc.backends.kubernetes.status import JobFacts, PodFacts
from lcc.errors import ConfigError
from lcc.launch.outcome import Outcome

QUOTA = re.compile(
    r"exceeded quota: (\S+), requested: (\S+), used: \S+, limited: (\S+)"
)


def waiting_reason(job: JobFacts, pods: Iterable[PodFacts], events: str = "") -> str:
    """Return why nothing, or not everything, runs; empty where all does.

    Args:
        job: The Job.
        pods: Its pods.
        events: What keeps the Job from making pods, from its events.

    Example:
        >>> pod = PodFacts(name="a", waiting="Unschedulable: 0/1 nodes are available")
        >>> waiting_reason(JobFacts(name="j"), [pod, pod])
        '2 pods wait: Unschedulable: 0/1 nodes are available'
    """
    if job.is_suspended:
        return "suspended, until its queue lets it run"
    known = list(pods)
    waits = [pod.waiting for pod in known if pod.phase == "Pending" and pod.waiting]
    if waits:
        first = max(set(waits), key=waits.count)
        number = waits.count(first)
        return f"pod waits: {first}" if number == 1 else f"{number} pods wait: {first}"
    lost = [pod for pod in known if is_lost(pod)]
    if lost:
        return lost_message(lost[0])
    if events and not job.active:
        return events
    ended = [pod for pod in known if pod.exit_code]
    if ended and job.active:
        return f"tries again after: {_what_ended(max(ended, key=_when_made))}"
    return ""


def _when_made(pod: PodFacts) -> str:
    return pod.created


def _what_ended(pod: PodFacts) -> str:
    """Return what ended a pod; a log's tail, which Kubernetes adds, says little."""
    if pod.says_why:
        return pod.message.partition("\n")[0]
    return f"{pod.killer or f'exit code {pod.exit_code}'} of pod {pod.name}"


def is_lost(pod: PodFacts) -> bool:
    """Return whether a pod hangs on a node that does not answer."""
    return pod.is_leaving and pod.killer in {"NodeLost", "DeletionByTaintManager"}


def lost_message(pod: PodFacts) -> str:
    """Return what to do about a pod that hangs on a node."""
    return (
        f"pod {pod.name} is on node {pod.node}, which does not answer. If the node is "
        f"gone for good: kubectl taint node {pod.node} "
        "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
    )


# What the scheduler names → the setting that mends it.
UNFIT_SETTINGS = {
    "Insufficient cpu": "cluster.resources.{size}.cpu_request: must fit on one node",
    "Insufficient memory": "cluster.resources.{size}.memory: must fit on one node",
    "Insufficient ephemeral-storage": "cluster.resources.{size}.scratch_request: must "
    "fit on one node",
    "Insufficient": "launch.gpus: must fit on one node",
    "affinity/selector": "cluster.node_selector: must be labels of a node",
    "untolerated taint": "cluster.tolerations: must accept the taints of a node",
}


def unfit_message(waiting: str, size: str) -> str:
    """Return what to change where the scheduler rules every node out for good.

    Args:
        waiting: The scheduler's words.
        size: Section of `cluster.resources` that the pod's size comes from.

    Example:
        >>> unfit_message("Unschedulable: 0/1 nodes: 1 Insufficient cpu", "data")[:59]
        'cluster.resources.data.cpu_request: must fit on one node, g'
    """
    rule = next(
        (rule for words, rule in UNFIT_SETTINGS.items() if words in waiting),
        "cluster: must have a node that takes the pod",
    )
    return (
        f"{rule.format(size=size)}, got {waiting}. Change it, or set "
        "cluster.wait_for_nodes where nodes are added on demand."
    )


def room_hint(waiting: str, size: str) -> str:
    """Return what to lower where nodes lack room now; empty where they lack none.

    Example:
        >>> room_hint("pod waits: 0/1 nodes: 1 Insufficient cpu", "data")
        '. If nothing frees room: lower cluster.resources.data.cpu_request'
    """
    words = next((words for words in UNFIT_SETTINGS if words in waiting), "")
    if not words.startswith("Insufficient"):
        return ""
    path = UNFIT_SETTINGS[words].format(size=size).partition(":")[0]
    return f". If nothing frees room: lower {path}"


def exceeds_quota(events: str) -> bool:
    """Return whether one pod alone is above the quota, so that waiting is in vain.

    Example:
        >>> exceeds_quota(
        ...     "exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3"
        ... )
        False
    """
    match = QUOTA.search(events)
    if match is None:
        return bool(events)
    requested, limited = (dict(_pairs(text)) for text in (match[2], match[3]))
    return any(requested[name] > limited[name] for name in requested if name in limited)


def _pairs(text: str) -> Iterable[tuple[str, float]]:
    from kubernetes.utils.quantity import parse_quantity

    for pair in text.split(","):
        name, _, quantity = pair.partition("=")
        yield name, float(parse_quantity(quantity))


KILLED = 137  # 128 + SIGKILL


def failed_outcome(job: JobFacts, pods: Iterable[PodFacts], memory: str) -> Outcome:
    """Return how a Job failed, as the pod says whose failure tells most.

    Args:
        job: The Job.
        pods: Its pods.
        memory: The setting that a pod's memory comes from, for its remedy.
    """
    ended = [pod for pod in pods if pod.phase == "Failed" or pod.exit_code]
    if not ended:
        return Outcome(exit_code=1, message=f"job {job.name}: {job.failure}")
    worst = max(ended, key=lambda pod: (_severity(pod), pod.created))
    return Outcome(
        exit_code=_exit_code(worst),
        message=_message(worst, memory),
    )


def _severity(pod: PodFacts) -> int:
    """Rank a failure: wrong input tells most, then lack of memory, trouble least."""
    code = pod.exit_code or 0
    if code in {2, 3, 4}:
        return 3
    if pod.killer == "OOMKilled":
        return 2
    return 0 if code in {75, 143} else 1


def _exit_code(pod: PodFacts) -> int:
    if pod.killer == "OOMKilled":  # settings that cannot work: more of it, or smaller
        return ConfigError.exit_code
    code = pod.exit_code or 1
    return code if code in {1, 2, 3, 4, 75} else 1


def _message(pod: PodFacts, memory: str) -> str:
    if pod.killer == "OOMKilled":
        return (
            f"pod {pod.name}: must stay within its memory, got OOMKilled. "
            f"Raise {memory}."
        )
    if pod.killer:
        return f"pod {pod.name}: {pod.killer} {pod.message}".rstrip()
    if pod.exit_code == KILLED:
        return f"pod {pod.name}: was killed. {pod.message}".rstrip()
    if pod.says_why:
        return pod.message
    last = pod.message.splitlines()[-1:]
    return last[0] if last else f"pod {pod.name}: exit code {pod.exit_code}"
