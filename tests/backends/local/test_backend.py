"""Real processes of entry points that the test writes."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lcc.backends.local.backend import LocalBackend
from lcc.errors import ConfigError, DataError
from lcc.launch.backend import StepStatus
from lcc.launch.driver import await_end
from lcc.launch.outcome import Outcome
from lcc.launch.plan import Stage
from lcc.launch.signals import StopRequest
from lcc.launch.state import DriverIdentity, RunStatus, now, write_state
from tests.builders.launches import (
    a_state,
    a_step,
    a_store,
    entry_points,
    local_settings,
)

RUN = "prepare-20261123-0915-k3f9"


def run_step(
    folder: Path,
    source: str,
    *,
    num_processes: int = 1,
    record: Callable[[StepStatus], None] = lambda _: None,
    stop: StopRequest | None = None,
    said: list[str] | None = None,
) -> Outcome:
    said = [] if said is None else said
    store = a_store(folder)
    settings = local_settings(store)
    backend = LocalBackend(store=store, settings=settings, backoff_seconds=0.01)
    with entry_points(folder, hash=source):
        step = a_step(num_processes=num_processes)
        with backend.submit(
            step, run_id=RUN, settings=settings, is_retry=False
        ) as submitted:
            asked = StopRequest() if stop is None else stop
            return await_end(submitted, record, asked, say=said.append)


def log_of(folder: Path, index: int = 0) -> str:
    return (folder / f"root/runs/{RUN}/logs/hash/{index:05d}.log").read_text()


def test_each_process_gets_its_index_and_the_settings(tmp_path: Path) -> None:
    source = (
        f"pathlib.Path({str(tmp_path)!r}, sys.argv[6]).write_text(str(sys.argv[1:]))"
    )

    outcome = run_step(tmp_path, source, num_processes=2)

    told = (tmp_path / "1").read_text()
    settings = f"{(tmp_path / 'root').as_uri()}/runs/{RUN}/settings.yaml"
    assert outcome == Outcome()
    assert told == str(
        [
            "--settings",
            settings,
            "--run",
            RUN,
            "--process-index",
            "1",
            "--num-processes",
            "2",
        ]
    )


def test_progress_of_all_processes_adds_up(tmp_path: Path) -> None:
    seen: list[StepStatus] = []
    source = "print('progress 0 5'); print('progress 5 5')"

    run_step(tmp_path, source, num_processes=2, record=seen.append)

    assert (seen[-1].done, seen[-1].total) == (10, 10)


def test_stderr_of_each_process_is_kept(tmp_path: Path) -> None:
    run_step(tmp_path, "sys.stderr.write('hello from ' + sys.argv[6])", num_processes=2)

    assert [log_of(tmp_path, index) for index in (0, 1)] == [
        "hello from 0",
        "hello from 1",
    ]


def test_threads_are_shared_out(tmp_path: Path) -> None:
    names = "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "LCC_DRIVER_PID"

    run_step(tmp_path, f"sys.stderr.write(repr([os.environ[n] for n in {names}]))",
             num_processes=64)  # fmt: skip

    assert log_of(tmp_path) == repr(["1", "1", str(os.getpid())])


def test_wrong_settings_are_not_tried_again(tmp_path: Path) -> None:
    source = (
        "sys.stderr.write('once ')\n"
        "print('error \"data.source: must be a folder, got none.\"')\n"
        "sys.exit(2)"
    )

    outcome = run_step(tmp_path, source)

    assert outcome == Outcome(
        exit_code=2,
        message="data.source: must be a folder, got none.",
        log=f"{a_store(tmp_path).folder}/runs/{RUN}/logs/hash/00000.log",
    )
    assert log_of(tmp_path) == "once "


def test_temporary_trouble_is_tried_three_more_times(tmp_path: Path) -> None:
    outcome = run_step(tmp_path, "sys.stderr.write('try '); sys.exit(75)")

    assert outcome.exit_code == 75
    assert log_of(tmp_path) == "try " * 4


def test_trouble_that_passes_is_no_failure(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    source = (
        f"m = pathlib.Path({str(mark)!r})\nif not m.exists(): m.touch(); sys.exit(75)"
    )

    assert run_step(tmp_path, source) == Outcome()


def test_a_killed_process_is_tried_once_more(tmp_path: Path) -> None:
    source = "sys.stderr.write('try '); sys.stderr.flush(); os.kill(os.getpid(), 9)"

    outcome = run_step(tmp_path, source)

    assert (outcome.exit_code, outcome.message) == (
        137,
        "killed by SIGKILL, perhaps for lack of memory: lower launch.parallelism",
    )
    assert log_of(tmp_path) == "try try "


def test_a_crash_shows_the_last_line_of_its_trace(tmp_path: Path) -> None:
    outcome = run_step(tmp_path, "raise ValueError('no such tile')")

    assert (outcome.exit_code, outcome.message) == (1, "ValueError: no such tile")


def test_one_failure_ends_the_other_processes(tmp_path: Path) -> None:
    started = time.monotonic()

    outcome = run_step(
        tmp_path,
        "sys.exit(3) if sys.argv[6] == '0' else time.sleep(60)",
        num_processes=2,
    )

    assert outcome.exit_code == 3
    assert time.monotonic() - started < 30


def test_a_stop_lets_processes_save(tmp_path: Path) -> None:
    stop = StopRequest()
    source = (
        "def save(*_): sys.stderr.write('saved'); sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, save)\n"
        "print('progress 1 2', flush=True)\n"
        "time.sleep(60)"
    )

    said: list[str] = []

    outcome = run_step(
        tmp_path, source, record=stop_once_started(stop), stop=stop, said=said
    )

    assert (outcome.exit_code, outcome.is_stop) == (143, True)
    assert log_of(tmp_path) == "saved"
    assert said == ["stopping: processes save their work (once more: at once)"]


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    stop = StopRequest()
    source = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('progress 1 2', flush=True)\n"
        "time.sleep(60)"
    )
    record, started = stop_once_started(stop, times=2), time.monotonic()

    outcome = run_step(tmp_path, source, record=record, stop=stop)

    assert outcome.is_stop
    assert time.monotonic() - started < 30


def stop_once_started(
    stop: StopRequest, times: int = 1
) -> Callable[[StepStatus], None]:
    """Return what asks to stop as soon as a process has told its progress."""

    def record(status: StepStatus) -> None:
        if status.done:
            stop.signals += [signal.SIGTERM] * times

    return record


def test_a_run_driven_nowhere_cannot_be_cancelled(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    elsewhere = DriverIdentity(
        pid="1", start="x", host="elsewhere", beat="2026-11-23T09:15:00+00:00"
    )
    elsewhere = replace(elsewhere, beat=now())
    write_state(store, a_state(RUN, status=RunStatus.RUNNING, driver=elsewhere))
    backend = LocalBackend(store=store, settings=local_settings(store))

    with pytest.raises(ConfigError, match="must be driven on this machine"):
        list(backend.cancel(RUN))


def test_a_file_is_no_source(tmp_path: Path) -> None:
    file = tmp_path / "tiles.zip"
    file.touch()
    store = a_store(tmp_path)
    settings = local_settings(store, data__source=file.as_uri(), data__name="tiles")
    backend = LocalBackend(store=store, settings=settings)

    with pytest.raises(DataError, match=r"one folder per class, got a file"):
        backend.check_inputs(Stage.PREPARE, settings)
