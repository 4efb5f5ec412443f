"""Monitors one Job: how far it is, why it waits, and whether it can ever start.

Knows when to look and when to give up; what the objects say is in `status`, what it
means in `reasons`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from lcc.backends.kubernetes.capacity import NodeRoom, never_fits, node_rooms
from lcc.backends.kubernetes.errors import LoginLostError
from lcc.backends.kubernetes.interface import Cluster
from lcc.backends.kubernetes.job import max_failed_indexes
from lcc.backends.kubernetes.reasons import (
    exceeds_quota,
    failed_outcome,
    room_hint,
    unfit_message,
    waiting_reason,
)
from lcc.backends.kubernetes.resources import SIZES
from lcc.backends.kubernetes.status import REMEDIES, JobFacts, PodFacts, pod_facts
from lcc.backends.kubernetes.watch import JobView
from lcc.config.commands import command_line
from lcc.config.settings import Settings
from lcc.errors import ConfigError, LccError, UnavailableError
from lcc.launch.backend import StepStatus
from lcc.launch.outcome import Outcome
from lcc.launch.plan import Step
from lcc.launch.signals import StopRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a Job is waited for.

    Attributes:
        stuck_seconds: Before what cannot start is given up. An image that cannot be
            pulled may be a registry's hiccup: the kubelet tries again after 10 and
            20 s.
        events_seconds: Between two looks at why a Job makes no pods.
        tick_seconds: Between two looks where nothing seems to change.
        pause_seconds: Before an API server that is away is asked again.
        clock: Seconds that never go back.
    """

    stuck_seconds: float = 30.0
    events_seconds: float = 3.0
    tick_seconds: float = 1.0
    pause_seconds: float = 2.0
    clock: Callable[[], float] = time.monotonic


@dataclass(kw_only=True)
class JobMonitor:
    """Follows one Job of a step to its end; gives up on what can never start.

    Attributes:
        cluster: Where the Job is.
        view: What is known of it.
        job: Its name.
        run_id: Its run.
        step: Its step.
        settings: Of the run.
        patience: How long it is waited for.
    """

    cluster: Cluster
    view: JobView
    job: str
    run_id: str
    step: Step
    settings: Settings
    patience: Patience
    _stuck_since: float | None = None
    _crowded_since: float | None = None
    _events: str = ""
    _rooms: list[NodeRoom] | None = None
    _events_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._events_at = self.patience.clock()

    def describe(self) -> StepStatus:
        """Return indexes done and in all, what is waited for, and how it ended."""
        outcome = self._outcome()
        if outcome is not None and outcome.exit_code and self._has_log():
            look = command_line("logs", self.run_id, "--step", self.step.name)
            outcome = replace(outcome, log=look)
        return StepStatus(
            done=self.view.job.succeeded if self.view.job else 0,
            total=self.step.num_processes,
            reason="" if outcome else self._reason(),
            outcome=outcome,
        )

    def _has_log(self) -> bool:
        """Return whether a pod ran: one that never started wrote nothing."""
        return any(pod.phase != "Pending" for pod in self.view.known_pods())

    @property
    def parting(self) -> str:
        """That the Job goes on."""
        return "stopping to watch: the Jobs go on"

    def wait(self) -> None:
        """Return when the Job or a pod changed, or after a tick."""
        self.view.changed.wait(self.patience.tick_seconds)
        self.view.changed.clear()

    def leave(self, stop: StopRequest) -> Outcome:
        """Leave the Job at work: the next driver finds it."""
        return Outcome(
            exit_code=stop.exit_code,
            message="no longer watched, its Jobs go on",
            is_stop=True,
            goes_on=True,
        )

    def _reason(self) -> str:
        """Return what is waited for, empty where all runs."""
        if self.view.away:
            return self.view.away
        if self.view.job is None or self._starved():
            return ""
        self._look_at_events()
        reason = waiting_reason(self.view.job, self.view.known_pods(), self._events)
        return reason + self._hint(reason)

    def _hint(self, reason: str) -> str:
        """Return what to lower, for an account that may not see what nodes have.

        Others are told by the nodes whether waiting is in vain.
        """
        hint = room_hint(reason, SIZES.get(self.step.name, "train"))
        if not hint or self._rooms or self.settings.cluster.wait_for_nodes:
            self._crowded_since = None
            return ""
        now = self.patience.clock()
        self._crowded_since = self._crowded_since or now
        is_long = now - self._crowded_since >= self.patience.stuck_seconds
        return hint if is_long else ""

    def _outcome(self) -> Outcome | None:
        """Return how the Job ended, None while it goes on."""
        job = self.view.job
        if self.view.fault is not None:
            fault = self.view.fault
            return Outcome(
                exit_code=fault.exit_code,
                message=str(fault),
                goes_on=isinstance(fault, LoginLostError),  # for the next driver
            )
        if self.view.is_deleted:
            message = "its Job was deleted: cancelled, or removed by hand"
            return Outcome(exit_code=143, message=message, is_stop=True)
        if job is None:
            return None
        if job.is_complete:
            return Outcome()
        if job.failure:
            return failed_outcome(job, self._failed_pods(job), self._memory)
        return self._out_of_memory(job) or self._given_up()

    @property
    def _memory(self) -> str:
        """The setting that a pod's memory comes from."""
        return f"cluster.resources.{SIZES.get(self.step.name, 'train')}.memory"

    def _out_of_memory(self, job: JobFacts) -> Outcome | None:
        """End a Job whose pods want more memory than they may have: they would again.

        Its failed pods stay, for their logs.
        """
        killed = self._starved()
        # A pod that still counts as active would be deleted with its log.
        if not killed or any(pod.phase != "Failed" for pod in killed):
            return None
        try:
            self.cluster.patch("Job", self.job, {"spec": {"activeDeadlineSeconds": 1}})
        except LccError:  # the API server is away: at the next look
            return None
        return failed_outcome(job, killed, self._memory)

    def _starved(self) -> list[PodFacts]:
        """Return the pods that lacked memory, once they are too many to go on."""
        killed = [p for p in self.view.known_pods() if p.killer == "OOMKilled"]
        num_indexes = len({pod.index for pod in killed})
        return killed if num_indexes > max_failed_indexes(self.step) else []

    def _failed_pods(self, job: JobFacts) -> list[PodFacts]:
        """Return the pods; the watch may tell of the Job's end before theirs."""
        selector = f"batch.kubernetes.io/job-name={job.name}"
        with suppress(UnavailableError):
            for page in self.cluster.pages("Pod", selector, "status.phase=Failed"):
                for facts in map(pod_facts, page.items):
                    self.view.pods[facts.name] = facts
        return self.view.known_pods()

    def _given_up(self) -> Outcome | None:
        """Give up on what can never start, once it has had time to mend itself."""
        stuck = next(self._stuck(), None)
        if stuck is None:
            self._stuck_since = None
            return None
        now = self.patience.clock()
        self._stuck_since = self._stuck_since or now
        if now - self._stuck_since < self.patience.stuck_seconds:
            return None
        self.cluster.delete("Job", self.job)
        return Outcome(exit_code=ConfigError.exit_code, message=stuck)

    def _stuck(self) -> Iterator[str]:
        name = self.step.name
        for pod in self.view.known_pods():
            if pod.stuck_reason:
                remedy = REMEDIES[pod.stuck_reason]
                yield f"{name}: its pod can never start, got {pod.waiting}. {remedy}"
            elif pod.phase == "Pending" and (fault := self._unfit(pod)):
                yield fault
        if self._events and not self.view.pods and exceeds_quota(self._events):
            yield (
                f"{name}: its Job can make no pod, got {self._events}. "
                "Lower cluster.resources or --gpus, or mend what it names."
            )

    def _unfit(self, pod: PodFacts) -> str:
        """Return why no node could ever hold a pod that none has taken; empty: one may.

        The nodes say it with numbers; an account that may not see them has the
        scheduler's verdict.
        """
        if self.settings.cluster.wait_for_nodes or "Unschedulable" not in pod.waiting:
            return ""
        if self._rooms is None:
            self._rooms = node_rooms(self.cluster)
        if fault := never_fits(self.step, self.settings, self._rooms):
            return fault
        size = SIZES.get(self.step.name, "train")
        return unfit_message(pod.waiting, size) if pod.is_unfit else ""

    def _look_at_events(self) -> None:
        """Ask why a Job makes no pods, while it has none: nothing else says so."""
        job = self.view.job
        has_none = job is not None and not job.active and not job.is_finished
        if not has_none:
            self._events = ""
            return
        now = self.patience.clock()
        if now - self._events_at < self.patience.events_seconds or job is None:
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
