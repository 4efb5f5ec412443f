"""Prepare as a user runs it: stopped, twice at once, onto S3."""

import json
import signal
from pathlib import Path

import pytest

from lcc.data.sample import write_sample
from lcc.launch.state import RunState, RunStatus, read_states
from lcc.storage.local import LocalStore
from lcc.storage.store import Store
from lcc.storage.uri import local_path, open_store
from tests.builders.commands import launch, start, steps_of
from tests.builders.printed import printed_commands
from tests.conftest import wait_until

pytestmark = pytest.mark.slow

SETTINGS = """
data: {tile_size_px: 32, num_folds: 2, num_shards: 3, max_class_share_deviation: 0.3}
launch: {backend: local}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_sample(tmp_path / "tiles", num_sources=8, num_copies=4, size_px=64)
    (tmp_path / "lcc.yaml").write_text(SETTINGS)
    return tmp_path


def test_what_its_last_words_name_can_be_pasted(place: Path) -> None:
    root, settings = place / "my study", place / "my lab.yaml"
    (place / "lcc.yaml").rename(settings)
    where = ["--root", str(root), "--settings", str(settings)]

    code, output, talk = launch(place, "prepare", "tiles", *where)

    [families] = printed_commands(output)
    assert (code, families[0]) == (0, "families"), talk
    code, _, talk = launch(place, *families)
    assert code == 0, talk
    assert (place / "families.html").is_file()


def catalogues_of(store: Store) -> set[str]:
    states = [state for state in read_states(store) if state.status is RunStatus.DONE]
    keys = [f"runs/{state.run_id}/catalogue.json" for state in states]
    return {json.loads(store.read(key))["digest"] for key in keys}


def only_run(store: Store) -> RunState:
    [state] = read_states(store)
    return state


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGTERM, 143, id="SIGTERM"),
        pytest.param(signal.SIGINT, 130, id="Ctrl-C"),
    ],
)
def test_a_signal_stops_in_order_and_resume_goes_on(
    place: Path, number: signal.Signals, code: int
) -> None:
    process = start(place, "prepare", "tiles")
    store = LocalStore(place / "lcc-study")
    wait_until(
        lambda: read_states(store) and steps_of(only_run(store).run_id),
        seconds=60,
        what="the processes of the run",
    )
    run_id = only_run(store).run_id

    process.send_signal(number)
    _, talk = process.communicate()

    assert process.returncode == code
    assert talk.splitlines()[-2:] == [
        f"Error: {run_id}: stopped, all work so far is saved.",
        f"       Go on: lcc-launch resume {run_id} --root {local_path(store.uri)}",
    ]
    assert steps_of(run_id) == []
    assert only_run(store).status is RunStatus.STOPPED
    assert launch(place, "resume", run_id)[0] == 0
    assert only_run(store).status is RunStatus.DONE


def test_two_runs_at_once_share_a_root(place: Path) -> None:
    processes = [start(place, "prepare", "tiles") for _ in range(2)]
    talks = [process.communicate()[1] for process in processes]

    store = LocalStore(place / "lcc-study")
    assert [process.returncode for process in processes] == [0, 0], talks
    assert len(read_states(store)) == 2
    assert len(catalogues_of(store)) == 1


def test_a_bucket_is_a_root_like_a_folder(place: Path, s3_bucket: str) -> None:
    bucket = open_store(f"s3://{s3_bucket}/study")

    for root in ("lcc-study", bucket.uri):
        code, _, talk = launch(place, "prepare", "tiles", "--root", root)
        assert code == 0, talk

    folder = LocalStore(place / "lcc-study")
    run_id = only_run(bucket).run_id
    log = bucket.read(f"runs/{run_id}/logs/hash/00000.log")
    assert catalogues_of(folder) == catalogues_of(bucket)
    assert isinstance(log, bytes)
    code, output, _ = launch(place, "status", "--root", bucket.uri)
    assert (code, output.splitlines()[0][:2]) == (0, "✓ ")


def test_a_step_that_fails_shows_its_error_and_log(place: Path) -> None:
    code, output, talk = launch(
        place, "prepare", "tiles", "--set", "data.num_folds=20", "-q"
    )

    store = LocalStore(place / "lcc-study")
    run = only_run(store)
    log = f"runs/{run.run_id}/logs/catalogue/00000.log"
    lines = talk.splitlines()
    assert (code, output, run.status, run.exit_code) == (3, "", RunStatus.FAILED, 3)
    assert lines[0].startswith("Error: ")
    assert lines[-3:] == [
        f"       log: {store.folder}/{log}",
        f"       After mending it: lcc-launch resume {run.run_id} "
        f"--root {local_path(store.uri)}",
        "       It keeps its settings: to change one start again; finished shards are "
        "kept.",
    ]
