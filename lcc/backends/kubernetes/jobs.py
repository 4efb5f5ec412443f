"""The Jobs of all runs in a namespace, and the state of a run as they have it.

Knows what lives now, whatever a driver wrote; not what becomes of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from lcc.backends.kubernetes.interface import Cluster
from lcc.backends.kubernetes.labels import ATTEMPT, DRIVER, PIPELINE, RUN, STEP, select
from lcc.backends.kubernetes.reasons import waiting_reason
from lcc.backends.kubernetes.status import JobFacts, job_facts, pod_facts
from lcc.errors import LccError
from lcc.launch.state import RunState, RunStatus
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.tracking.progress import parse_progress

MAX_SHOWN = 10  # processes whose progress is read: a request each


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnJob:
    """One Job of a run.

    Attributes:
        run_id: The run.
        step: Its step, or `driver`.
        attempt: Which try.
        pipeline: The pipeline run, empty for none.
        facts: How it stands.
    """

    run_id: str
    step: str
    attempt: int
    pipeline: str
    facts: JobFacts


@dataclass(frozen=True, slots=True)
class Inventory:
    """All Jobs of a namespace that this launcher made."""

    jobs: tuple[OwnJob, ...] = field(default_factory=tuple)

    def of(self, run_id: str) -> list[OwnJob]:
        """Return the Jobs of a run, or of all runs of a pipeline."""
        return [job for job in self.jobs if run_id in {job.run_id, job.pipeline}]

    def has_driver(self, run_id: str) -> bool:
        """Return whether a Job in the cluster drives the run."""
        return any(
            job.step == DRIVER and not job.facts.is_finished for job in self.of(run_id)
        )

    def is_alive(self, run_id: str) -> bool:
        """Return whether a Job of the run, or its driver, is at work."""
        return any(not job.facts.is_finished for job in self.of(run_id))


def take_inventory(cluster: Cluster, **labels: str) -> Inventory:
    """Return the Jobs with these labels, in as many requests as there are pages."""
    pages = cluster.pages("Job", select(**labels))
    found = []
    for page in pages:
        for job in page.items:
            marks: Mapping[str, str] = job["metadata"]["labels"]
            found.append(
                OwnJob(
                    run_id=marks.get(RUN, ""),
                    step=marks.get(STEP, ""),
                    attempt=int(marks.get(ATTEMPT, 1)),
                    pipeline=marks.get(PIPELINE, ""),
                    facts=job_facts(job),
                )
            )
    return Inventory(tuple(found))


def with_jobs(state: RunState, inventory: Inventory) -> RunState:
    """Return a run's state as its Jobs have it: the driver may be dead or away.

    What its last driver noted when it left is no longer so while they are at work.
    """
    if not inventory.is_alive(state.run_id) or state.status is RunStatus.DONE:
        return state
    steps = []
    for step in state.steps:
        own = [
            job
            for job in inventory.of(state.run_id)
            if job.step == step.name and job.run_id == state.run_id
        ]
        last = max(own, key=lambda job: job.attempt, default=None)
        if last is None or last.facts.is_finished:
            steps.append(step)
            continue
        total = max(step.total, last.facts.total)
        steps.append(
            replace(
                step, status=RunStatus.RUNNING, done=last.facts.succeeded, total=total
            )
        )
    return replace(
        state,
        status=RunStatus.RUNNING,
        steps=steps,
        ended=None,
        exit_code=None,
        message=None,
    )


def running_progress(
    cluster: Cluster, store: Store, jobs: Iterable[OwnJob]
) -> dict[str, dict[str, str]]:
    """Return step → process → done/total of the first processes that run.

    As their pods noted it in the store, at most some seconds ago.
    """
    return {
        job.step: dict(_noted(cluster, store, job))
        for job in jobs
        if job.facts.active and job.step != DRIVER
    }


def _noted(cluster: Cluster, store: Store, job: OwnJob) -> Iterator[tuple[str, str]]:
    selector = f"batch.kubernetes.io/job-name={job.facts.name}"
    page = next(cluster.pages("Pod", selector, "status.phase=Running"))
    indexes = sorted(pod_facts(pod).index for pod in page.items)
    for index in indexes[:MAX_SHOWN]:
        try:
            text = store.read(layout.progress(job.run_id, job.facts.name, index))
        except LccError:  # it has noted nothing yet, or the store is away
            continue
        if found := parse_progress(text.decode()):
            yield str(index), f"{found[0]}/{found[1]}"
    if len(indexes) > MAX_SHOWN:
        yield "…", f"and {len(indexes) - MAX_SHOWN} more"


def waiting_reasons(cluster: Cluster, jobs: Iterable[OwnJob]) -> dict[str, str]:
    """Return step → why it waits, from the first page of pods that are pending."""
    found = {}
    for job in jobs:
        if job.facts.is_finished or job.step == DRIVER:
            continue
        selector = f"batch.kubernetes.io/job-name={job.facts.name}"
        page = next(cluster.pages("Pod", selector, "status.phase=Pending"))
        pods = [pod_facts(pod) for pod in page.items]
        if reason := waiting_reason(job.facts, pods):
            found[job.step] = reason
    return found
