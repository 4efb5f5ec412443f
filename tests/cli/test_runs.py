"""`list`, `status` and `resume`: whole outputs and exit codes."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lcc.cli import launching
from lcc.cli.main import cli
from lcc.cli.tables import run_table
from lcc.config.commands import Place, working_at
from lcc.config.settings import Settings
from lcc.launch.mlflow_sync import report_killed
from lcc.launch.state import RunStatus, StepState, read_states, write_state
from lcc.storage.local import LocalStore
from tests.builders.clusters import FakeCluster, a_backend
from tests.builders.launches import a_dead_driver, a_state

ROOT = Path("lcc-study")


def launch(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="lcc-launch", env=environ)


def root() -> LocalStore:
    return LocalStore(ROOT)


def test_a_root_without_runs_says_so() -> None:
    result = launch("list", "--local")

    text = f"No runs under {ROOT.absolute()}.\n"
    assert (result.exit_code, result.output) == (0, text)


def some_runs() -> None:
    store = root()
    write_state(store, a_state("train-20261123-0900-bbbb", score=0.8123,
                created="2026-11-23T09:00:00+00:00",
                ended="2026-11-23T09:00:42+00:00"))  # fmt: skip
    write_state(store, a_state("train-20261123-0930-aaaa", status=RunStatus.FAILED,
                created="2026-11-23T09:30:00+00:00", ended="2026-11-23T10:31:02+00:00",
                message="weights: " + "x" * 80))  # fmt: skip
    write_state(store, a_state("prepare-20261123-0915-k3f9", status=RunStatus.DONE,
                created="2026-11-23T09:15:00+00:00", ended="2026-11-23T09:15:42+00:00",
                pipeline="pipeline-20261123-0915-abcd"))  # fmt: skip


def test_runs_are_listed_oldest_first_and_whole_into_a_pipe() -> None:
    some_runs()

    result = launch("list", COLUMNS="80")

    assert result.output == (
        "RUN                         STATUS  STARTED (UTC)     TOOK        MACRO F1  "
        "NOTE\n"
        "train-20261123-0900-bbbb    done    2026-11-23 09:00  42 s        0.812\n"
        "prepare-20261123-0915-k3f9  done    2026-11-23 09:15  42 s                  "
        "pipeline pipeline-20261123-0915-abcd\n"
        "train-20261123-0930-aaaa    failed  2026-11-23 09:30  1 h 01 min            "
        f"weights: {'x' * 80}\n"
    )


def test_a_list_ends_what_killed_processes_left_half_written_a_day_ago() -> None:
    some_runs()
    old, new = (ROOT / f".lcc-tmp-{name}" for name in ("old", "new"))
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))

    assert launch("list").exit_code == 0

    assert (old.exists(), new.exists()) == (False, True)


def test_on_a_terminal_a_run_is_one_line() -> None:
    some_runs()

    *_, last = run_table(read_states(root()), width=90)

    assert last == (
        "train-20261123-0930-aaaa    failed  2026-11-23 09:30  1 h 01 min            "
        "weights: xxxx…"
    )


def test_an_unknown_run_is_met_with_a_near_one() -> None:
    write_state(root(), a_state("prepare-20261123-0915-k3f9"))

    result = launch("status", "prepare-20261123-0915-k3f8")

    assert (result.exit_code, result.output) == (
        3,
        f"Error: run prepare-20261123-0915-k3f8: must exist under {ROOT.absolute()}, "
        "got no such run. Did you mean prepare-20261123-0915-k3f9?\n",
    )


def test_a_run_of_another_version_is_refused() -> None:
    write_state(root(), a_state("prepare-20261123-0915-k3f9", format=0))

    result = launch("status", "prepare-20261123-0915-k3f9")

    assert (result.exit_code, result.output) == (
        3,
        "Error: prepare-20261123-0915-k3f9: must have format 3, got 0. Use the version "
        "of lcc that made it, or run the stage again under another --root.\n",
    )


def test_a_run_that_is_driven_is_not_resumed() -> None:
    state = a_state("prepare-20261123-0915-k3f9", status=RunStatus.RUNNING)
    write_state(root(), state)

    result = launch("resume", state.run_id)

    pid, host = state.driver.pid, state.driver.host
    assert (result.exit_code, result.output) == (
        2,
        "Error: run prepare-20261123-0915-k3f9: must not be running, got process "
        f"{pid} on {host}. Stop it first: lcc-launch cancel {state.run_id} --root "
        f"{ROOT.absolute()}\n",
    )


def test_status_without_runs_says_what_to_do() -> None:
    result = launch("status", "--local")

    assert (result.exit_code, result.output) == (
        3,
        f"Error: {ROOT.absolute()}: must hold a run, got none. Start one, or check "
        "--root.\n",
    )


def test_status_is_a_tree_of_steps_and_tells_what_mlflow_missed() -> None:
    start, end = "2026-11-23T09:15:00+00:00", "2026-11-23T09:16:05+00:00"
    times = {"started": start, "ended": end}
    steps = [
        StepState(name="list", status=RunStatus.DONE, done=60, total=60, **times),
        StepState(name="hash", status=RunStatus.FAILED, done=7, total=60, exit_code=3,
                  message="images: none", log="runs/x/logs/hash/00000.log", **times),
        StepState(name="link"),
    ]  # fmt: skip
    part = a_state(
        "prepare-20261123-0915-k3f9", status=RunStatus.FAILED, steps=steps,
        created=start, ended=end, pipeline="pipeline-20261123-0915-abcd",
    )  # fmt: skip
    whole = a_state(
        "pipeline-20261123-0915-abcd", status=RunStatus.FAILED, steps=[],
        stages={"prepare": part.run_id}, created=start, ended=end,
    )  # fmt: skip
    write_state(root(), part)
    write_state(root(), whole)
    key = f"runs/{part.run_id}/settings.yaml"
    root().write(key, b"tracking: {uri: 'http://127.0.0.1:9'}")  # nothing listens
    for _ in range(2):
        report_killed(root(), part.run_id)

    result = launch("status", "-q", COLUMNS="80")

    assert result.output == (
        "✗ pipeline-20261123-0915-abcd  failed  1 min 05 s\n"
        "  ✗ prepare-20261123-0915-k3f9  failed  1 min 05 s\n"
        "    ✓ list       done             60/60  1 min 05 s\n"
        "    ✗ hash       failed            7/60  1 min 05 s\n"
        "        exit 3\n"
        "        images: none\n"
        "        log: runs/x/logs/hash/00000.log\n"
        "    · link       waiting\n"
        f"  after mending it: lcc-launch resume {whole.run_id} --root "
        f"{ROOT.absolute()}\n"
        "MLflow: 2 reports wait until the server is back\n"
    )


def test_a_run_goes_on_with_its_own_settings_and_no_others() -> None:
    state = a_state("prepare-20261123-0915-k3f9")
    write_state(root(), state)
    settings = b"data: {source: 'file:///my%20tiles', name: lung}"
    root().write(f"runs/{state.run_id}/settings.yaml", settings)

    result = launch("resume", state.run_id, "--set", "data.num_folds=3")

    assert (result.exit_code, result.output) == (
        2,
        f"Error: run {state.run_id}: must go on with the settings it was made with, "
        "got --set data.num_folds=3. For a new run with them: lcc-launch prepare "
        f"'/my tiles' --name lung --set data.num_folds=3 --local --root "
        f"{ROOT.absolute()}\n",
    )


def test_a_run_that_is_handed_over_to_the_cluster_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cluster = FakeCluster()
    backend = a_backend(cluster, Settings(), root())

    with working_at(Place(namespace="lab")):
        launching.hand_over(backend, "train-20261123-0915-k3f9", Settings())

    said = capsys.readouterr()
    assert said.out == "train-20261123-0915-k3f9\n"
    assert said.err == (
        "driven in the cluster from here on; this machine may go\n"
        "look: lcc-launch status train-20261123-0915-k3f9 --watch -n lab\n"
    )
    assert cluster.created == ["Job/train-20261123-0915-k3f9-driver-1"]


def test_status_of_a_lost_run_names_what_goes_on_with_it() -> None:
    state = a_state(
        "train-20261123-0915-k3f9",
        status=RunStatus.RUNNING,
        driver=a_dead_driver(),
        pipeline="pipeline-20261123-0915-abcd",
        ended=None,
        steps=[StepState(name="train", status=RunStatus.RUNNING)],
    )
    write_state(root(), state)
    root().write(f"runs/{state.run_id}/settings.yaml", b"{}")

    result = launch("status", state.run_id)

    assert result.output.splitlines() == [
        f"? {state.run_id}  lost",
        "  its driver died",
        "  ? train      lost",
        f"  go on: lcc-launch resume {state.pipeline} --root {ROOT.absolute()}",
    ]
