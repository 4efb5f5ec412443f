"""Batches: every step by itself, and changes that a seed repeats."""

import numpy as np
import pytest
import tensorflow as tf

from lcc.config.train import AugmentationSettings, ClassBalance
from lcc.train.augment import draw_changes, jitter_stains, move_tiles
from lcc.train.input import EpochPlan, training_batches, validation_batches
from tests.builders.trainings import some_data, some_settings

NOTHING = AugmentationSettings(
    rotation_degrees=0,
    zoom_fraction=0,
    horizontal_flip=False,
    vertical_flip=False,
    shift_fraction=0,
    shear_degrees=0,
    stain_fraction=0,
)


def some_tiles(count: int = 4, *, size_px: int = 24) -> np.ndarray:
    draw = np.random.default_rng(0)
    coarse = draw.integers(20, 236, (count, 6, 6, 3)).astype(np.float32)
    return tf.image.resize(coarse, (size_px, size_px)).numpy().astype(np.uint8)


def change(tiles: np.ndarray, settings: AugmentationSettings, *, epoch: int = 0):
    changes = draw_changes(
        settings, num_examples=len(tiles), size_px=tiles.shape[1], seed=3, epoch=epoch
    )
    transforms, stains = changes.take(np.arange(len(tiles)))
    return np.asarray(jitter_stains(move_tiles(tiles, transforms), stains))


def test_no_change_leaves_the_tiles_as_they_are():
    tiles = some_tiles()

    np.testing.assert_allclose(change(tiles, NOTHING), tiles, atol=0.01)


@pytest.mark.parametrize(
    ("field", "axis"), [("horizontal_flip", 2), ("vertical_flip", 1)]
)
def test_flips_are_exact(field: str, axis: int):
    tiles = some_tiles(16)

    changed = change(tiles, NOTHING.model_copy(update={field: True}))

    is_flipped = [
        np.allclose(new, np.flip(old, axis - 1), atol=0.01)
        for new, old in zip(changed, tiles, strict=True)
    ]
    is_same = [
        np.allclose(new, old, atol=0.01)
        for new, old in zip(changed, tiles, strict=True)
    ]
    assert all(a != b for a, b in zip(is_flipped, is_same, strict=True))
    assert 0 < sum(is_flipped) < 16


def test_stain_jitter_keeps_places_and_changes_colours():
    tiles = some_tiles()

    changed = change(tiles, NOTHING.model_copy(update={"stain_fraction": 0.3}))

    assert np.abs(changed - tiles).mean() > 2
    for new, old in zip(changed, tiles, strict=True):
        correlation = np.corrcoef(new[..., 1].ravel(), old[..., 1].ravel())[0, 1]
        assert correlation > 0.9


def test_the_same_seed_and_epoch_repeat_and_others_do_not():
    tiles, settings = some_tiles(), AugmentationSettings()

    first = change(tiles, settings, epoch=1)

    np.testing.assert_array_equal(first, change(tiles, settings, epoch=1))
    assert np.abs(first - change(tiles, settings, epoch=2)).mean() > 1


def test_changes_are_the_same_eagerly_and_inside_tf_data():
    tiles = some_tiles()
    changes = draw_changes(
        AugmentationSettings(), num_examples=4, size_px=24, seed=0, epoch=0
    )
    transforms, stains = changes.take(np.arange(4))
    moved = move_tiles(tiles, transforms)

    def move_and_stain(tiles, transforms, stains):
        arguments = [tiles, transforms]
        return jitter_stains(tf.numpy_function(move_tiles, arguments, tf.uint8), stains)

    parts = (tiles, transforms, stains)
    (inside,) = tf.data.Dataset.from_tensor_slices(parts).batch(4).map(move_and_stain)

    np.testing.assert_allclose(inside, jitter_stains(moved, stains), atol=1e-3)


def test_a_change_does_not_depend_on_how_many_are_drawn():
    few, many = (
        draw_changes(
            AugmentationSettings(), num_examples=count, size_px=24, seed=0, epoch=0
        )
        for count in (3, 30)
    )

    np.testing.assert_array_equal(few.transforms, many.transforms[:3])


def test_an_epoch_is_every_example_once():
    plan = EpochPlan(np.arange(23) % 3, some_settings(), num_classes=3)

    found = [plan.positions(1, step) for step in range(plan.num_steps)]

    positions = np.concatenate([places for places, _ in found])
    shares = np.concatenate([weights[:, 1] for _, weights in found])
    assert sorted(positions[shares > 0]) == list(range(23))
    for _, weights in found:
        assert weights[:, 1].sum() == pytest.approx(1)


def test_weights_make_classes_count_alike():
    labels = np.array([0] * 8 + [1] * 2)
    settings = some_settings(class_balance=ClassBalance.WEIGHTS, batch_size=10)
    places, weights = EpochPlan(labels, settings, num_classes=2).positions(0, 0)

    sums = [weights[labels[places] == label, 0].sum() for label in (0, 1)]

    assert sums[0] == pytest.approx(sums[1])


def test_sampling_draws_classes_equally_often():
    labels = np.array([0] * 80 + [1] * 20)
    settings = some_settings(class_balance=ClassBalance.SAMPLING, batch_size=100)

    places, weights = EpochPlan(labels, settings, num_classes=2).positions(0, 0)

    assert np.bincount(labels[places]).tolist() == [50, 50]
    assert set(weights[:, 0]) == {1.0}


def test_batches_from_any_step_are_those_of_the_whole():
    data, settings = some_data(), some_settings(augmentation=AugmentationSettings())
    plan = EpochPlan(data.training.labels, settings, num_classes=3)
    whole = list(training_batches(data, plan, settings, start=0).take(9))

    late = list(training_batches(data, plan, settings, start=7).take(2))

    for own, other in zip(whole[7:], late, strict=True):
        for left, right in zip(own, other, strict=True):
            np.testing.assert_array_equal(left, right)


def test_validation_is_never_changed():
    data = some_data()

    batches = list(validation_batches(data.source, data.validation, batch_size=5))

    images = np.concatenate([batch[0] for batch in batches])[: len(data.validation)]
    np.testing.assert_array_equal(images, data.source.take(data.validation.records))
    weights = np.concatenate([batch[2] for batch in batches])
    assert weights[:, 1].sum() == pytest.approx(1)
