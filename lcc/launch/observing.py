"""What a Job and its pods say of themselves, in our words. Pure.

Knows the status fields of Kubernetes; not how they arrive (`following`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lcc.launch.outcome import Outcome

Object = Mapping[str, Any]

# A container that waits for one of these will wait for ever, unless somebody mends it.
STUCK = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
}
QUIET = {"ContainerCreating", "PodInitializing"}
INDEX = "batch.kubernetes.io/job-completion-index"
KILLED = 137  # 128 + SIGKILL
QUOTA = re.compile(
    r"exceeded quota: (\S+), requested: (\S+), used: \S+, limited: (\S+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """What matters of a pod.

    Attributes:
        name: Of the pod.
        index: Completion index.
        phase: Pending, Running, Succeeded or Failed.
        created: ISO 8601.
        waiting: Why it does not run, empty where it does.
        is_stuck: Whether it will not run unless somebody mends something.
        exit_code: Of its container, where that has ended.
        message: Its last words.
        killer: OOMKilled, Evicted …, where it was ended from outside.
        is_leaving: Whether it is being deleted.
        node: Where it runs.
    """

    name: str
    index: int = 0
    phase: str = "Pending"
    created: str = ""
    waiting: str = ""
    is_stuck: bool = False
    exit_code: int | None = None
    message: str = ""
    killer: str = ""
    is_leaving: bool = False
    node: str = ""


def pod_facts(pod: Object) -> PodFacts:
    """Return what matters of a pod."""
    metadata, status = pod["metadata"], pod.get("status", {})
    containers = status.get("containerStatuses") or [{}]
    state = containers[0].get("state", {})
    waiting, ended = state.get("waiting", {}), state.get("terminated", {})
    reason = waiting.get("reason", "")
    return PodFacts(
        name=metadata["name"],
        index=int(metadata.get("annotations", {}).get(INDEX, 0)),
        phase=status.get("phase", "Pending"),
        created=metadata.get("creationTimestamp", ""),
        waiting=_unscheduled(status) or _words(reason, waiting.get("message", "")),
        is_stuck=reason in STUCK,
        exit_code=ended.get("exitCode"),
        message=(ended.get("message") or status.get("message") or "").strip(),
        killer=_killer(status, ended),
        is_leaving="deletionTimestamp" in metadata,
        node=pod.get("spec", {}).get("nodeName", ""),
    )


def _unscheduled(status: Object) -> str:
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return _words(condition.get("reason", ""), condition.get("message", ""))
    return ""


def _words(reason: str, message: str) -> str:
    if reason in QUIET:
        return ""
    text = message.split(" preemption: ", maxsplit=1)[0].rstrip(". ")
    return f"{reason}: {text}" if text else reason


def _killer(status: Object, ended: Object) -> str:
    if ended.get("reason") == "OOMKilled":
        return "OOMKilled"
    if reason := status.get("reason", ""):  # Evicted, DeadlineExceeded, NodeLost …
        return str(reason)
    for condition in status.get("conditions", ()):
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            return str(condition.get("reason", "disrupted"))
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """What matters of a Job.

    Attributes:
        name: Of the Job.
        total: Completions asked for.
        succeeded: Indexes done.
        failed: Pods that failed, also those that were replaced.
        active: Pods that wait or run.
        is_complete: Whether all is done.
        failure: Why it was given up, empty where it was not.
        is_suspended: Whether a queue holds it back.
        started: ISO 8601.
        ended: ISO 8601, empty while it goes on.
    """

    name: str
    total: int = 1
    succeeded: int = 0
    failed: int = 0
    active: int = 0
    is_complete: bool = False
    failure: str = ""
    is_suspended: bool = False
    started: str = ""
    ended: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether it has ended, either way."""
        return self.is_complete or bool(self.failure)


def job_facts(job: Object) -> JobFacts:
    """Return what matters of a Job."""
    spec, status = job["spec"], job.get("status", {})
    true = {c["type"]: c for c in status.get("conditions", ()) if c["status"] == "True"}
    failed = true.get("Failed")
    ending = failed or true.get("Complete") or {}
    return JobFacts(
        name=job["metadata"]["name"],
        total=spec.get("completions", 1),
        succeeded=status.get("succeeded", 0),
        failed=status.get("failed", 0),
        active=status.get("active", 0),
        is_complete="Complete" in true,
        failure=_words(failed.get("reason", ""), failed.get("message", ""))
        if failed
        else "",
        is_suspended=bool(spec.get("suspend")),
        started=status.get("startTime", ""),
        ended=ending.get("lastTransitionTime", ""),
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
        return f"{_count(waits.count(first), 'pod')} {first}".replace(": ", ": ", 1)
    lost = [pod for pod in known if is_lost(pod)]
    if lost:
        return (
            f"pod {lost[0].name} is on node {lost[0].node}, which does not answer. If "
            f"the node is gone for good: kubectl taint node {lost[0].node} "
            "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
        )
    if events and not job.active:
        return events
    again = [pod.message.partition("\n")[0] for pod in known if pod.exit_code]
    if again and job.active:
        return f"tries again after: {again[-1]}" if again[-1] else ""
    return ""


def is_lost(pod: PodFacts) -> bool:
    """Return whether a pod hangs on a node that does not answer."""
    return pod.is_leaving and pod.killer in {"NodeLost", "DeletionByTaintManager"}


def _count(number: int, noun: str) -> str:
    return f"{noun} waits:" if number == 1 else f"{number} {noun}s wait:"


def never_fits(events: str) -> bool:
    """Return whether one pod alone is above the quota, so that waiting is in vain.

    Example:
        >>> never_fits(
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


def failed_outcome(job: JobFacts, pods: Iterable[PodFacts], memory: str) -> Outcome:
    """Return how a Job failed: the words of a pod that failed for good.

    Args:
        job: The Job.
        pods: Its pods.
        memory: The setting that a pod's memory comes from, for its remedy.
    """
    ended = [pod for pod in pods if pod.phase == "Failed" or pod.exit_code]
    if not ended:
        return Outcome(exit_code=1, message=f"job {job.name}: {job.failure}")
    worst = max(ended, key=lambda pod: (_gravity(pod), pod.created))
    return Outcome(
        exit_code=_exit_code(worst),
        message=_last_words(worst, memory),
    )


def _gravity(pod: PodFacts) -> int:
    """Return what tells most: wrong input, lack of memory, any failure, weather."""
    code = pod.exit_code or 0
    if code in {2, 3, 4}:
        return 3
    if pod.killer == "OOMKilled":
        return 2
    return 0 if code in {75, 143} else 1


def _exit_code(pod: PodFacts) -> int:
    code = pod.exit_code or 1
    return code if code in {1, 2, 3, 4, 75} else 1


def _last_words(pod: PodFacts, memory: str) -> str:
    if pod.killer == "OOMKilled":
        return (
            f"pod {pod.name}: must stay within its memory, got OOMKilled. "
            f"Raise {memory}."
        )
    if pod.killer:
        return f"pod {pod.name}: {pod.killer} {pod.message}".rstrip()
    if pod.exit_code == KILLED:
        return f"pod {pod.name}: was killed. {pod.message}".rstrip()
    last = pod.message.splitlines()[-1] if pod.message else ""
    return (
        pod.message
        if pod.exit_code in {2, 3, 4, 75}
        else (last or f"pod {pod.name}: exit code {pod.exit_code}")
    )
