"""Steps as Jobs, against a cluster that shows each moment on command."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from lcc.backends.kubernetes.errors import LoginLostError
from lcc.backends.kubernetes.interface import GoneError, Object
from lcc.backends.kubernetes.job import build_manifests, order_job
from lcc.backends.kubernetes.monitor import JobMonitor, Patience
from lcc.backends.kubernetes.status import job_facts
from lcc.backends.kubernetes.watch import JobView
from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError, UnavailableError
from lcc.launch.backend import StepStatus
from lcc.launch.driver import await_end
from lcc.launch.outcome import Outcome
from lcc.launch.plan import Step
from lcc.launch.signals import StopRequest
from tests.builders.clusters import (
    IMPATIENT,
    FakeCluster,
    a_backend,
    a_job,
    a_pod_of,
    condition,
)

RUN = "prepare-20261123-0915-k3f9"
JOB = f"{RUN}-hash-1"


@dataclass
class Running:
    """A step under way in a thread."""

    cluster: FakeCluster
    stop: StopRequest = field(default_factory=StopRequest)
    progress: list[tuple[int, int]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    outcome: Outcome | None = None

    def record(self, status: StepStatus) -> None:
        self.progress.append((status.done, status.total))
        self.reasons.append(status.reason)
        self.cluster.note()

    def until(self, condition: Callable[[], object]) -> None:
        self.cluster.until(condition)

    def job(self, name: str = JOB, **status: object) -> Object:
        return a_job(self.cluster, name, **status)


def settings_for(**changes: object) -> Settings:
    always = {"storage.root": "s3://lcc/study", "cluster.namespace": "lab"}
    return changed_settings(Settings(), always | changes)


@contextmanager
def running(
    cluster: FakeCluster | None = None,
    step: Step | None = None,
    *,
    is_retry: bool = False,
    patience: Patience = IMPATIENT,
    **changes: object,
) -> Iterator[Running]:
    """Run a step in a thread; joined at the end of `with`."""
    now = Running(cluster or FakeCluster())
    before = now.cluster.watched()  # those of an earlier driver hang on
    settings = settings_for(**changes)
    backend = a_backend(now.cluster, settings, patience=patience)
    own = step or Step(name="hash", num_processes=2, parallelism=2)

    def work() -> None:
        with backend.submit(
            own, run_id=RUN, settings=settings, is_retry=is_retry
        ) as submitted:
            now.outcome = await_end(submitted, now.record, now.stop, say=lambda _: None)
        now.cluster.note()

    thread = threading.Thread(target=work)
    thread.start()
    now.until(lambda: now.outcome or now.cluster.watched() >= before + 2)
    yield now
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_a_job_is_followed_to_its_end() -> None:
    with running() as now:
        now.job(active=2)
        now.job(succeeded=1, active=1)
        now.until(lambda: (1, 2) in now.progress)
        now.job(succeeded=2, conditions=[condition("Complete")])

    assert now.outcome == Outcome()
    assert now.cluster.created == [f"Job/{JOB}"]


def test_a_driver_that_comes_back_finds_its_job() -> None:
    cluster = FakeCluster()
    with running(cluster) as first:
        first.stop.signals.append(15)
    with running(cluster) as now:
        now.job(succeeded=2, conditions=[condition("Complete")])

    assert first.outcome is not None
    assert first.outcome.goes_on
    assert now.outcome == Outcome()
    assert now.progress[-1] == (2, 2)
    assert cluster.created == [f"Job/{JOB}"]


def test_a_failure_while_nobody_watched_is_reported_not_repeated() -> None:
    cluster = FakeCluster()
    with running(cluster) as first:
        first.stop.signals.append(15)
    a_job(cluster, JOB, conditions=[condition("Failed", "FailedIndexes")])

    with running(cluster) as now:
        pass

    assert now.outcome is not None
    assert now.outcome.exit_code == 1
    assert cluster.created == [f"Job/{JOB}"]


def test_a_known_failure_is_tried_again_under_a_new_name() -> None:
    cluster = FakeCluster()
    with running(cluster) as first:
        first.job(conditions=[condition("Failed", "FailedIndexes")])

    with running(cluster, is_retry=True) as now:
        now.job(f"{RUN}-hash-2", conditions=[condition("Complete")])

    assert now.outcome == Outcome()
    assert cluster.created == [f"Job/{JOB}", f"Job/{RUN}-hash-2"]


def test_a_pod_that_failed_for_good_speaks() -> None:
    with running() as now:
        state = {"terminated": {"exitCode": 3, "message": "images: none found."}}
        pod = a_pod_of(
            now.job(active=1), phase="Failed", containerStatuses=[{"state": state}]
        )
        now.cluster.put(pod)
        now.job(active=0, conditions=[condition("Failed", "FailedIndexes")])

    assert now.outcome is not None
    assert (now.outcome.exit_code, now.outcome.message) == (3, "images: none found.")
    assert now.outcome.log == f"lcc-launch logs {RUN} --step hash"


def test_a_pod_whose_end_the_watch_has_yet_to_tell_names_its_log() -> None:
    cluster = FakeCluster()
    job = {"metadata": {"name": JOB, "labels": {}}, "spec": {"completions": 1}}
    state = {"terminated": {"exitCode": 3, "message": "images: none found."}}
    cluster.put(a_pod_of(job, phase="Failed", containerStatuses=[{"state": state}]))
    job["status"] = {"conditions": [condition("Failed", "FailedIndexes")]}
    monitor = JobMonitor(
        cluster=cluster,
        view=JobView(job=job_facts(job)),  # of no pod yet
        job=JOB,
        run_id=RUN,
        step=Step(name="hash"),
        settings=settings_for(),
        patience=IMPATIENT,
    )

    outcome = monitor.describe().outcome

    assert outcome is not None
    assert outcome.message == "images: none found."
    assert outcome.log == f"lcc-launch logs {RUN} --step hash"


def test_an_image_that_never_comes_is_given_up_and_leaves_nothing() -> None:
    with running() as now:
        waiting = {"reason": "ImagePullBackOff", "message": "lcc:typo not found"}
        state = {"state": {"waiting": waiting}}
        now.cluster.put(a_pod_of(now.job(active=1), containerStatuses=[state]))

    assert now.outcome is not None
    assert now.outcome.exit_code == ConfigError.exit_code
    assert "lcc:typo not found" in str(now.outcome.message)
    assert now.cluster.deleted == [f"Job/{JOB}"]


NOT_NOW = "1 No preemption victims found for incoming pod."
NEVER = "1 Preemption is not helpful for scheduling."


def unschedulable(
    resource: str = "", *, why: str = "", verdict: str = NOT_NOW
) -> list[dict[str, str]]:
    message = (
        f"0/1 nodes are available: {why or f'1 Insufficient {resource}'}. no new "
        f"claims to deallocate, preemption: 0/1 nodes are available: {verdict}"
    )
    return [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
         "message": message}
    ]  # fmt: skip


def a_node(**allocatable: str) -> Object:
    plain = {"cpu": "8", "memory": "64Gi", "ephemeral-storage": "100Gi"}
    named = {name.replace("__", "/"): text for name, text in allocatable.items()}
    return {"metadata": {"name": "n1"}, "status": {"allocatable": plain | named}}


@dataclass
class Clock:
    """A clock that goes when a test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


GPU_STEP = Step(name="train", gpus=16)


def test_more_gpus_than_any_node_has_are_refused() -> None:
    cluster = FakeCluster()
    cluster.nodes = [a_node(**{"nvidia.com/gpu": "8"})]
    with running(cluster, GPU_STEP) as now:
        job = now.job(f"{RUN}-train-1", active=1)
        now.cluster.put(a_pod_of(job, conditions=unschedulable("nvidia.com/gpu")))

    assert now.outcome is not None
    assert str(now.outcome.message).startswith(
        "launch.gpus: must fit on one node, got 16 nvidia.com/gpu of 8 on n1"
    )


@pytest.mark.parametrize(
    ("why", "setting"),
    [
        pytest.param("1 Insufficient cpu", "cluster.resources.train.cpu_request"),
        pytest.param("1 Insufficient memory", "cluster.resources.train.memory"),
        pytest.param("1 Insufficient nvidia.com/gpu", "launch.gpus"),
        pytest.param(
            "1 node(s) didn't match Pod's node affinity/selector",
            "cluster.node_selector",
        ),
        pytest.param(
            "1 node(s) had untolerated taint {pool: gpu}", "cluster.tolerations"
        ),
    ],
)
def test_an_account_that_sees_no_node_takes_the_schedulers_word(
    why: str, setting: str
) -> None:
    with running(FakeCluster(), GPU_STEP) as now:
        job = now.job(f"{RUN}-train-1", active=1)
        never = unschedulable(why=why, verdict=NEVER)
        now.cluster.put(a_pod_of(job, conditions=never))

    assert now.outcome is not None
    assert now.outcome.exit_code == ConfigError.exit_code
    assert str(now.outcome.message).startswith(f"{setting}: must ")
    assert f"{why}. Change it" in str(now.outcome.message)
    assert now.outcome.log is None  # no pod ever ran


@pytest.mark.parametrize(
    ("why", "verdict"),
    [
        pytest.param("1 Insufficient cpu", NOT_NOW, id="busy"),
        pytest.param("1 node(s) were unschedulable", NEVER, id="cordoned"),
        pytest.param(
            "1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }",
            NEVER,
            id="node away",
        ),
    ],
)
def test_what_passes_is_waited_for(why: str, verdict: str) -> None:
    clock = Clock()
    patience = replace(IMPATIENT, clock=clock)
    with running(FakeCluster(), GPU_STEP, patience=patience) as now:
        job = now.job(f"{RUN}-train-1", active=1)
        waits = unschedulable(why=why, verdict=verdict)
        now.cluster.put(a_pod_of(job, conditions=waits))
        now.until(lambda: any("nodes are available" in r for r in now.reasons))
        clock.now += 3600
        num_looks = len(now.reasons)
        now.until(lambda: len(now.reasons) > num_looks + 1)
        now.job(f"{RUN}-train-1", conditions=[condition("Complete")])

    assert now.outcome == Outcome()


@pytest.mark.parametrize(
    ("nodes", "hint"),
    [
        pytest.param(
            [],
            ". If nothing frees room: lower cluster.resources.train.cpu_request",
            id="an account that sees no node",
        ),
        pytest.param([a_node(**{"nvidia.com/gpu": "16"})], "", id="one that does"),
    ],
)
def test_a_long_wait_for_room_names_what_to_lower_where_no_node_tells(
    nodes: list[Object], hint: str
) -> None:
    cluster, clock = FakeCluster(), Clock(now=1)
    cluster.nodes = nodes
    patience = replace(IMPATIENT, clock=clock, stuck_seconds=30)
    told = "pod waits: Unschedulable: 0/1 nodes are available: 1 Insufficient cpu"
    with running(cluster, GPU_STEP, patience=patience) as now:
        job = now.job(f"{RUN}-train-1", active=1)
        now.cluster.put(a_pod_of(job, conditions=unschedulable("cpu")))
        now.until(lambda: told in now.reasons)
        clock.now += 29
        num_looks = len(now.reasons)
        now.until(lambda: len(now.reasons) > num_looks + 1)
        before = now.reasons[-1]
        clock.now += 2
        num_looks = len(now.reasons)
        now.until(lambda: len(now.reasons) > num_looks + 1)
        after = now.reasons[-1]
        now.job(f"{RUN}-train-1", conditions=[condition("Complete")])

    assert (before, after) == (told, told + hint)


def test_nodes_that_grow_on_demand_are_waited_for() -> None:
    cluster = FakeCluster()
    cluster.nodes = [a_node()]
    clock = Clock()
    patience = replace(IMPATIENT, clock=clock)
    changes = {"cluster.wait_for_nodes": True}
    with running(cluster, GPU_STEP, patience=patience, **changes) as now:
        job = now.job(f"{RUN}-train-1", active=1)
        now.cluster.put(a_pod_of(job, conditions=unschedulable("nvidia.com/gpu")))
        now.until(lambda: any("Insufficient nvidia.com/gpu" in r for r in now.reasons))
        clock.now += 3600
        num_looks = len(now.reasons)
        now.until(lambda: len(now.reasons) > num_looks + 1)
        now.job(f"{RUN}-train-1", conditions=[condition("Complete")])

    assert now.outcome == Outcome()


def test_a_quota_that_leaves_no_room_is_given_up_in_its_words() -> None:
    message = (
        "exceeded quota: q, requested: requests.cpu=4, used: requests.cpu=0, "
        "limited: requests.cpu=2"
    )
    with running() as now:
        event = {
            "kind": "Event",
            "metadata": {"name": "e"},
            "message": message,
            "lastTimestamp": "2026-11-23T09:15:00Z",
        }
        now.cluster.put(event)

    assert now.outcome is not None
    assert message in str(now.outcome.message)


def test_a_deleted_job_is_a_stop() -> None:
    with running() as now:
        now.until(lambda: now.progress)
        now.cluster.delete("Job", JOB)

    assert now.outcome is not None
    assert (now.outcome.is_stop, now.outcome.exit_code) == (True, 143)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(GoneError(), id="410"),
        pytest.param(UnavailableError("the API server is away"), id="away"),
    ],
)
def test_a_broken_watch_is_taken_up_again(error: Exception) -> None:
    with running() as now:
        now.job(active=2)
        now.cluster.interrupt(error)
        now.until(
            lambda: now.cluster.num_lists >= 5
        )  # the attempt, two lists, two again
        now.until(lambda: now.cluster.watched() == 2)
        now.job(succeeded=2, conditions=[condition("Complete")])

    assert now.outcome == Outcome()


def test_an_absent_api_server_is_the_reason_of_the_wait() -> None:
    with running() as now:
        away = UnavailableError("the API server is away")
        now.cluster.faults = [away] * 6
        now.cluster.interrupt(away)
        now.until(lambda: any("is away" in reason for reason in now.reasons))
        now.until(lambda: now.cluster.watched() == 2)
        now.job(conditions=[condition("Complete")])

    assert now.outcome == Outcome()


def test_a_permission_that_is_taken_away_ends_the_step() -> None:
    with running() as now:
        now.cluster.interrupt(ConfigError("this account may not watch jobs"))

    assert now.outcome is not None
    assert now.outcome.exit_code == 2


def test_the_service_of_a_group_goes_with_it() -> None:
    step = Step(name="train", num_processes=2, parallelism=2, is_distributed=True)
    with running(None, step) as now:
        now.job(f"{RUN}-train-1", conditions=[condition("Complete")])

    cluster = now.cluster
    assert cluster.created == [f"Job/{RUN}-train-1", f"Service/{RUN}-train-1"]
    cluster.delete("Job", f"{RUN}-train-1")
    assert cluster.deleted == [f"Job/{RUN}-train-1"]  # no right to delete a Service
    assert cluster.objects == {}


def test_a_driver_that_died_before_the_service_leaves_it_to_the_next() -> None:
    step = Step(name="train", num_processes=2, parallelism=2, is_distributed=True)
    cluster = FakeCluster()
    job, _ = build_manifests(order_job(step, settings_for(), run_id=RUN, attempt=1))
    cluster.create(job)
    with running(cluster, step) as now:
        now.job(f"{RUN}-train-1", conditions=[condition("Complete")])

    (owner,) = cluster.objects["Service", f"{RUN}-train-1"]["metadata"][
        "ownerReferences"
    ]
    assert owner["uid"] == cluster.objects["Job", f"{RUN}-train-1"]["metadata"]["uid"]


def out_of_memory(job: Object, number: int = 0) -> Object:
    ended = {"exitCode": 137, "reason": "OOMKilled"}
    states = [{"state": {"terminated": ended}}]
    return a_pod_of(job, number, phase="Failed", containerStatuses=states)


def test_a_pod_out_of_memory_ends_the_step_at_its_first_death() -> None:
    with running() as now:
        now.cluster.put(out_of_memory(now.job(active=2)))

    assert now.outcome is not None
    assert now.outcome.exit_code == 2
    assert "got OOMKilled. Raise cluster.resources.data.memory" in str(
        now.outcome.message
    )
    (ended,) = now.cluster.patched
    assert ended == (f"Job/{JOB}", {"spec": {"activeDeadlineSeconds": 1}})
    assert now.cluster.deleted == []  # its pods stay, for their logs


def test_a_search_goes_on_with_a_few_trials_out_of_memory() -> None:
    step = Step(name="trial", num_processes=10, parallelism=10)
    with running(None, step) as now:
        job = now.job(f"{RUN}-trial-1", active=10)
        now.cluster.put(out_of_memory(job, 0))
        now.cluster.put(out_of_memory(job, 0))  # again the same
        num_looks = len(now.reasons)
        now.until(lambda: len(now.reasons) > num_looks + 1)
        assert now.cluster.patched == []
        now.cluster.put(out_of_memory(job, 1))

    assert now.outcome is not None
    assert "Raise cluster.resources.train.memory" in str(now.outcome.message)


def test_a_pod_whose_token_died_leaves_the_job_to_the_next_driver() -> None:
    with running() as now:
        now.cluster.interrupt(LoginLostError("account of this pod: must be known"))

    assert now.outcome is not None
    assert now.outcome.exit_code == 75
    assert now.outcome.goes_on
    assert now.cluster.deleted == []
