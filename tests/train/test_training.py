"""The train step, as its processes run: who writes, and what a second start does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lcc.data.sample import write_sample
from lcc.storage.store import Store
from tests.builders.preparation import a_task, prepare
from tests.conftest import REPOSITORY, free_port

SETTINGS = {
    "model": {"backbone": "mobilenet", "weights": "none", "frozen_stages": 4},
    "train": {"epochs": 1, "batch_size": 16, "device": "cpu"},
    "launch": {"pods": 2, "gpus": 1},
}
RUN = "train-1"


def run_step(settings: Path, *, num_processes: int) -> list[int]:
    """Return the exit codes of the processes of `jobs.train`."""
    workers = ",".join(f"127.0.0.1:{free_port()}" for _ in range(num_processes))
    command = [sys.executable, "-m", "jobs.train", "--settings", str(settings)]
    command += ["--run", RUN, "--num-processes", str(num_processes)]
    processes = [
        subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=os.environ
            | {"LCC_WORKERS": workers, "JOB_COMPLETION_INDEX": str(index)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for index in range(num_processes)
    ]
    return [process.wait(timeout=400) for process in processes]


def files_of(store: Store, part: str) -> dict[str, bytes]:
    prefix = f"runs/{RUN}/{part}"
    return {item.key: store.read(item.key) for item in store.list_objects(prefix)}


@pytest.mark.slow
def test_the_chief_alone_writes_and_a_finished_run_stays_as_it_is(tmp_path: Path):
    write_sample(tmp_path / "tiles", num_sources=8, num_copies=2, size_px=64)
    options = {"families": {}, "max_class_share_deviation": 0.3}
    task = a_task(tmp_path, tmp_path / "tiles", **options)
    prepare(task)
    settings = tmp_path / "settings.yaml"
    plain = task.settings.model_dump(mode="json")
    changed = {name: plain[name] | section for name, section in SETTINGS.items()}
    settings.write_text(yaml.safe_dump(plain | changed))

    codes = run_step(settings, num_processes=2)
    once = files_of(task.store, "")
    codes_again = run_step(settings, num_processes=2)

    assert codes == [0, 0]
    assert f"runs/{RUN}/model/model.json" in once
    assert files_of(task.store, "checkpoints/") == {}  # the training is done
    assert len(set(once.values())) == len(once)  # no file is kept twice
    writers = {key.split("/")[3] for key in files_of(task.store, "spool/")}
    assert {writer.rpartition("-")[0].rpartition("-")[0] for writer in writers} == {
        "train-00000"
    }
    assert codes_again == [0, 0]
    assert files_of(task.store, "") == once
