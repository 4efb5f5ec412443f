"""The loop: replicas agree with one device, a killed training with an undisturbed."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from lcc.config.train import ClassBalance
from lcc.errors import ConfigError, RunFailed
from lcc.storage.local import LocalStore
from lcc.train.loop import Hooks
from lcc.train.steps import make_optimizer
from lcc.train.validation import macro_f1
from tests.builders.trainings import (
    a_loop,
    a_network,
    some_checkpoints,
    some_data,
    some_settings,
    train_in_process,
)


def one_device():
    return tf.distribute.get_strategy()


def replicas(count: int):
    return tf.distribute.MirroredStrategy(
        [f"/cpu:{number}" for number in range(count)],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def weights_after(folder: Path, strategy, **options: object) -> list[np.ndarray]:
    loop = a_loop(folder, strategy, **options)
    loop.run()
    return loop.model.get_weights()


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("batch_normalization", [False, True])
def test_replicas_end_with_the_weights_of_one_device(
    tmp_path: Path, count: int, batch_normalization: bool
):
    (tmp_path / "n").mkdir()
    options = {"batch_normalization": batch_normalization}

    alone = weights_after(tmp_path, one_device(), **options)
    together = weights_after(tmp_path / "n", replicas(count), **options)

    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-4)


def test_the_loop_does_what_fit_does(tmp_path: Path):
    settings = some_settings(epochs=1, batch_size=13, class_balance=ClassBalance.NONE)
    loop = a_loop(tmp_path, one_device(), settings=settings)
    keras.utils.set_random_seed(0)
    model = a_network()
    model.compile(make_optimizer(settings), loss="categorical_crossentropy")
    order = np.concatenate([loop.plan.positions(0, step)[0] for step in range(3)])
    training = loop.data.training
    images = loop.data.source.take(training.records[order]).astype(np.float32)

    loop.run()
    model.fit(
        images,
        np.eye(3)[training.labels[order]],
        batch_size=13,
        epochs=1,
        shuffle=False,
        verbose=0,
    )

    for own, kerass in zip(loop.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(own, kerass, rtol=1e-4, atol=1e-5)


def test_a_training_learns_and_keeps_its_best_epoch(tmp_path: Path):
    reports: dict[int, dict[str, float]] = {}
    hooks = Hooks(report=reports.__setitem__)
    settings = some_settings(epochs=8)
    loop = a_loop(tmp_path, one_device(), settings=settings, hooks=hooks)

    best = loop.run()

    losses = [reports[epoch]["validation/loss"] for epoch in sorted(reports)]
    assert best == int(np.argmin(losses))
    assert losses[best] < losses[0]
    assert set(reports[0]) == {
        "train/loss",
        "train/accuracy",
        "train/learning_rate",
        "validation/loss",
        "validation/accuracy",
        "validation/macro_f1",
    }
    assert loop._validate()["val_loss"] == pytest.approx(losses[best], abs=1e-6)


def test_early_stopping_stops(tmp_path: Path):
    settings = some_settings(epochs=50, learning_rate=1.0, early_stopping_patience=2)
    loop = a_loop(tmp_path, one_device(), settings=settings, data=some_data(noise=250))

    best = loop.run()

    assert len(loop.history) == best + 3 < 50


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path):
    loop = a_loop(tmp_path, one_device())
    loop.model.layers[-1].kernel.assign(np.full((6, 3), np.nan))

    with pytest.raises(RunFailed, match="loss must be a number, got nan"):
        loop.run()


def test_without_validation_the_last_epoch_counts(tmp_path: Path):
    data = some_data()
    bare = type(data)(source=data.source, training=data.training)
    loop = a_loop(tmp_path, one_device(), data=bare)

    assert loop.run() == 1
    assert set(loop.history[0]) == {"loss", "accuracy", "learning_rate"}


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path):
    store = LocalStore(tmp_path)
    hooks = Hooks(checkpoints=some_checkpoints(store))
    a_loop(tmp_path, one_device(), hooks=hooks).run()
    other = Hooks(checkpoints=some_checkpoints(store, digest="other"))

    with pytest.raises(ConfigError, match="must come from the same settings and data"):
        a_loop(tmp_path, one_device(), hooks=other).run()


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path):
    store = LocalStore(tmp_path)
    checkpoints = some_checkpoints(store)
    a_loop(tmp_path, one_device(), hooks=Hooks(checkpoints=checkpoints)).run()
    before, newest = [item.key for item in store.list_objects("runs/train-1/")]
    store.write(newest, store.read(newest)[:1000])

    assert checkpoints.load().step == int(Path(before).stem)


def test_macro_f1_is_that_of_scikit_learn():
    from sklearn.metrics import confusion_matrix, f1_score

    draw = np.random.default_rng(0)
    actual, predicted = draw.integers(0, 3, 50), draw.integers(0, 3, 50)

    found = macro_f1(confusion_matrix(actual, predicted))

    assert found == pytest.approx(f1_score(actual, predicted, average="macro"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("undisturbed")
    assert train_in_process(root) == 0
    return root


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [("SIGKILL", -9), ("SIGTERM", 143)])
def test_a_training_ended_twice_ends_with_the_same_weights(
    undisturbed: Path, tmp_path: Path, number: str, code: int
):
    rates = np.load(undisturbed / "rates.npy")
    drop = int(np.flatnonzero(np.diff(rates))[0]) + 1  # epochs until the rate fell
    middle = 5 * drop + 3  # 5 steps an epoch: in the middle of the one after

    codes = [
        train_in_process(tmp_path, number, 2),
        train_in_process(tmp_path, number, middle),
        train_in_process(tmp_path),
    ]

    assert codes == [code, code, 0]
    own, other = (np.load(root / "weights.npz") for root in (undisturbed, tmp_path))
    for name in own.files:
        assert np.array_equal(own[name], other[name])
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines == (undisturbed / "history.csv").read_text().splitlines()
