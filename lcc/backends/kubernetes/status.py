"""What matters of a Job and of its pods, read from their status. Pure.

Knows the status fields of Kubernetes; not how they arrive (`watch`).
"""

import re
from dataclasses import dataclass

from lcc.backends.kubernetes.interface import Object
from lcc.errors import CheckFailed, ConfigError, DataError, UnavailableError

CHECK_IMAGE = "Check cluster.image and cluster.image_pull_secrets."
CHECK_OBJECTS = "Check the Secrets and ConfigMaps it names."
# A container that waits for one of these will wait for ever, unless somebody mends it.
# Source: the kubelet's pkg/kubelet/images/types.go and kuberuntime_container.go.
REMEDIES = {
    "ErrImagePull": CHECK_IMAGE,
    "ImagePullBackOff": CHECK_IMAGE,
    "InvalidImageName": CHECK_IMAGE,
    "ErrImageNeverPull": CHECK_IMAGE,
    "ImageInspectError": CHECK_IMAGE,
    "CreateContainerConfigError": CHECK_OBJECTS,
    "CreateContainerError": CHECK_OBJECTS,
    "RunContainerError": CHECK_OBJECTS,
}
QUIET = {"ContainerCreating", "PodInitializing"}
# The scheduler's verdict on a pod that no node could hold even if it were empty, or
# that none lets in. Its first sentence says why, node by node.
# Source: pkg/scheduler/framework/preemption of Kubernetes.
NODES = re.compile(r"\b(\d+)/(\d+) nodes are available: (.*)")
UNHELPFUL = re.compile(r"\b(\d+) Preemption is not helpful for scheduling")
ASIDE = re.compile(r"[.,]? (no new claims to deallocate, )?preemption: .*")
# What keeps a pod off a node for a while, and says nothing of its size.
PASSING = re.compile(r"unschedulable|node\.kubernetes\.io/|volume|Claim|ToBeDeleted")
OWN_CODES = {
    error.exit_code for error in (ConfigError, DataError, CheckFailed, UnavailableError)
}
INDEX = "batch.kubernetes.io/job-completion-index"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """What matters of a pod.

    Attributes:
        name: Of the pod.
        index: Completion index.
        phase: Pending, Running, Succeeded or Failed.
        created: ISO 8601.
        waiting: Why it does not run, empty where it does.
        stuck_reason: One of `REMEDIES`, where it will not run unless somebody mends
            something; else empty.
        is_unfit: Whether the scheduler found that no node could ever hold it.
        exit_code: Of its container, where that has ended.
        message: Its termination message.
        killer: OOMKilled, Evicted …, where it was ended from outside.
        is_leaving: Whether it is being deleted.
        node: Where it runs.
    """

    name: str
    index: int = 0
    phase: str = "Pending"
    created: str = ""
    waiting: str = ""
    stuck_reason: str = ""
    is_unfit: bool = False
    exit_code: int | None = None
    message: str = ""
    killer: str = ""
    is_leaving: bool = False
    node: str = ""

    @property
    def says_why(self) -> bool:
        """Whether its termination message is an LccError's, not the tail of a log."""
        return self.exit_code in OWN_CODES and bool(self.message)


def pod_facts(pod: Object) -> PodFacts:
    """Return what matters of a pod."""
    metadata, status = pod["metadata"], pod.get("status", {})
    containers = status.get("containerStatuses") or [{}]
    state = containers[0].get("state", {})
    waiting, ended = state.get("waiting", {}), state.get("terminated", {})
    reason, verdict = waiting.get("reason", ""), _scheduling(status)
    return PodFacts(
        name=metadata["name"],
        index=int(metadata.get("annotations", {}).get(INDEX, 0)),
        phase=status.get("phase", "Pending"),
        created=metadata.get("creationTimestamp", ""),
        waiting=_reason_text(verdict.get("reason", ""), verdict.get("message", ""))
        or _reason_text(reason, waiting.get("message", "")),
        stuck_reason=reason if reason in REMEDIES else "",
        is_unfit=_is_unfit(verdict.get("message", "")),
        exit_code=ended.get("exitCode"),
        message=(ended.get("message") or status.get("message") or "").strip(),
        killer=_killer(status, ended),
        is_leaving="deletionTimestamp" in metadata,
        node=pod.get("spec", {}).get("nodeName", ""),
    )


def _scheduling(status: Object) -> Object:
    """Return the condition of a pod that no node has taken yet, empty where one has."""
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return dict(condition)
    return {}


def _is_unfit(message: str) -> bool:
    """Return whether each node is ruled out for good, as the scheduler judges.

    Example:
        >>> _is_unfit(
        ...     "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes "
        ...     "are available: 2 Preemption is not helpful for scheduling."
        ... )
        True
    """
    reasons, _, aside = message.partition("preemption: ")
    nodes, unhelpful = NODES.search(reasons), UNHELPFUL.search(aside)
    if nodes is None or unhelpful is None or PASSING.search(nodes[3]):
        return False
    return nodes[2] == unhelpful[1]


def _reason_text(reason: str, message: str) -> str:
    if reason in QUIET:
        return ""
    text = ASIDE.sub("", message).rstrip(". ")
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
        failure=_reason_text(failed.get("reason", ""), failed.get("message", ""))
        if failed
        else "",
        is_suspended=bool(spec.get("suspend")),
        started=status.get("startTime", ""),
        ended=ending.get("lastTransitionTime", ""),
    )
