"""What `lcc.launch.backend` promises, asked of every back end there is."""

import inspect
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from lcc.backends import backend_class
from lcc.backends.local.backend import LocalBackend
from lcc.cli.main import cli
from lcc.config.commands import Place
from lcc.config.launch import BackendName
from lcc.config.load import SettingsSources, changed_settings
from lcc.config.settings import Settings
from lcc.errors import ConfigError, NotFoundError
from lcc.launch.backend import Backend, StepStatus
from lcc.launch.plan import Stage
from lcc.launch.signals import StopRequest
from lcc.launch.state import RunStatus, write_state
from lcc.storage import layout
from lcc.storage.local import LocalStore
from lcc.storage.uri import shown_uri
from tests.builders.clusters import FakeCluster, a_backend
from tests.builders.launches import (
    a_state,
    a_step,
    a_store,
    entry_points,
    local_settings,
)
from tests.conftest import REPOSITORY

CHART = REPOSITORY / "k8s" / "chart.yaml"
RUN = "prepare-20261123-0915-k3f9"
PROMISED = [name for name in vars(Backend) if not name.startswith("_")]

Make = Callable[[LocalStore], Backend]


def local(store: LocalStore) -> Backend:
    return LocalBackend(settings=local_settings(store), store=store)


def kubernetes(store: LocalStore) -> Backend:
    changes = {"storage.root": "s3://lcc/study", "cluster.namespace": "lab"}
    return a_backend(FakeCluster(), changed_settings(Settings(), changes), store)


MAKERS = {BackendName.LOCAL: local, BackendName.KUBERNETES: kubernetes}
every_name = pytest.mark.parametrize("name", BackendName)


@pytest.fixture(params=BackendName)
def make(request: pytest.FixtureRequest) -> Make:
    """Return what makes a back end over a store; one for every name there is."""
    return MAKERS[request.param]


def parameters_of(member: object) -> list[inspect.Parameter]:
    function = getattr(member, "__func__", None) or getattr(member, "fget", member)
    return list(inspect.signature(function).parameters.values())  # type: ignore[arg-type]


@pytest.mark.parametrize("member", PROMISED)
@every_name
def test_every_member_is_called_as_the_contract_says(
    name: BackendName, member: str
) -> None:
    promised = inspect.getattr_static(Backend, member)
    kept = inspect.getattr_static(backend_class(name), member)

    if not isinstance(promised, property):  # else a field of the class may do
        assert type(kept) is type(promised)
        assert parameters_of(kept) == parameters_of(promised)


def test_its_settings_lead_a_later_command_to_the_same_runs(
    tmp_path: Path, make: Make
) -> None:
    settings = make(a_store(tmp_path)).settings
    place = Place().narrowed(settings, root=shown_uri(str(settings.storage.root)))

    command = ["train", "--name", "x", *place.options("train"), "--dry-run", "client"]
    # No cluster is asked.
    command += ["--values", str(CHART)] if "-n" in command else ["--local"]
    result = CliRunner().invoke(cli, command)

    assert result.exit_code == 0, result.output
    assert (place.namespace or str(settings.storage.root)) in result.output


@every_name
def test_what_would_run_is_printed_without_asking_anybody(name: BackendName) -> None:
    flags = {"launch.backend": name, "data.source": "s3://lcc/sources/tiles"}
    values = None if name is BackendName.LOCAL else CHART

    text = backend_class(name).render(
        Stage.PIPELINE, SettingsSources(flags=flags), values=values
    )

    assert list(yaml.safe_load_all(text))


def test_runs_are_listed_oldest_first(tmp_path: Path, make: Make) -> None:
    backend = make(a_store(tmp_path))
    for run_id, hour in (("train-b", 10), ("prepare-c", 9)):
        created = f"2026-11-23T{hour:02}:00:00+00:00"
        write_state(backend.store, a_state(run_id, created=created))

    assert [run.run_id for run in backend.list_runs()] == ["prepare-c", "train-b"]


def test_a_pipeline_is_described_before_its_stages(tmp_path: Path, make: Make) -> None:
    backend = make(a_store(tmp_path))
    write_state(backend.store, a_state(RUN, pipeline="pipeline-x"))
    pipeline = a_state("pipeline-x", steps=[], stages={"prepare": RUN})
    write_state(backend.store, pipeline)

    found = backend.describe("pipeline-x")

    assert [run.run_id for run in found] == ["pipeline-x", RUN]


@pytest.mark.parametrize("ask", [Backend.describe, Backend.cancel])
def test_an_unknown_run_is_named(
    tmp_path: Path, make: Make, ask: Callable[[Backend, str], object]
) -> None:
    backend = make(a_store(tmp_path))

    with pytest.raises(NotFoundError, match=f"run {RUN}: must exist under"):
        list(getattr(backend, ask.__name__)(RUN))


@pytest.mark.parametrize(
    "status", [RunStatus.DONE, RunStatus.FAILED, RunStatus.STOPPED]
)
def test_a_run_that_has_ended_stays_as_it_is_however_often_it_is_cancelled(
    tmp_path: Path, make: Make, status: RunStatus
) -> None:
    backend = make(a_store(tmp_path))
    ended = "2026-11-23T09:15:42+00:00"
    write_state(backend.store, a_state(RUN, status=status, ended=ended))
    before = backend.store.read(layout.run_state(RUN))

    for _ in range(2):
        with pytest.raises(ConfigError) as caught:
            list(backend.cancel(RUN))

        assert str(caught.value) == (
            f"run {RUN}: must be running, got {status} on 2026-11-23 09:15 UTC. "
            "Nothing was cancelled; what it made stays."
        )
        assert backend.store.read(layout.run_state(RUN)) == before


def test_a_log_is_read_after_its_step_is_gone(tmp_path: Path, make: Make) -> None:
    backend = make(a_store(tmp_path))
    backend.store.write(f"runs/{RUN}/logs/hash/00000.log", b"one\ntwo")

    assert list(backend.logs(RUN, "hash", index=None, follow=False)) == ["one", "two"]
    with pytest.raises(NotFoundError, match="must have a log of list"):
        list(backend.logs(RUN, "list", index=None, follow=False))


def test_a_run_is_driven_elsewhere_or_refused(tmp_path: Path, make: Make) -> None:
    backend = make(a_store(tmp_path))
    assert not backend.has_driver(RUN)

    if backend.can_detach:
        backend.detach(RUN, backend.settings)
        assert backend.has_driver(RUN)
    else:
        with pytest.raises(ConfigError, match="must be driven here"):
            backend.detach(RUN, backend.settings)


def test_addresses_that_everybody_reaches_are_left_alone(
    tmp_path: Path, make: Make
) -> None:
    backend = make(a_store(tmp_path))
    changes = {"tracking.uri": "https://mlflow.example.org"}
    settings = changed_settings(backend.settings, changes)

    assert backend.reachable(settings) == settings
    assert backend.tracking_hint(str(settings.tracking.uri)) == settings.tracking.uri


def test_a_step_at_work_can_be_asked_waited_for_and_left(
    tmp_path: Path, make: Make
) -> None:
    backend, stop = make(a_store(tmp_path)), StopRequest()
    stop.signals.append(signal.SIGTERM)

    with (
        entry_points(tmp_path, hash="time.sleep(60)"),
        backend.submit(
            a_step(), run_id=RUN, settings=backend.settings, is_retry=False
        ) as submitted,
    ):
        status = submitted.describe()
        submitted.wait()
        outcome = submitted.leave(stop)

    assert isinstance(status, StepStatus)
    assert status.outcome is None
    assert (outcome.is_stop, outcome.exit_code) == (True, 143)
