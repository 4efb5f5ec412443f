"""A pod notes in the store how far it is, and never fails for it."""

import sys
import threading
from pathlib import Path

import pytest

from jobs.pod_log import PodLog
from jobs.pod_progress import noting
from lcc.config import environment
from lcc.errors import UnavailableError
from lcc.storage import layout
from lcc.storage.local import LocalStore

RUN, JOB = "prepare-20261123-0915-k3f9", "prepare-20261123-0915-k3f9-hash-1"
KEY = layout.progress(RUN, JOB, 3)


class Listening(LocalStore):
    """A store that says when something was written, and fails as often as told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.num_failures = 0
        self.written = threading.Event()
        self.notes: list[bytes] = []

    def until_written(self) -> None:
        """Return once something was written."""
        assert self.written.wait(timeout=10)
        self.written.clear()

    def write(self, key: str, content: bytes) -> None:
        if self.num_failures:
            self.num_failures -= 1
            message = "the store is away"
            raise UnavailableError(message)
        super().write(key, content)
        self.notes.append(content)
        self.written.set()


@pytest.fixture
def store(tmp_path: Path) -> Listening:
    return Listening(tmp_path)


@pytest.fixture(autouse=True)
def _in_a_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.JOB_NAME, JOB)
    monkeypatch.setenv(environment.POD_NAME, "hash-3-abcde")


def test_the_newest_line_is_noted_and_every_line_passed_on(
    store: Listening, capsys: pytest.CaptureFixture[str]
) -> None:
    with noting(RUN, 3, PodLog(store), interval_seconds=0.01):
        sys.stdout.write("progress 12 48\n")
        sys.stdout.write("something else\n")
        store.until_written()

    assert store.read(KEY) == b"progress 12 48\n"
    assert capsys.readouterr().out == "progress 12 48\nsomething else\n"


def test_each_change_is_noted_once(store: Listening) -> None:
    with noting(RUN, 3, PodLog(store), interval_seconds=0.01):
        for line in ("progress 1 2\n", "progress 2 2\n"):
            sys.stdout.write(line)
            store.until_written()

    assert store.notes == [b"progress 1 2\n", b"progress 2 2\n"]


def test_a_store_that_is_away_costs_a_note_and_nothing_else(store: Listening) -> None:
    store.num_failures = 2

    with noting(RUN, 3, PodLog(store), interval_seconds=0.01):
        sys.stdout.write("progress 2 2\n")
        store.until_written()

    assert store.read(KEY) == b"progress 2 2\n"


def test_elsewhere_stdout_is_left_alone(
    store: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(environment.POD_NAME)
    before = sys.stdout

    with noting(RUN, 3, PodLog(store), interval_seconds=0.01):
        assert sys.stdout is before
