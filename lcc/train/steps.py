"""One training or validation step: compiled once, run on every replica."""

from typing import Any, NamedTuple

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


class StepSums(NamedTuple):
    """Sums over all replicas of one step, scalar float32 tensors.

    Attributes:
        loss: Of the batch's examples.
        correct: Examples whose likeliest class is the true one.
        examples: How many examples the batch has.
        stop_requests: Replicas whose worker asks to stop; None where none was asked.
    """

    loss: Any
    correct: Any
    examples: Any
    stop_requests: Any = None

    def plus(self, step: "StepSums") -> "StepSums":
        """Return the sums with those of one more step; stop requests are its own."""
        return StepSums(
            loss=self.loss + step.loss,
            correct=self.correct + step.correct,
            examples=self.examples + step.examples,
            stop_requests=step.stop_requests,
        )


class Steps:
    """The two functions of a training, compiled when called: `train` and `validate`.

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
        # Whole-step compilation fails under a strategy: only the replica's pass is.
        self._gradients = (
            tf.function(self._pass, jit_compile=True) if settings.xla else self._pass
        )
        self._train = tf.function(self._train_everywhere)
        self._validate = tf.function(self._validate_everywhere)

    def train(self, batch: Any, *, stop_request: Any = None) -> StepSums:
        """Take one step; return what it sums up over all replicas.

        Args:
            batch: Images, labels, weights.
            stop_request: A float32 scalar, 1 where this worker asks all to stop, else
                0. It travels with the other sums: no message more.
        """
        sums: StepSums = self._train(batch, stop_request)
        return sums

    def validate(self, batch: Any) -> Any:
        """Return the batch's share of the mean loss, and its confusion matrix."""
        return self._validate(batch)

    def _train_everywhere(self, batch: Any, stop_request: Any) -> StepSums:
        sums = self._strategy.run(self._train_replica, args=(batch, stop_request))
        sums = self._strategy.reduce(tf.distribute.ReduceOp.SUM, sums, axis=None)
        return StepSums(*tf.unstack(sums))

    def _train_replica(self, batch: Any, stop_request: Any) -> Any:
        images, labels, weights = batch
        gradients, sums = self._gradients(images, labels, weights)
        # Keras sums the gradients over replicas before it applies them.
        self._model.optimizer.apply(gradients, self._model.trainable_variables)
        # One vector, in the order of `StepSums`: a single reduction over the replicas.
        if stop_request is None:
            return sums
        return tf.concat([sums, [stop_request]], axis=0)

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
        # Told as validation tells it: without smoothing and class weights.
        told = keras.losses.categorical_crossentropy(
            tf.one_hot(labels, self._num_classes), probabilities
        )
        sums = [told * is_real, hits * is_real, is_real]
        return gradients, tf.stack([tf.reduce_sum(values) for values in sums])

    def _losses(self, labels: Any, probabilities: Any) -> Any:
        return keras.losses.categorical_crossentropy(
            tf.one_hot(labels, self._num_classes),
            probabilities,
            label_smoothing=self._settings.label_smoothing,
        )

    def _validate_everywhere(self, batch: Any) -> Any:
        found = self._strategy.run(self._validate_replica, args=(batch,))
        return [
            self._strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
            for value in found
        ]

    def _validate_replica(self, batch: Any) -> Any:
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


def compile_steps(
    model: keras.Model, strategy: Any, *, settings: TrainSettings, num_classes: int
) -> Steps:
    """Return the steps of a model, whose batch statistics become the strategy's.

    Raises:
        ConfigError: XLA cannot compile them.
    """
    if settings.xla:
        check_xla(model, strategy)
    synchronize_batch_statistics(model, is_on=strategy.num_replicas_in_sync > 1)
    return Steps(model, strategy, settings=settings, num_classes=num_classes)


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
