"""What becomes of reports while the store is away: nobody waits, nothing is lost."""

import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lcc.errors import UnavailableError
from lcc.storage.local import LocalStore
from lcc.tracking.tracker import Tracker

RUN = "train-20261127-0915-k3f9"


@dataclass
class Hanging(LocalStore):
    """A folder whose creates hang until they are let go, then fail as often as told."""

    folder: Path
    num_failures: int = 0
    is_open: threading.Event = field(default_factory=threading.Event)

    def create(self, key: str, data: bytes) -> bool:
        self.is_open.wait()
        if self.num_failures:
            self.num_failures -= 1
            message = "away"
            raise UnavailableError(message)
        return super().create(key, data)


def spooled(store: LocalStore) -> list[str]:
    """Return the tags that came to the store, in the order of their chunks."""
    items = store.list_objects(f"runs/{RUN}/spool/")
    lines = [line for item in items for line in store.read(item.key).splitlines()]
    return [tag for line in lines for tag in json.loads(line)["values"]]


def report(tracker: Tracker, *tags: str) -> None:
    for tag in tags:
        tracker.set_tags({tag: "x"})
        tracker.flush_soon()


def test_who_reports_does_not_wait_for_a_store_that_hangs(tmp_path: Path):
    store = Hanging(tmp_path)
    with Tracker(store, run_id=RUN, writer="w") as tracker:
        report(tracker, "a", "b", "c")
        before = spooled(store)

        store.is_open.set()

    assert (before, spooled(store)) == ([], ["a", "b", "c"])


def test_reports_that_could_not_be_sent_are_sent_with_the_next(tmp_path: Path):
    store = Hanging(tmp_path, num_failures=1)
    store.is_open.set()
    with Tracker(store, run_id=RUN, writer="w") as tracker:
        tracker.set_tags({"a": "x"})
        with suppress(UnavailableError):
            tracker.flush()

        report(tracker, "b")

    assert spooled(store) == ["a", "b"]


def test_a_store_that_stays_away_fails_no_step_and_says_what_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    store = Hanging(tmp_path, num_failures=100)
    store.is_open.set()

    with Tracker(store, run_id=RUN, writer="w") as tracker:
        report(tracker, "a")

    assert "event=reports_lost" in caplog.text


def test_a_local_disk_that_is_full_keeps_reports_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = LocalStore(tmp_path / "root")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no such folder"))
    with Tracker(store, run_id=RUN, writer="w") as tracker:
        report(tracker, "a")
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

        report(tracker, "b")

    assert spooled(store) == ["a", "b"]
