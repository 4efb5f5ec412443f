"""Several processes: they agree with one device, stop together, and none is left."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from lcc.errors import UnavailableError
from lcc.train.collectives import lost_workers_as_unavailable
from tests.builders.trainings import a_loop, some_settings
from tests.conftest import REPOSITORY, free_port

NOTICE_SECONDS = (
    40  # TensorFlow needs 10 to 12 s to miss a worker; the machine is small
)
RANDOM = {"augmented": True, "dropout": 0.3}


def train_together(root: Path, **options: object) -> list[int]:
    """Return the exit codes of two real processes."""
    root.mkdir(exist_ok=True)
    return [process.wait(timeout=240) for process in start_together(root, **options)]


def start_together(
    root: Path, *, indexes: tuple[int, ...] = (0, 1), **options: object
) -> list[subprocess.Popen[bytes]]:
    workers = ",".join(f"127.0.0.1:{free_port()}" for _ in range(2))
    return [
        _start(root, index, options, environment={"LCC_WORKERS": workers})
        for index in indexes
    ]


def _start(
    root: Path, index: int, options: dict, *, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.train.worker", str(root), str(index)]
    with (root / f"stderr-{index}").open("ab") as stderr:
        return subprocess.Popen(
            [*command, json.dumps(options)],
            cwd=REPOSITORY,
            env=os.environ | environment,
            stderr=stderr,
        )


def weights_of(root: Path, index: int) -> list[np.ndarray]:
    return list(np.load(root / str(index) / "weights.npz").values())


def assert_same_bits(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    assert len(one) == len(other)
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("undisturbed")
    assert train_together(root, **RANDOM) == [0, 0]
    return root


@pytest.mark.slow
@pytest.mark.parametrize("gpus", [1, 2])
@pytest.mark.parametrize("batch_normalization", [False, True])
def test_two_processes_end_with_the_weights_of_one_device(
    tmp_path: Path, gpus: int, batch_normalization: bool
):
    loop = a_loop(
        tmp_path,
        tf.distribute.get_strategy(),
        settings=some_settings(epochs=3),
        batch_normalization=batch_normalization,
    )
    loop.run()

    codes = train_together(
        tmp_path / "n", gpus=gpus, batch_normalization=batch_normalization
    )

    assert codes == [0, 0]
    together = weights_of(tmp_path / "n", 0)
    for one, other in zip(loop.model.get_weights(), together, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-4)
    assert_same_bits(together, weights_of(tmp_path / "n", 1))
    histories = [
        json.loads((tmp_path / "n" / index / "history.json").read_text())
        for index in "01"
    ]
    assert histories[0] == histories[1]
    for own, other in zip(loop.history, histories[0], strict=True):
        assert own == pytest.approx(other, rel=2e-3, abs=2e-4)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_the_others_and_all_go_on(
    undisturbed: Path, tmp_path: Path, victim: int
):
    codes = train_together(tmp_path, victim=victim, signal="SIGKILL", step=7, **RANDOM)
    waited = time.time() - float((tmp_path / "ended").read_text())
    codes_again = train_together(tmp_path, **RANDOM)

    assert (codes[victim], codes[1 - victim]) == (-9, 75)
    message = (tmp_path / f"stderr-{1 - victim}").read_text()
    assert "launch.pods: all processes of a training must live" in message
    assert waited < NOTICE_SECONDS
    assert codes_again == [0, 0]
    for index in (0, 1):
        assert_same_bits(weights_of(undisturbed, 0), weights_of(tmp_path, index))


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_all_stop_after_the_same_step_when_one_is_asked_to(
    undisturbed: Path, tmp_path: Path, victim: int
):
    codes = train_together(tmp_path, victim=victim, signal="SIGTERM", step=7, **RANDOM)
    codes_again = train_together(tmp_path, **RANDOM)

    assert codes == [143, 143]
    for index in (0, 1):
        message = (tmp_path / f"stderr-{index}").read_text()
        assert "stopped after step 9, all work so far is saved." in message
    assert codes_again == [0, 0]
    assert_same_bits(weights_of(undisturbed, 0), weights_of(tmp_path, 0))


@pytest.mark.slow
def test_a_process_that_hangs_is_given_up(tmp_path: Path):
    processes = start_together(tmp_path, victim=1, signal="SIGSTOP", step=7)

    code = processes[0].wait(timeout=120)
    processes[1].kill()
    processes[1].wait()

    assert code == 75


@pytest.mark.slow
def test_a_fault_of_the_chief_alone_ends_all(undisturbed: Path, tmp_path: Path):
    shutil.copytree(undisturbed, tmp_path, dirs_exist_ok=True)

    codes = train_together(tmp_path, digest="other", **RANDOM)

    assert codes == [2, 75]


@pytest.mark.slow
def test_a_batch_that_replicas_do_not_divide_is_refused(tmp_path: Path):
    codes = train_together(tmp_path, gpus=2, batch_size=6)

    assert codes == [2, 2]
    message = (tmp_path / "stderr-1").read_text()
    assert (
        "launch.gpus × launch.pods (2): must divide train.batch_size (6), got 2. Use a "
        "batch of 4 or 8, or --gpus 1." in message
    )


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(tf.errors.UnavailableError, id="no heartbeats"),
        pytest.param(tf.errors.AbortedError, id="restarted"),
        pytest.param(tf.errors.DeadlineExceededError, id="never registered"),
    ],
)
def test_a_lost_worker_is_temporary(error: type[tf.errors.OpError]):
    with (
        pytest.raises(UnavailableError, match=r"lost one \(it has gone\)"),
        lost_workers_as_unavailable(),
    ):
        raise error(None, None, "{{function_node f}} it has gone\nmore")


def test_an_error_of_ones_own_is_not_a_lost_worker():
    with pytest.raises(tf.errors.InvalidArgumentError), lost_workers_as_unavailable():
        raise tf.errors.InvalidArgumentError(None, None, "shapes")
