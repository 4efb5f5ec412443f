"""Steps as Jobs of a cluster: created or found again, followed, given up in time."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from lcc.config.settings import Settings
from lcc.errors import ConfigError, LccError, UnavailableError
from lcc.launch.capacity import too_large
from lcc.launch.cluster import Cluster, Object
from lcc.launch.failures import failed_outcome
from lcc.launch.following import JobView, following
from lcc.launch.labels import ATTEMPT, select
from lcc.launch.manifests import build_manifests, order_job
from lcc.launch.observing import JobFacts, PodFacts, job_facts, pod_facts
from lcc.launch.outcome import Outcome, Watch
from lcc.launch.plan import Step
from lcc.launch.sizes import SIZES
from lcc.launch.stopping import StopRequest
from lcc.launch.waits import never_fits, waiting_reason

# An image that cannot be pulled may be a registry's hiccup: the kubelet tries again
# after 10 and 20 s.
STUCK_SECONDS = 30.0
EVENTS_SECONDS = 3.0  # between two looks at why a Job makes no pods
TICK_SECONDS = 1.0
NODES = "api/v1/nodes?limit=500"


@dataclass(slots=True, kw_only=True)
class KubernetesBackend:
    """Runs a step's processes as the pods of one Job.

    A driver that dies leaves its Jobs at work; the next one finds them by their labels.

    Attributes:
        cluster: Where.
        settings: Of the run.
        stop: Whether to stop watching.
    """

    cluster: Cluster
    settings: Settings
    stop: StopRequest

    def run_step(
        self, step: Step, *, run_id: str, watch: Watch, is_retry: bool
    ) -> Outcome:
        """Run a step's Job to its end, or go on with the one that there is.

        Args:
            step: The step.
            run_id: Its run.
            watch: Told now and then (done, total) indexes and what is waited for.
            is_retry: Whether its last attempt is known to have failed.
        """
        attempt = self._find_attempt(step, run_id, is_retry=is_retry)
        order = order_job(step, self.settings, run_id=run_id, attempt=attempt)
        for manifest in build_manifests(order):
            self.cluster.create(manifest)
        selector = select(run=run_id, step=step.name, attempt=str(attempt))
        with following(self.cluster, selector) as view:
            vigil = Vigil(
                cluster=self.cluster, view=view, step=step, settings=self.settings
            )
            outcome = self._wait(vigil, watch, run_id)
        if step.is_group and not outcome.goes_on:
            self.cluster.delete("Service", order.name)
        if vigil.is_given_up:
            self.cluster.delete("Job", order.name)
        look = (
            f"lcc-launch logs {run_id} --step {step.name} -n {self.cluster.namespace}"
        )
        return replace(outcome, log=look) if outcome.exit_code else outcome

    def _find_attempt(self, step: Step, run_id: str, *, is_retry: bool) -> int:
        """Return the attempt to go on with, or a new one after a known failure."""
        selector = select(run=run_id, step=step.name)
        pages = self.cluster.pages("Job", selector)
        jobs = [job for page in pages for job in page.items]
        if not jobs:
            return 1
        last = max(jobs, key=_attempt)
        is_over = bool(job_facts(last).failure) or is_leaving(last)
        return _attempt(last) + (is_retry and is_over)

    def _wait(self, vigil: "Vigil", watch: Watch, run_id: str) -> Outcome:
        while not self.stop:
            outcome = vigil.outcome()
            watch(*vigil.progress(), "" if outcome else vigil.reason())
            if outcome is not None:
                return outcome
            vigil.view.changed.wait(TICK_SECONDS)
            vigil.view.changed.clear()
        return Outcome(
            exit_code=self.stop.exit_code,
            message=f"no longer watched, its Jobs go on. End it: lcc-launch cancel "
            f"{run_id} -n {self.cluster.namespace}",
            is_stop=True,
            goes_on=True,
        )


def _attempt(job: Object) -> int:
    return int(job["metadata"]["labels"].get(ATTEMPT, 1))


def is_leaving(thing: Object) -> bool:
    """Return whether an object is being deleted."""
    return "deletionTimestamp" in thing["metadata"]


@dataclass(kw_only=True)
class Vigil:
    """The watch over one Job: how far it is, why it waits, when it is hopeless."""

    cluster: Cluster
    view: JobView
    step: Step
    settings: Settings
    is_given_up: bool = False
    _stuck_since: float | None = None
    _events: str = ""
    _nodes: list[Object] | None = None
    _events_at: float = field(default_factory=time.monotonic)

    def progress(self) -> tuple[int, int]:
        """Return indexes done and in all."""
        done = self.view.job.succeeded if self.view.job else 0
        return done, self.step.num_indexes

    def reason(self) -> str:
        """Return what is waited for, empty where all runs."""
        if self.view.away:
            return self.view.away
        if self.view.job is None:
            return ""
        self._look_at_events()
        return waiting_reason(self.view.job, self.view.known_pods(), self._events)

    def outcome(self) -> Outcome | None:
        """Return how the Job ended, None while it goes on."""
        job = self.view.job
        if self.view.fault is not None:
            fault = self.view.fault
            return Outcome(exit_code=fault.exit_code, message=str(fault))
        if self.view.is_deleted:
            message = "its Job was deleted: cancelled, or removed by hand"
            return Outcome(exit_code=143, message=message, is_stop=True)
        if job is None:
            return None
        if job.is_complete:
            return Outcome()
        if job.failure:
            size = SIZES.get(self.step.name, "train")
            memory = f"cluster.resources.{size}.memory"
            return failed_outcome(job, self._failed_pods(job), memory)
        return self._hopeless()

    def _failed_pods(self, job: JobFacts) -> list[PodFacts]:
        """Return the pods with their last words: the Job's end may come before them."""
        pods = {pod.name: pod for pod in self.view.known_pods()}
        selector = f"batch.kubernetes.io/job-name={job.name}"
        with suppress(UnavailableError):
            for page in self.cluster.pages("Pod", selector, "status.phase=Failed"):
                pods |= {facts.name: facts for facts in map(pod_facts, page.items)}
        return list(pods.values())

    def _hopeless(self) -> Outcome | None:
        """Give up on what can never start, once it has had time to mend itself."""
        stuck = next(self._stuck(), None)
        if stuck is None:
            self._stuck_since = None
            return None
        now = time.monotonic()
        self._stuck_since = self._stuck_since or now
        if now - self._stuck_since < STUCK_SECONDS:
            return None
        self.is_given_up = True
        return Outcome(exit_code=ConfigError.exit_code, message=stuck)

    def _stuck(self) -> Iterator[str]:
        name = self.step.name
        for pod in self.view.known_pods():
            if pod.is_stuck:
                yield f"{name}: its pod can never start, got {pod.waiting}. " + (
                    "Check cluster.image and cluster.image_pull_secrets."
                    if "mage" in pod.waiting
                    else "Check the Secrets and ConfigMaps it names."
                )
            elif "Insufficient" in pod.waiting and (fault := self._too_large()):
                yield fault
        if self._events and not self.view.pods and never_fits(self._events):
            yield (
                f"{name}: its Job can make no pod, got {self._events}. "
                "Lower cluster.resources or --gpus, or mend what it names."
            )

    def _too_large(self) -> str:
        """Return why no node could hold a pod, even an empty node; empty: one could."""
        if self.settings.cluster.wait_for_nodes:
            return ""
        if self._nodes is None:
            try:
                self._nodes = list(self.cluster.get(NODES)["items"])
            except LccError:  # an account that may not list nodes waits
                self._nodes = []
        return too_large(self.step, self.settings, self._nodes)

    def _look_at_events(self) -> None:
        """Ask why a Job makes no pods, while it has none: nothing else says so."""
        job = self.view.job
        has_none = job is not None and not job.active and not job.is_finished
        if not has_none:
            self._events = ""
            return
        now = time.monotonic()
        if now - self._events_at < EVENTS_SECONDS or job is None:
            return
        self._events_at = now
        fields = f"involvedObject.name={job.name},reason=FailedCreate"
        try:
            pages = list(self.cluster.pages("Event", fields=fields))
        except LccError:
            return  # the watch says that the server is away
        events = [event for page in pages for event in page.items]
        if events:
            last = max(events, key=lambda event: event.get("lastTimestamp") or "")
            self._events = str(last.get("message", ""))
