"""Of all who want to work on a run, one does."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from lcc.config.load import dump_settings
from lcc.errors import ConfigError, LccError, UnavailableError
from lcc.launch.claim import claimed
from lcc.launch.pipeline import resume
from lcc.launch.state import (
    DriverIdentity,
    RunStatus,
    create_state,
    read_state,
    this_driver,
)
from lcc.storage import layout
from lcc.storage.local import LocalStore
from tests.builders.launches import (
    a_context,
    a_dead_driver,
    a_state,
    a_store,
    local_settings,
    scripted,
)

RUN = "prepare-20261127-0915-k3f9"


def leave_claim(store: LocalStore, holder: DriverIdentity, **fields: object) -> None:
    document = {"number": 1, "holder": asdict(holder), **fields}
    store.write(layout.claim(RUN, 1), json.dumps(document).encode())


def elsewhere(*, seconds_ago: float) -> DriverIdentity:
    beat = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return replace(this_driver(), host="node-7", pid="12", beat=beat.isoformat())


def test_a_run_that_is_worked_on_is_refused_with_who_does(tmp_path: Path):
    store, me = a_store(tmp_path), this_driver()

    with (
        claimed(store, RUN),
        pytest.raises(ConfigError) as caught,
        claimed(store, RUN),
    ):
        pass

    assert str(caught.value) == (
        f"run {RUN}: one process at a time works on a run, got process {me.pid} on "
        f"{me.host}. Stop that first: kill {me.pid}"
    )


def test_a_claim_that_was_given_up_is_free(tmp_path: Path):
    store = a_store(tmp_path)
    with claimed(store, RUN):
        pass

    with claimed(store, RUN):
        keys = [item.key for item in store.list_objects(layout.claims_prefix(RUN))]

    assert keys == [layout.claim(RUN, 1), layout.claim(RUN, 2)]


@pytest.mark.parametrize(
    "holder",
    [
        pytest.param(a_dead_driver, id="of a process here that is dead"),
        pytest.param(lambda: elsewhere(seconds_ago=90), id="of one long silent"),
    ],
)
def test_a_claim_of_the_dead_is_taken_over(tmp_path: Path, holder):
    store = a_store(tmp_path)
    leave_claim(store, holder())

    with claimed(store, RUN):
        pass


def test_one_elsewhere_that_was_heard_of_may_live(tmp_path: Path):
    store = a_store(tmp_path)
    leave_claim(store, elsewhere(seconds_ago=12))

    with (
        pytest.raises(
            UnavailableError, match="got process 12 on node-7, heard of 12 s"
        ),
        claimed(store, RUN),
    ):
        pass


def test_a_pod_takes_over_from_the_one_it_replaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = a_store(tmp_path)
    leave_claim(store, elsewhere(seconds_ago=1), job=f"{RUN}-driver-1")
    monkeypatch.setenv("LCC_JOB_NAME", f"{RUN}-driver-1")

    with claimed(store, RUN):
        pass


@contextmanager
def _try(store: LocalStore) -> Iterator[bool]:
    try:
        with claimed(store, RUN):
            yield True
    except LccError:
        yield False


def test_of_many_who_claim_a_run_at_once_one_gets_it(tmp_path: Path):
    store, number = a_store(tmp_path), 8
    leave_claim(store, a_dead_driver())
    barrier = Barrier(number)

    def claim(_: int) -> bool:
        barrier.wait()
        with _try(store) as is_mine:
            barrier.wait()  # nobody gives up before all have tried
            return is_mine

    with ThreadPoolExecutor(number) as pool:
        wins = list(pool.map(claim, range(number)))

    assert sum(wins) == 1


def test_of_two_that_resume_a_run_the_second_runs_nothing(tmp_path: Path):
    store = a_store(tmp_path)
    backend = scripted(store)
    create_state(store, a_state(RUN, status=RunStatus.FAILED))
    store.write(layout.run_settings(RUN), dump_settings(local_settings(store)).encode())

    with claimed(store, RUN), pytest.raises(ConfigError, match="one process at a time"):
        resume(a_context(backend), RUN)

    assert backend.ran == []
    assert read_state(store, RUN).status is RunStatus.FAILED
