"""What happens to one batch: compiled once, on every replica."""

from typing import Any

import keras
import tensorflow as tf

from lcc.config.train import TrainSettings
from lcc.errors import ConfigError

NO_DECAY = ["bias", "gamma", "beta", "scale"]  # weight decay is for kernels


def make_optimizer(settings: TrainSettings) -> keras.optimizers.Optimizer:
    """Return Adam, with decoupled weight decay where it is set.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019.
    """
    if settings.weight_decay == 0:
        optimizer = keras.optimizers.Adam(settings.learning_rate)
    else:
        optimizer = keras.optimizers.AdamW(
            settings.learning_rate, weight_decay=settings.weight_decay
        )
        optimizer.exclude_from_weight_decay(var_names=NO_DECAY)
    if settings.mixed_precision:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


class Steps:
    """The two compiled functions of a training: `train` and `judge` one batch.

    A batch is (images, labels, weights): weights (b, 2) hold an example's weight in the
    loss and its share of the mean over the *global* batch, so that replicas only sum.

    Args:
        model: Compiled with its optimizer, built under the strategy's scope.
        strategy: One device or several replicas.
        settings: Label smoothing, XLA.
        num_classes: Classes in all.
    """

    def __init__(
        self,
        model: keras.Model,
        strategy: Any,
        *,
        settings: TrainSettings,
        num_classes: int,
    ) -> None:
        self._model = model
        self._strategy = strategy
        self._settings = settings
        self._num_classes = num_classes
        synchronize_batch_statistics(model, is_on=strategy.num_replicas_in_sync > 1)
        # Whole-step compilation fails under a strategy: only the replica's pass is.
        self._gradients = self._pass
        if settings.xla:
            check_xla(model, strategy)
            self._gradients = tf.function(self._pass, jit_compile=True)
        self._train = tf.function(self._train_everywhere)
        self._judge = tf.function(self._judge_everywhere)

    def train(self, batch: Any, asks: Any = None) -> Any:
        """Take one step; return (3,) sums: loss, correct, examples.

        Args:
            batch: Images, labels, weights.
            asks: A float32 scalar of this process, whose sum over all replicas is then
                the fourth of the sums: a question to all that costs no message more.
        """
        return self._train(batch, asks)

    def judge(self, batch: Any) -> Any:
        """Return the batch's share of the mean loss, and its confusion matrix."""
        return self._judge(batch)

    def _train_everywhere(self, batch: Any, asks: Any) -> Any:
        sums = self._strategy.run(self._train_replica, args=(batch, asks))
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, sums, axis=None)

    def _train_replica(self, batch: Any, asks: Any) -> Any:
        images, labels, weights = batch
        gradients, sums = self._gradients(images, labels, weights)
        # Keras sums the gradients over replicas before it applies them.
        self._model.optimizer.apply(gradients, self._model.trainable_variables)
        return sums if asks is None else tf.concat([sums, [asks]], axis=0)

    def _pass(self, images: Any, labels: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            probabilities = self._model(images, training=True)
            losses = self._losses(labels, probabilities)
            loss = tf.reduce_sum(losses * weights[:, 0] * weights[:, 1])
            if self._settings.mixed_precision:
                loss = self._model.optimizer.scale_loss(loss)
        gradients = tape.gradient(loss, self._model.trainable_variables)
        is_real = tf.cast(weights[:, 1] > 0, tf.float32)
        hits = tf.cast(tf.argmax(probabilities, axis=1) == labels, tf.float32)
        sums = [losses * weights[:, 0] * is_real, hits * is_real, is_real]
        return gradients, tf.stack([tf.reduce_sum(values) for values in sums])

    def _losses(self, labels: Any, probabilities: Any) -> Any:
        return keras.losses.categorical_crossentropy(
            tf.one_hot(labels, self._num_classes),
            probabilities,
            label_smoothing=self._settings.label_smoothing,
        )

    def _judge_everywhere(self, batch: Any) -> Any:
        found = self._strategy.run(self._judge_replica, args=(batch,))
        return [
            self._strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
            for value in found
        ]

    def _judge_replica(self, batch: Any) -> Any:
        images, labels, weights = batch
        probabilities = self._model(images, training=False)
        loss = keras.losses.categorical_crossentropy(
            tf.one_hot(labels, self._num_classes), probabilities
        )
        confusion = tf.math.confusion_matrix(
            labels,
            tf.argmax(probabilities, axis=1),
            self._num_classes,
            weights=weights[:, 0],
            dtype=tf.float32,
        )
        return tf.reduce_sum(loss * weights[:, 1]), confusion


def check_xla(model: keras.Model, strategy: Any) -> None:
    """Refuse a compiled pass that would have to talk to other replicas."""
    if strategy.num_replicas_in_sync > 1 and any(_trainable_normalizations(model)):
        message = (
            "train.xla: cannot compile batch normalisation that is synchronised over "
            f"{strategy.num_replicas_in_sync} replicas. Freeze the backbone, or set "
            "train.xla=false."
        )
        raise ConfigError(message)


def synchronize_batch_statistics(model: keras.Model, *, is_on: bool) -> None:
    """Let trainable batch normalisation see the global batch, or only its replica's.

    Keras keeps moving statistics per replica, and they drift apart; with statistics of
    the global batch all replicas have the same ones, those of a single device.
    """
    for layer in _trainable_normalizations(model):
        layer.synchronized = is_on


def _trainable_normalizations(model: keras.Model) -> list[Any]:
    return [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
