"""How a store that is away is waited for, with a clock that a test winds itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lcc.config.storage import StorageSettings
from lcc.errors import ConfigError, NoRoomError, NotFoundError, UnavailableError
from lcc.storage.local import LocalStore
from lcc.storage.patient import (
    Patience,
    PatientStore,
    Waits,
    impatient,
    make_patient,
    read_waits,
)
from lcc.storage.s3 import S3Store


@dataclass
class Clock:
    """A clock that only waiting moves."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Outage(LocalStore):
    """A folder that is away until a moment; a create before it may have worked."""

    folder: Path
    clock: Clock
    until: float
    error: Exception = field(default_factory=lambda: UnavailableError("away"))
    writes_at_once: bool = False

    def _check(self) -> None:
        if self.clock() < self.until:
            raise self.error

    def read(self, key: str) -> bytes:
        self._check()
        return super().read(key)

    def create(self, key: str, data: bytes) -> bool:
        if self.writes_at_once:
            super().create(key, data)
        self._check()
        return super().create(key, data)

    def list_objects(self, prefix: str = ""):
        self._check()
        yield from super().list_objects(prefix)


def patient(
    store: Outage, told: list[str], *, is_hurried: Callable[[], bool] = lambda: False
) -> tuple[PatientStore, Waits]:
    clock = store.clock
    patience = Patience(
        seconds=600, is_hurried=is_hurried, sleep=clock.sleep, clock=clock
    )
    waits = Waits(tell=told.append, clock=clock)
    return PatientStore(store, patience=patience, waits=waits), waits


def test_a_store_that_comes_back_is_waited_for_and_the_wait_said_once(tmp_path: Path):
    store, told = Outage(tmp_path, Clock(), until=60), []
    LocalStore.write(store, "x", b"tile")
    waited, waits = patient(store, told)

    found = waited.read("x")

    assert found == b"tile"
    assert told == [f"{store.uri} to answer, for 10 min at most", ""]
    assert waits.count == 1
    assert 60 <= waits.seconds < 60 + 15


def test_a_listing_is_waited_for_too(tmp_path: Path):
    store = Outage(tmp_path, Clock(), until=60)
    LocalStore.write(store, "x", b"tile")

    found = list(patient(store, [])[0].list_objects())

    assert [item.key for item in found] == ["x"]


def test_patience_ends_and_says_which_setting_it_is(tmp_path: Path):
    store = Outage(tmp_path, Clock(), until=10**6)

    with pytest.raises(
        UnavailableError, match=r"Waited 10 min \(storage\.patience_minutes\)"
    ):
        patient(store, [])[0].read("x")

    assert 600 <= store.clock() < 616


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConfigError("keys"), id="refused"),
        pytest.param(NotFoundError("none"), id="absent"),
        pytest.param(NoRoomError("full"), id="no room here"),
    ],
)
def test_what_waiting_does_not_mend_is_not_waited_for(tmp_path: Path, error: Exception):
    store, told = Outage(tmp_path, Clock(), until=60, error=error), []

    with pytest.raises(type(error)):
        patient(store, told)[0].read("x")

    assert (store.clock(), told) == (0.0, [])


def test_nothing_is_waited_for_once_somebody_asked_to_stop(tmp_path: Path):
    store = Outage(tmp_path, Clock(), until=600)
    waited, _ = patient(store, [], is_hurried=lambda: store.clock() > 5)

    with pytest.raises(UnavailableError, match="away"):
        waited.read("x")

    assert store.clock() < 10


@pytest.mark.parametrize(("mine", "wrote"), [(b"mine", True), (b"other", False)])
def test_a_create_whose_answer_was_lost_in_an_outage_knows_its_own_bytes(
    tmp_path: Path, mine: bytes, *, wrote: bool
):
    store = Outage(tmp_path, Clock(), until=60, writes_at_once=True)
    if not wrote:
        LocalStore.write(store, "x", b"another's")

    assert patient(store, [])[0].create("x", mine) is wrote


def test_the_waits_of_a_runs_processes_are_counted(tmp_path: Path):
    store = LocalStore(tmp_path)
    for writer, note in {"a": (1, 61.0), "b": (2, 80.5)}.items():
        waits = Waits(count=note[0], seconds=note[1])
        store.write(f"runs/r1/waits/{writer}.json", waits.dump())

    assert read_waits(store, "r1") == (3, 80.5)
    assert read_waits(store, "r2") == (0, 0.0)


def test_a_folder_is_not_waited_for_and_a_bucket_is(tmp_path: Path):
    settings = StorageSettings()
    folder, bucket = LocalStore(tmp_path), S3Store("s3://lab/study", settings)

    assert make_patient(folder, settings) is folder
    assert impatient(make_patient(bucket, settings)) is bucket
