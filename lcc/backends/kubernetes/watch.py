"""Follows a Job and its pods in two threads: a list each, then a watch.

Knows how a list and a watch go together; what the objects mean is in `status`. Never
a request per pod: one per page of a list, and one per watch of five minutes.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lcc.backends.kubernetes.errors import LoginLostError
from lcc.backends.kubernetes.interface import Cluster, GoneError, Object
from lcc.backends.kubernetes.status import JobFacts, PodFacts, job_facts, pod_facts
from lcc.errors import LccError, UnavailableError

WATCH_SECONDS = 300


@dataclass
class JobView:
    """What is known of a Job now; written by the threads, read by the driver.

    Attributes:
        job: The Job, None before the first answer.
        pods: Its pods that have not succeeded, by name; changed in place, so that
            thousands cost nothing to keep: read them by `known_pods`.
        is_deleted: Whether somebody deleted the Job.
        away: Why the API server does not answer, empty where it does.
        fault: Why nothing is followed any more.
        changed: Set with every change.
    """

    job: JobFacts | None = None
    pods: dict[str, PodFacts] = field(default_factory=dict)
    is_deleted: bool = False
    away: str = ""
    fault: LccError | None = None
    changed: threading.Event = field(default_factory=threading.Event)

    def known_pods(self) -> list[PodFacts]:
        """Return the pods of this moment."""
        return list(self.pods.values())


class _JobUpdater:
    """Keeps the Job of a view."""

    kind = "Job"

    def __init__(self, view: JobView) -> None:
        self._view = view

    def restart(self) -> None:
        """Begin with a new list."""

    def apply(self, event: str, job: Object) -> None:
        """Apply a change."""
        self._view.job = job_facts(job)
        self._view.is_deleted = event == "DELETED"

    def end_list(self, num_items: int) -> None:
        """Note that the list is complete."""
        self._view.is_deleted = num_items == 0


class _PodUpdater:
    """Keeps the pods of a view; one that has done its work is forgotten."""

    kind = "Pod"

    def __init__(self, view: JobView) -> None:
        self._view = view

    def restart(self) -> None:
        """Begin with a new list; failed pods stay, for their termination messages."""
        self._view.pods = {
            name: pod for name, pod in self._view.pods.items() if pod.exit_code
        }

    def apply(self, event: str, pod: Object) -> None:
        """Apply a change."""
        facts = pod_facts(pod)
        is_over = event == "DELETED" and not facts.exit_code
        if is_over or facts.phase == "Succeeded":
            self._view.pods.pop(facts.name, None)
        else:
            self._view.pods[facts.name] = facts

    def end_list(self, num_items: int) -> None:
        """Note that the list is complete."""


@contextmanager
def follow_job(
    cluster: Cluster, selector: str, *, pause_seconds: float
) -> Iterator[JobView]:
    """Give a view of the Job of a selector, and follow it until the end of `with`.

    Args:
        cluster: Where.
        selector: Labels of the Job and of its pods.
        pause_seconds: Before an API server that is away is asked again.
    """
    view, done = JobView(), threading.Event()
    for updater in (_JobUpdater(view), _PodUpdater(view)):
        stream = _Stream(
            cluster=cluster,
            selector=selector,
            updater=updater,
            view=view,
            done=done,
            pause_seconds=pause_seconds,
        )
        # A stream that hangs must not hold up the end.
        threading.Thread(target=stream.run, daemon=True).start()
    try:
        yield view
    finally:
        done.set()


@dataclass(kw_only=True)
class _Stream:
    """A list and watch of one kind."""

    cluster: Cluster
    selector: str
    updater: _JobUpdater | _PodUpdater
    view: JobView
    done: threading.Event
    pause_seconds: float
    version: str = ""  # to watch from; empty: list first

    def run(self) -> None:
        """Follow until done; a server that is away is asked again."""
        while not self.done.is_set():
            try:
                self._follow()
            except GoneError:
                self.version = ""
            except LoginLostError as err:  # never again in this process
                self.view.fault = err
                self.view.changed.set()
                return
            except UnavailableError as err:
                self.version = ""  # what changes meanwhile is in the next list
                self.view.away = str(err)
                self.view.changed.set()
                self.done.wait(self.pause_seconds)
            except LccError as err:
                self.view.fault = err
                self.view.changed.set()
                return

    def _follow(self) -> None:
        if not self.version:
            self._list()
        for event, item in self.cluster.watch(
            self.updater.kind,
            self.selector,
            resource_version=self.version,
            seconds=WATCH_SECONDS,
        ):
            self.version = item["metadata"]["resourceVersion"]
            if event != "BOOKMARK":
                self.updater.apply(event, item)
                self.view.changed.set()
            if self.done.is_set():
                return

    def _list(self) -> None:
        self.updater.restart()
        num_items = 0
        for page in self.cluster.pages(self.updater.kind, self.selector):
            for item in page.items:
                self.updater.apply("ADDED", item)
            num_items += len(page.items)
            self.version = page.resource_version
        self.updater.end_list(num_items)
        self.view.away = ""
        self.view.changed.set()
