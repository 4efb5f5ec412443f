"""One training on one device, on four of one pod, and on two pods: the same weights."""

import io
import zipfile
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.cluster.lab import SMALL, Lab, wait_until

RTOL = 2e-3  # what another order of float32 sums explains; as tests/train has it
STEPS = ("--epochs", "2", "--set", "train.augmentation.enabled=false")
STILL = ("--set", "model.dropout=0", "--learning-rate", "0.0001")


def trained(lab: Lab, *options: str) -> str:
    """Train to the end; return the run id."""
    done = lab.launch("train", *SMALL, *STEPS, *STILL, *options, seconds=400)
    assert done.returncode == 0, done.stderr
    return next(run for run in reversed(lab.runs()) if run.startswith("train-"))


def weights_of(store: Any, run_id: str) -> list[NDArray[np.float32]]:
    """Return the arrays of a saved model, in one order."""
    found: list[NDArray[np.float32]] = []
    data = store.read(f"runs/{run_id}/model/model.keras")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights) as file:
        file.visititems(
            lambda _, item: (
                found.append(np.asarray(item))
                if isinstance(item, h5py.Dataset) and item.dtype.kind == "f"
                else None
            )
        )
    return found


def assert_same(ours: list[Any], theirs: list[Any]) -> None:
    assert len(ours) == len(theirs) > 10
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=RTOL, atol=RTOL)


@pytest.mark.parametrize(
    "frozen",
    [
        pytest.param(
            ("--set", "model.frozen_stages=5"),
            id="BatchNorm frozen",
            marks=pytest.mark.extended,
        ),
        pytest.param((), id="BatchNorm synchronised"),
    ],
)
def test_replicas_and_pods_agree_with_one_device(
    prepared: Lab, store: Any, frozen: tuple[str, ...]
) -> None:
    one = weights_of(store, trained(prepared, *frozen))
    four = weights_of(store, trained(prepared, "--gpus", "4", *frozen))
    two_by_two = weights_of(
        store, trained(prepared, "--pods", "2", "--gpus", "2", *frozen)
    )

    assert_same(four, one)
    assert_same(two_by_two, one)


@pytest.mark.extended
def test_the_log_shows_that_four_replicas_train(prepared: Lab) -> None:
    run_id = trained(prepared, "--gpus", "4")

    log = prepared.launch("logs", run_id, "--step", "train").stdout

    assert "replicas=4" in log


def test_a_dead_worker_brings_all_down_and_training_goes_on(
    prepared: Lab, store: Any
) -> None:
    options = (
        *("--pods", "2", "--gpus", "1", "--epochs", "60"),
        *("--set", "train.early_stopping_patience=null"),
    )
    undisturbed = weights_of(store, trained(prepared, *options))
    before = set(prepared.runs())
    process = prepared.start("train", *SMALL, *STEPS, *STILL, *options)
    wait_until(lambda: set(prepared.runs()) - before, what="the run")
    (run_id,) = set(prepared.runs()) - before
    prefix = f"runs/{run_id}/checkpoints/"
    wait_until(
        lambda: list(store.list_objects(prefix)), seconds=150, what="a checkpoint"
    )
    selector = f"lcc.dev/step=train,lcc.dev/run={run_id}"
    (victim,) = (
        pod["metadata"]["name"]
        for pod in prepared.items("pods", selector)
        if "-train-1-1-" in pod["metadata"]["name"]
    )
    # No signal reaches the first process of a container from within, its limit does.
    kill = "import resource; resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))"
    prepared.kubectl("exec", victim, "--", "python", "-c", kill)

    output, _ = process.communicate(timeout=300)

    assert process.returncode == 0, output
    ends = [
        status["state"]["terminated"]["exitCode"]
        for pod in prepared.items("pods", selector)
        for status in pod["status"]["containerStatuses"]
    ]
    assert sorted(ends) == [0, 0, 75, 137]  # the other left, and both came back
    for one, other in zip(weights_of(store, run_id), undisturbed, strict=True):
        np.testing.assert_array_equal(one, other)


def test_nothing_of_a_group_is_left_but_its_results(prepared: Lab) -> None:
    services = prepared.items("services", "app.kubernetes.io/managed-by=lcc-launch")
    for service in services:  # they go with their Jobs
        (owner,) = service["metadata"]["ownerReferences"]
        assert owner["kind"] == "Job"
