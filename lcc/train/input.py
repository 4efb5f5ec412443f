"""Batches of training and validation: examples in order, augmented and weighted.

Knows that the order is a function of (seed, epoch) alone, so that any step of any epoch
can be made without the ones before it; not where examples lie (`ImageSource`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lcc.config.train import ClassBalance, TrainSettings
from lcc.train.augment import Changes, draw_changes, jitter_stains, move_tiles

Ints = NDArray[np.int64]
TILE_RANK = 4  # (batch, height, width, channel); features have two axes
AUGMENT_CALLS = 2  # batches stained at once: each call already uses every core
PREFETCH = 2  # batches: one in use, one ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """What one worker loads of every batch: one of `num_shards` equal pieces."""

    index: int = 0
    num_shards: int = 1

    def rows(self, batch_size: int) -> slice:
        """Return the rows of a batch that belong to the shard.

        Example:
            >>> Shard(index=1, num_shards=4).rows(32)
            slice(8, 16, None)
        """
        size = batch_size // self.num_shards
        return slice(self.index * size, (self.index + 1) * size)


WHOLE = Shard()


class ImageSource(Protocol):
    """Examples by number: packed tiles, or features of a frozen backbone."""

    def take(self, records: Ints) -> NDArray[Any]:
        """Return (k, size, size, 3) uint8 tiles, or (k, channels) float32 features."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Examples of a source by number, and their labels.

    Attributes:
        records: (n,) numbers that the source understands.
        labels: (n,) class numbers.
    """

    records: Ints
    labels: Ints

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.records)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """Examples to train and to validate on, and the source that holds them.

    Attributes:
        source: Where tiles or features come from.
        training: Examples to learn from.
        validation: Examples that each epoch is measured on; none where there are none.
    """

    source: ImageSource
    training: Examples
    validation: Examples | None = None

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of one example: (size, size, 3) or (channels,)."""
        return self.source.take(self.training.records[:1]).shape[1:]


def class_weights(labels: Ints, *, num_classes: int) -> NDArray[np.float32]:
    """Return weights inverse to the class counts; their mean over examples is 1.

    Example:
        >>> class_weights(np.array([0, 1, 1, 1, 1]), num_classes=2).tolist()
        [2.5, 0.625]
    """
    counts = np.maximum(np.bincount(labels, minlength=num_classes), 1)
    present = np.count_nonzero(np.bincount(labels, minlength=num_classes))
    return np.asarray(len(labels) / (present * counts), dtype=np.float32)


class EpochPlan:
    """Order and weights of the training examples, epoch by epoch.

    Args:
        labels: (n,) class numbers.
        settings: Batch, seed and class balance.
        num_classes: Classes in all.
    """

    def __init__(
        self, labels: Ints, settings: TrainSettings, *, num_classes: int
    ) -> None:
        self.batch_size = settings.batch_size
        self.num_steps = -(-len(labels) // settings.batch_size)
        self._labels = labels
        self._settings = settings
        self._weights = np.ones(len(labels), np.float32)
        if settings.class_balance is ClassBalance.WEIGHTS:
            self._weights = class_weights(labels, num_classes=num_classes)[labels]
        self._order = lru_cache(maxsize=2)(self._draw_order)

    def positions(self, epoch: int, step: int) -> tuple[Ints, NDArray[np.float32]]:
        """Return the examples of one batch, always whole, and their weights.

        The last batch of an epoch is filled with examples of its beginning at weight 0:
        they count for nothing but keep batch statistics those of real tiles.

        Returns:
            (b,) positions and (b, 2) float32: the weight in the loss, and the share of
            the mean over the batch's real examples.
        """
        order = self._order(epoch)
        start = step * self.batch_size
        found = order[np.arange(start, start + self.batch_size) % len(order)]
        num_real = min(self.batch_size, len(order) - start)
        is_real = np.arange(self.batch_size) < num_real
        weights = np.where(is_real, self._weights[found], 0)
        share = np.where(is_real, 1 / num_real, 0)
        return found, np.stack([weights, share], axis=1).astype(np.float32)

    def _draw_order(self, epoch: int) -> Ints:
        # The third number sets this stream apart from that of the augmentation.
        draw = np.random.default_rng([self._settings.seed, epoch, 1])
        if self._settings.class_balance is not ClassBalance.SAMPLING:
            return draw.permutation(len(self._labels))
        classes = np.unique(self._labels)
        per_class = -(-len(self._labels) // len(classes))
        drawn = []
        for label in classes:
            members = np.flatnonzero(self._labels == label)
            rounds = -(-per_class // len(members))
            shuffled = [draw.permutation(members) for _ in range(rounds)]
            drawn.append(np.concatenate(shuffled)[:per_class])
        return draw.permutation(np.concatenate(drawn))[: len(self._labels)]


def training_batches(
    data: TrainingData,
    plan: EpochPlan,
    settings: TrainSettings,
    *,
    start: int,
    shard: Shard = WHOLE,
) -> Any:
    """Return an endless dataset of batches from step `start` of the whole training.

    Step s is step s mod `plan.num_steps` of epoch s div `plan.num_steps`. Each element
    is (images, labels, weights): (b, …) uint8 or float32, (b,) int64, (b, 2) float32.
    Each of several workers loads its shard of every batch.
    """
    shape = data.example_shape
    is_augmented = settings.augmentation.enabled and len(shape) + 1 == TILE_RANK
    is_stained = is_augmented and settings.augmentation.stain_fraction > 0
    changes_of = _changes_by_epoch(settings, len(data.training), shape)
    own = shard.rows(plan.batch_size)

    def load(step: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        epoch, step_in_epoch = divmod(int(step), plan.num_steps)
        found, weights = plan.positions(epoch, step_in_epoch)
        found, weights = found[own], weights[own]
        images = data.source.take(data.training.records[found])
        batch = (images, data.training.labels[found], weights)
        if not is_augmented:
            return batch
        transforms, stains = changes_of(epoch).take(found)
        batch = (move_tiles(images, transforms), *batch[1:])
        return (*batch, stains) if is_stained else batch

    steps, shape = tf.data.Dataset.counter(start), (own.stop - own.start, *shape)
    dataset = _load_in_numpy(steps, load, shape=shape, has_stains=is_stained)
    if is_stained:
        dataset = dataset.map(
            lambda images, labels, weights, stains: (
                jitter_stains(images, stains),
                labels,
                weights,
            ),
            num_parallel_calls=AUGMENT_CALLS,
        )
    return dataset.prefetch(PREFETCH)


def validation_batches(
    source: ImageSource,
    examples: Examples,
    *,
    batch_size: int,
    shard: Shard = WHOLE,
) -> Any:
    """Return a dataset that passes once over the examples, unaltered and in order.

    The last batch is filled up at weight 0. Elements as in `training_batches`.
    """
    total = len(examples)
    own = shard.rows(batch_size)
    shape = source.take(examples.records[:1]).shape[1:]

    def load(step: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        positions = int(step) * batch_size + np.arange(own.start, own.stop)
        is_real = (positions < total).astype(np.float32)
        found = positions % total
        weights = np.stack([is_real, is_real / total], axis=1)
        images = source.take(examples.records[found])
        return images, examples.labels[found], weights.astype(np.float32)

    steps = tf.data.Dataset.range(-(-total // batch_size))
    shape = (own.stop - own.start, *shape)
    dataset = _load_in_numpy(steps, load, shape=shape, has_stains=False)
    return dataset.prefetch(PREFETCH)


def _load_in_numpy(
    steps: Any, load: Callable[..., Any], *, shape: tuple[int, ...], has_stains: bool
) -> Any:
    batch = shape[0]
    images = tf.uint8 if len(shape) == TILE_RANK else tf.float32
    types = [images, tf.int64, tf.float32]
    shapes: list[tuple[int, ...]] = [shape, (batch,), (batch, 2)]
    if has_stains:
        types.append(tf.float32)
        shapes.append((batch, 3, 3))

    def call(step: Any) -> tuple[Any, ...]:
        # stateful=False: the same step always gives the same batch, and TensorFlow's
        # determinism mode does not have to forbid reading ahead.
        values = tf.numpy_function(load, [step], types, stateful=False)
        return tuple(tf.ensure_shape(v, s) for v, s in zip(values, shapes, strict=True))

    return steps.map(call, num_parallel_calls=1)


def _changes_by_epoch(
    settings: TrainSettings, num_examples: int, shape: tuple[int, ...]
) -> Callable[[int], Changes]:
    @lru_cache(maxsize=2)  # batches of two epochs are made at once at most
    def changes_of(epoch: int) -> Changes:
        return draw_changes(
            settings.augmentation,
            num_examples=num_examples,
            size_px=shape[0],
            seed=settings.seed,
            epoch=epoch,
        )

    return changes_of
