"""What the launcher makes of a namespace: Jobs alive, cancelled runs, logs, keys."""

import base64
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lcc.backends.kubernetes import cancel as cancelling
from lcc.backends.kubernetes import errors
from lcc.backends.kubernetes.chart import chart_settings, use_secrets
from lcc.backends.kubernetes.interface import Object
from lcc.backends.kubernetes.job import build_manifests, order_job
from lcc.backends.kubernetes.jobs import take_inventory, waiting_reasons, with_jobs
from lcc.backends.kubernetes.logs import newest_job, read_pod_logs
from lcc.cli.tables import run_tree
from lcc.config.cluster import ClusterSettings
from lcc.config.settings import Settings
from lcc.errors import ConfigError, NotFoundError, UnavailableError
from lcc.launch.logs import read_stored_logs
from lcc.launch.plan import Step
from lcc.launch.state import RunStatus, StepState, read_state, write_state
from lcc.storage import layout
from tests.builders.clusters import (
    FakeCluster,
    a_backend,
    a_job,
    a_pod_of,
    condition,
)
from tests.builders.launches import TrackingAway, a_state, a_store

RUN = "train-20261123-0915-k3f9"


def a_cluster_with(step: Step, *, run_id: str = RUN, attempt: int = 1) -> FakeCluster:
    cluster = FakeCluster()
    add_job(cluster, step, run_id=run_id, attempt=attempt)
    return cluster


def add_job(
    cluster: FakeCluster, step: Step, *, run_id: str = RUN, attempt: int = 1
) -> None:
    for manifest in build_manifests(
        order_job(step, Settings(), run_id=run_id, attempt=attempt)
    ):
        cluster.create(manifest)


def test_a_run_whose_driver_died_goes_on_while_its_jobs_do() -> None:
    cluster = a_cluster_with(Step(name="train", num_processes=4, parallelism=4))
    a_job(cluster, f"{RUN}-train-1", succeeded=3, active=1)
    lost = a_state(
        RUN,
        status=RunStatus.LOST,
        steps=[StepState(name="train", status=RunStatus.LOST)],
    )

    state = with_jobs(lost, take_inventory(cluster))

    assert (state.status, state.steps[0].status) == (
        RunStatus.RUNNING,
        RunStatus.RUNNING,
    )
    assert (state.steps[0].done, state.steps[0].total) == (3, 4)


def test_a_run_whose_jobs_have_ended_stays_lost() -> None:
    cluster = a_cluster_with(Step(name="train"))
    a_job(cluster, f"{RUN}-train-1", conditions=[condition("Complete")])

    state = with_jobs(a_state(RUN, status=RunStatus.LOST), take_inventory(cluster))

    assert state.status is RunStatus.LOST


def test_the_newest_attempt_counts() -> None:
    cluster = a_cluster_with(Step(name="train"))
    a_job(cluster, f"{RUN}-train-1", conditions=[condition("Failed", "x")])
    add_job(cluster, Step(name="train"), attempt=2)

    job = newest_job(cluster, RUN, None)

    assert job is not None
    assert job.facts.name == f"{RUN}-train-2"


def test_a_driver_in_the_cluster_is_known() -> None:
    cluster = FakeCluster()

    a_backend(cluster, Settings()).detach(RUN, Settings())

    assert take_inventory(cluster).has_driver(RUN)
    assert cluster.created == [f"Job/{RUN}-driver-1"]


def test_a_run_gets_a_new_driver_after_an_old_one() -> None:
    cluster = FakeCluster()
    backend = a_backend(cluster, Settings())

    backend.detach(RUN, Settings())
    backend.detach(RUN, Settings())

    assert cluster.created == [f"Job/{RUN}-driver-1", f"Job/{RUN}-driver-2"]


def test_pending_pods_say_why() -> None:
    cluster = a_cluster_with(Step(name="train"))
    job = a_job(cluster, f"{RUN}-train-1", active=1)
    state = {"waiting": {"reason": "ErrImagePull", "message": "not found"}}
    cluster.put(a_pod_of(job, containerStatuses=[{"state": state}]))

    assert waiting_reasons(cluster, take_inventory(cluster).jobs) == {
        "train": "pod waits: ErrImagePull: not found"
    }


def a_running_pod(cluster: FakeCluster, number: int) -> None:
    job = cluster.objects["Job", f"{RUN}-hash-1"]
    cluster.put(a_pod_of(job, number, phase="Running"))


def test_status_shows_how_far_each_running_process_is(tmp_path: Path) -> None:
    cluster, store = FakeCluster(), a_store(tmp_path)
    add_job(cluster, Step(name="hash", num_processes=20, parallelism=20))
    a_job(cluster, f"{RUN}-hash-1", active=14)
    for number in range(14):
        a_running_pod(cluster, number)
    for number, note in (
        (0, b"progress 12 48\n"),
        (1, b"half a"),
        (13, b"progress 1 2"),
    ):
        store.write(layout.progress(RUN, f"{RUN}-hash-1", number), note)
    steps = [StepState(name="hash")]
    write_state(store, a_state(RUN, status=RunStatus.RUNNING, steps=steps))

    (state,) = a_backend(cluster, Settings(), store).describe(RUN)

    assert state.steps[0].running == {"0": "12/48", "…": "and 4 more"}
    shown = "\n".join(run_tree(state, ()))
    assert re.search(r"process 0 +12/48\n +process … +and 4 more", shown)


def test_progress_is_not_kept_with_the_state(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    step = StepState(name="hash", running={"0": "12/48"})

    write_state(store, a_state(RUN, steps=[step]))

    assert b'running":' not in store.read(layout.run_state(RUN))
    assert read_state(store, RUN).steps[0].running == {}


def test_cancelling_deletes_the_driver_first_and_nothing_but_jobs() -> None:
    group = Step(name="train", num_processes=2, parallelism=2, is_distributed=True)
    cluster = a_cluster_with(group)
    a_backend(cluster, Settings()).detach(RUN, Settings())

    number = cancelling.delete_jobs(cluster, [RUN])

    assert number == 2
    assert cluster.deleted == [
        f"Job/{RUN}-driver-1",
        f"Job/{RUN}-train-1",
    ]


def test_cancelling_leaves_what_has_ended() -> None:
    cluster = a_cluster_with(Step(name="features"))
    a_job(cluster, f"{RUN}-features-1", conditions=[condition("Complete")])
    add_job(cluster, Step(name="train"))

    assert cancelling.delete_jobs(cluster, [RUN]) == 1
    assert cluster.deleted == [f"Job/{RUN}-train-1"]


@pytest.mark.parametrize("status", [RunStatus.STOPPED, RunStatus.FAILED])
def test_a_run_whose_jobs_are_at_work_is_cancelled_whatever_its_driver_noted(
    tmp_path: Path, status: RunStatus
) -> None:
    store, cluster = a_store(tmp_path), a_cluster_with(Step(name="train"))
    store.write(f"runs/{RUN}/settings.yaml", b"tracking: {uri: 'http://127.0.0.1:9'}")
    write_state(store, a_state(RUN, status=status, steps=[]))

    said = list(a_backend(cluster, Settings(), store).cancel(RUN))

    assert said == ["1 jobs deleted, their pods save and go", "cancelled"]
    assert cluster.deleted == [f"Job/{RUN}-train-1"]
    assert read_state(store, RUN).message == "cancelled"


def test_what_a_driver_noted_when_it_left_is_gone_while_its_jobs_are_at_work() -> None:
    cluster = a_cluster_with(Step(name="train"))
    left = a_state(
        RUN, status=RunStatus.STOPPED, exit_code=130, message="no longer watched"
    )

    state = with_jobs(left, take_inventory(cluster))

    assert (state.status, state.message, state.exit_code, state.ended) == (
        RunStatus.RUNNING, None, None, None,
    )  # fmt: skip


def test_cancelling_waits_for_pods_that_may_still_write() -> None:
    cluster = a_cluster_with(Step(name="train"))
    pod = a_pod_of(cluster.objects["Job", f"{RUN}-train-1"], phase="Running")
    cluster.put(pod)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        cluster.put(pod | {"status": {"phase": "Failed"}})

    cancelling.wait_for_pods(cluster, [RUN], sleep=pause)

    assert len(pauses) == 1


def test_cancelling_gives_up_a_pod_whose_node_does_not_answer() -> None:
    cluster = a_cluster_with(Step(name="train"))
    pod = a_pod_of(cluster.objects["Job", f"{RUN}-train-1"], phase="Running")
    pod["metadata"] |= {"deletionTimestamp": "…", "deletionGracePeriodSeconds": 120}
    cluster.put(pod)
    clock = itertools.count(step=100.0)

    with pytest.raises(
        UnavailableError, match=r"120 s .* got 200 s.*taint node node-1"
    ):
        cancelling.wait_for_pods(
            cluster, [RUN], clock=lambda: next(clock), sleep=lambda _: None
        )


def test_a_cancelled_run_says_so(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    store.write(f"runs/{RUN}/settings.yaml", b"{}")
    steps = [
        StepState(name="features", status=RunStatus.DONE),
        StepState(name="train", status=RunStatus.RUNNING),
    ]
    write_state(store, a_state(RUN, status=RunStatus.RUNNING, steps=steps))

    cancelling.record_cancelled(store, RUN, lambda _: TrackingAway())  # type: ignore[arg-type,return-value]

    state = read_state(store, RUN)
    [spooled] = store.list_objects(f"runs/{RUN}/spool/")
    assert '"status": "KILLED"' in store.read(spooled.key).decode()
    assert (state.status, state.message) == (RunStatus.STOPPED, "cancelled")
    assert [step.status for step in state.steps] == [RunStatus.DONE, RunStatus.STOPPED]


def test_lines_of_several_pods_carry_their_names() -> None:
    cluster = a_cluster_with(Step(name="train", num_processes=2, parallelism=2))
    job = a_job(cluster, f"{RUN}-train-1", conditions=[condition("Complete")])
    for number in (0, 1):
        pod = a_pod_of(job, number, phase="Succeeded")
        cluster.put(pod)
        cluster.logs[pod["metadata"]["name"]] = [f"2026-11-23T09:15:00Z hello {number}"]
    own = newest_job(cluster, RUN, "train")
    assert own is not None

    lines = [
        f"[{RUN}-train-1-0-abcde] hello 0",
        f"[{RUN}-train-1-1-abcde] hello 1",
    ]
    assert list(read_pod_logs(cluster, own, follow=False)) == lines
    followed = read_pod_logs(cluster, own, follow=True, pause_seconds=0.01)
    assert sorted(followed) == lines
    assert list(read_pod_logs(cluster, own, follow=False, index=1)) == ["hello 1"]


class BrokenOnce(FakeCluster):
    """A cluster whose first stream of a log breaks after a line."""

    def read_log(self, pod: str, *, follow: bool, since: str | None) -> Iterator[str]:
        lines = self.logs[pod]
        if since is None:
            yield lines[0]
            message = "the connection broke"
            raise UnavailableError(message)
        yield from (line for line in lines if line >= since)


def test_a_log_goes_on_after_a_broken_connection_and_repeats_no_line() -> None:
    cluster = BrokenOnce()
    add_job(cluster, Step(name="train"))
    job = a_job(cluster, f"{RUN}-train-1", conditions=[condition("Complete")])
    pod = a_pod_of(job, phase="Succeeded")
    cluster.put(pod)
    cluster.logs[pod["metadata"]["name"]] = ["09:15:00Z one", "09:15:01Z two"]
    own = newest_job(cluster, RUN, None)
    assert own is not None

    followed = read_pod_logs(cluster, own, follow=True, pause_seconds=0.01)

    assert list(followed) == ["one", "two"]


def test_stored_logs_are_found_by_step(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    store.write(f"runs/{RUN}/logs/{RUN}-train-1/pod.log", b"one\ntwo")
    store.write(f"runs/{RUN}/logs/{RUN}-features-1/pod.log", b"other")

    assert list(read_stored_logs(store, RUN, "train")) == ["one", "two"]
    with pytest.raises(NotFoundError, match="must have a log of select"):
        list(read_stored_logs(store, RUN, "select"))


@pytest.mark.parametrize(
    ("index", "lines"),
    [
        pytest.param(3, ["pod 3"], id="a pod"),
        pytest.param(13, ["process 13"], id="a process of this machine"),
    ],
)
def test_one_of_many_logs_is_named_by_its_index(
    tmp_path: Path, index: int, lines: list[str]
) -> None:
    store, logs = a_store(tmp_path), f"runs/{RUN}/logs"
    store.write(f"{logs}/{RUN}-trial-1/{RUN}-trial-1-3-abcde.log", b"pod 3")
    store.write(f"{logs}/{RUN}-trial-1/{RUN}-trial-1-33-abc3e.log", b"pod 33")
    store.write(f"{logs}/trial/00013.log", b"process 13")

    assert list(read_stored_logs(store, RUN, "trial", index=index)) == lines


def a_settings_map(name: str, release: str) -> Object:
    labels = {
        "app.kubernetes.io/part-of": "lcc",
        "app.kubernetes.io/component": "settings",
        "app.kubernetes.io/instance": release,
    }
    return {
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": labels},
        "data": {"lcc.yaml": f"data: {{name: {release}}}"},
    }


def test_the_charts_settings_are_found() -> None:
    cluster = FakeCluster()
    assert chart_settings(cluster, None) is None

    cluster.put(a_settings_map("lcc-settings", "lcc"))

    assert chart_settings(cluster, None) == (
        "data: {name: lcc}",
        "configmap lcc-settings",
    )


def test_several_releases_ask_for_a_choice() -> None:
    cluster = FakeCluster()
    for release in ("blue", "green"):
        cluster.put(a_settings_map(f"{release}-settings", release))

    with pytest.raises(ConfigError, match=r"cluster\.release: .* one of blue, green"):
        chart_settings(cluster, None)
    assert chart_settings(cluster, "green") is not None


def a_secret(name: str, *keys: str) -> Object:
    data = {key: base64.b64encode(f"the {key}".encode()).decode() for key in keys}
    return {"kind": "Secret", "metadata": {"name": name}, "data": data}


S3_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
SECRETS = ClusterSettings(s3_secret="lcc-s3", tracking_secret="login")  # noqa: S106


@pytest.mark.parametrize("login", [LOGIN, ("MLFLOW_TRACKING_TOKEN",)])
def test_keys_and_login_come_from_secrets(login: tuple[str, ...]) -> None:
    cluster = FakeCluster()
    cluster.put(a_secret("lcc-s3", *S3_KEYS))
    cluster.put(a_secret("login", *login))
    environ: dict[str, str] = {}

    use_secrets(cluster, SECRETS, environ)

    assert environ == {key: f"the {key}" for key in (*S3_KEYS, *login)}


def test_keys_of_the_charts_own_store_are_the_charts_to_make() -> None:
    labels = {"app.kubernetes.io/instance": "blue"}
    cluster = FakeCluster()
    cluster.put({"kind": "Service", "metadata": {"name": "lcc-s3", "labels": labels}})

    with pytest.raises(ConfigError) as caught:
        use_secrets(cluster, SECRETS, {})

    assert str(caught.value).endswith(
        "The chart makes the keys of its own store: helm upgrade blue charts/lcc "
        "-n lab --reset-then-reuse-values --no-hooks && kubectl rollout restart -n lab "
        "statefulset,deployment -l app.kubernetes.io/instance=blue"
    )
    assert "kubectl create secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (
            (a_secret("lcc-s3"),),
            r"cluster\.s3_secret: .* got no AWS_ACCESS_KEY_ID and no AWS_SECRET",
        ),
        (
            (a_secret("lcc-s3", *S3_KEYS), a_secret("login", LOGIN[0])),
            r"cluster\.tracking_secret: .*, or MLFLOW_TRACKING_TOKEN, got no "
            "MLFLOW_TRACKING_PASSWORD in it",
        ),
        ((a_secret("lcc-s3", *S3_KEYS),), r"cluster\.tracking_secret: .* got none"),
    ],
)
def test_a_secret_that_lacks_a_key_is_named(
    given: tuple[Object, ...], fault: str
) -> None:
    cluster = FakeCluster()
    for secret in given:
        cluster.put(secret)

    with pytest.raises(ConfigError, match=fault):
        use_secrets(cluster, SECRETS, {})


@pytest.mark.parametrize(
    ("code", "message", "kind", "expected"),
    [
        pytest.param(
            403,
            'jobs.batch is forbidden: User "ada" cannot create resource "jobs" in API '
            'group "batch" in the namespace "lab"',
            ConfigError,
            r"namespace lab: this account may not create jobs\.batch\. Ask for the "
            r"chart's launcher Role",
            id="permission",
        ),
        pytest.param(
            403,
            'pods "x" is forbidden: exceeded quota: q, requested: pods=1',
            ConfigError,
            "the quota must leave room, got .*exceeded quota: q",
            id="quota",
        ),
        pytest.param(
            404,
            'namespaces "lab" not found',
            ConfigError,
            "cluster.namespace: must exist, got lab. Pass another",
            id="namespace",
        ),
        pytest.param(401, "Unauthorized", ConfigError, "Log in again", id="expired"),
        pytest.param(
            422,
            "Job.batch is invalid: spec.parallelism: must be at least 0",
            ConfigError,
            "must accept the object, got Job.batch is invalid",
            id="refused object",
        ),
        pytest.param(500, "etcd is away", UnavailableError, "500 etcd", id="temporary"),
    ],
)
def test_refusals_say_rule_value_and_remedy(
    code: int, message: str, kind: type[Exception], expected: str
) -> None:
    error = errors.from_status({"code": code, "message": message}, "lab")

    with pytest.raises(kind, match=expected):
        raise error


def test_the_jobs_of_a_run_are_followed_one_after_the_other(tmp_path: Path) -> None:
    store, cluster = a_store(tmp_path), a_cluster_with(Step(name="list"))

    def end(step: str) -> None:
        job = a_job(cluster, f"{RUN}-{step}-1", startTime=step,
                    conditions=[condition("Complete")])  # fmt: skip
        pod = a_pod_of(job, phase="Succeeded")
        cluster.put(pod)
        cluster.logs[pod["metadata"]["name"]] = [f"2026-11-23T09:15:00Z {step} done"]

    end("list")
    write_state(store, a_state(RUN, status=RunStatus.RUNNING))
    lines = a_backend(cluster, Settings(), store).logs(
        RUN, None, index=None, follow=True
    )
    first = next(lines)
    add_job(cluster, Step(name="select"))
    end("select")
    write_state(store, a_state(RUN, status=RunStatus.DONE))

    assert [first, *lines] == ["list done", "select done"]
