"""The one training loop: one device or many replicas, resumable at any step.

`Model.fit` fails under the multi-worker strategy (Keras 3: keras-team/keras#20585), and
cannot go on in the middle of an epoch. Keras' callbacks run here as they do there.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lcc.config.train import TrainSettings
from lcc.errors import RunFailed, Stopped
from lcc.train.callbacks import (
    CSV,
    best_epoch_of,
    close_csv,
    make_callbacks,
)
from lcc.train.checkpoint import (
    Checkpoint,
    Checkpoints,
    first_state,
    pack,
    put_state,
    take_state,
    unpack,
)
from lcc.train.collectives import Collectives
from lcc.train.devices import distribute
from lcc.train.input import EpochPlan, TrainingData, training_batches
from lcc.train.steps import Steps, StepSums, compile_steps
from lcc.train.validation import validate

logger = logging.getLogger(__name__)

ReportEpoch = Callable[[int, dict[str, float]], None]
METRIC_NAMES = {  # Keras' names of an epoch's logs → ours
    "loss": "train/loss",
    "accuracy": "train/accuracy",
    "learning_rate": "train/learning_rate",
    "val_loss": "validation/loss",
    "val_accuracy": "validation/accuracy",
    "val_macro_f1": "validation/macro_f1",
}
NOTHING = StepSums(loss=0.0, correct=0.0, examples=0.0)  # before an epoch's first step


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """Calls out of the loop: where it saves, what it reports, who can stop it.

    Attributes:
        checkpoints: Where to save and resume from; none: neither.
        report: Called with epoch and metrics once an epoch is complete.
        progress: Called after every step.
        is_stopping: Asked after every step; true saves and raises `Stopped`.
        collectives: Calls that reach all workers of this training; none: it has one.
            All then begin with the chief's state and end when one is stopping.
    """

    checkpoints: Checkpoints | None = None
    report: ReportEpoch = lambda epoch, metrics: None  # noqa: ARG005
    progress: Callable[[int], None] = lambda steps: None  # noqa: ARG005
    is_stopping: Callable[[], bool] = lambda: False
    collectives: Collectives | None = None


@dataclass(kw_only=True)
class Loop:
    """One training of a model, from its last checkpoint to its end.

    Attributes:
        model: Compiled with its optimizer, built under the strategy's scope.
        strategy: One device or several replicas.
        settings: Epochs, batch, patience.
        data: Training and validation examples.
        num_classes: Classes in all.
        folder: Where `history.csv` is written.
        hooks: Checkpoints, reports, stops.
    """

    model: keras.Model
    strategy: Any
    settings: TrainSettings
    data: TrainingData
    num_classes: int
    folder: Path
    hooks: Hooks = field(default_factory=Hooks)
    history: list[dict[str, float]] = field(default_factory=list, init=False)
    sums: StepSums = field(default=NOTHING, init=False)
    _saved_at: float = field(default=0.0, init=False)
    _stop_requests: list[Any] = field(default_factory=list, init=False)

    @cached_property
    def plan(self) -> EpochPlan:
        """Order and weights of the training examples."""
        return EpochPlan(
            self.data.training.labels, self.settings, num_classes=self.num_classes
        )

    @property
    def num_steps(self) -> int:
        """Steps of the whole training."""
        return self.settings.epochs * self.plan.num_steps

    @cached_property
    def own_callbacks(self) -> list[keras.callbacks.Callback]:
        """Keras' callbacks: early stopping, learning rate, table."""
        return make_callbacks(
            self.settings,
            is_validated=self.data.validation is not None,
            folder=self.folder,
        )

    @cached_property
    def _steps(self) -> Steps:
        return compile_steps(
            self.model,
            self.strategy,
            settings=self.settings,
            num_classes=self.num_classes,
        )

    def run(self) -> int:
        """Train to the end, from the last checkpoint where there is one.

        Returns:
            The epoch whose weights the model has now.

        Raises:
            Stopped: `is_stopping` said so, and the state is saved.
            RunFailed: The loss is not a number.
        """
        self._saved_at = time.monotonic()
        saved = self._load()
        if saved is not None and "csv" in saved.document:
            (self.folder / CSV).write_text(saved.document["csv"])
        callbacks = keras.callbacks.CallbackList(
            self.own_callbacks, model=self.model, epochs=self.settings.epochs
        )
        callbacks.on_train_begin()
        step = self._restore(saved) if saved is not None else 0
        try:
            self._train(callbacks, step)
            callbacks.on_train_end()
        finally:
            close_csv(self.own_callbacks)
        return best_epoch_of(self.own_callbacks, last=len(self.history) - 1)

    def _train(self, callbacks: Any, step: int) -> None:
        """Take steps until the last, or until a callback has seen enough."""
        batches = self._batches(step)
        while step < self.num_steps:
            epoch, step_in_epoch = divmod(step, self.plan.num_steps)
            if step_in_epoch == 0:
                callbacks.on_epoch_begin(epoch)
            self._take_step(next(batches))
            step += 1
            self.hooks.progress(step)
            if step % self.plan.num_steps == 0:
                self._end_epoch(callbacks, epoch, step)
                if self.model.stop_training:
                    return
            self._save_if_due(step)

    def _batches(self, start: int) -> Any:
        return distribute(
            self.strategy,
            lambda shard: training_batches(
                self.data, self.plan, self.settings, start=start, shard=shard
            ),
            batch_size=self.settings.batch_size,
        )

    def _take_step(self, batch: Any) -> None:
        request = None
        if self.hooks.collectives is not None:
            request = tf.constant(float(self.hooks.is_stopping()))
        step = self._steps.train(batch, stop_request=request)
        self.sums = self.sums.plus(step)
        self._stop_requests = [*self._stop_requests[-1:], step.stop_requests]

    def _is_stopping(self) -> bool:
        """Return whether to stop, which all workers do after the same step.

        They look at the requests of the step before the last, so that none has to wait
        for the last one's sums.
        """
        if self.hooks.collectives is None:
            return self.hooks.is_stopping()
        return len(self._stop_requests) > 1 and float(self._stop_requests[0]) > 0

    def _end_epoch(self, callbacks: Any, epoch: int, step: int) -> None:
        """Measure the epoch, report it to callbacks and hooks, and save."""
        count = float(self.sums.examples)
        logs = {
            "loss": float(self.sums.loss) / count,
            "accuracy": float(self.sums.correct) / count,
        }
        self.sums = NOTHING
        if not np.isfinite(logs["loss"]):
            message = (
                f"epoch {epoch}: the training loss must be a number, got "
                f"{logs['loss']}. Lower train.learning_rate."
            )
            raise RunFailed(message)
        logs |= self._validate()
        logs["learning_rate"] = float(self.model.optimizer.learning_rate.numpy())
        callbacks.on_epoch_end(epoch, logs)
        self.history.append(dict(logs))
        self.hooks.report(
            epoch, {ours: logs[k] for k, ours in METRIC_NAMES.items() if k in logs}
        )
        words = " ".join(f"{name}={value:.4f}" for name, value in logs.items())
        logger.info("event=epoch epoch=%d %s", epoch, words)
        self._save(step)

    def _validate(self) -> dict[str, float]:
        if self.data.validation is None:
            return {}
        return validate(
            self._steps.validate,
            self.strategy,
            self.data.source,
            self.data.validation,
            batch_size=self.settings.batch_size,
            num_classes=self.num_classes,
        )

    def _save_if_due(self, step: int) -> None:
        is_stopping = self._is_stopping()
        waited = time.monotonic() - self._saved_at
        if is_stopping or waited > 60 * self.settings.checkpoint_minutes:
            self._save(step)
        if is_stopping:
            if self.hooks.collectives is not None:
                self.hooks.collectives.wait_for_all()  # until the chief has saved
            message = f"stopped after step {step}, all work so far is saved."
            raise Stopped(message)

    def _save(self, step: int) -> None:
        self._saved_at = time.monotonic()
        if self.hooks.checkpoints is None:
            return
        sums = (self.sums.loss, self.sums.correct, self.sums.examples)
        facts = {"history": self.history, "sums": [float(value) for value in sums]}
        self.hooks.checkpoints.save(
            take_state(
                self.model,
                self.own_callbacks,
                step=step,
                folder=self.folder,
                facts=facts,
            )
        )

    def _load(self) -> Checkpoint | None:
        """Return the last checkpoint; with several workers, the chief's state."""
        checkpoints, collectives = self.hooks.checkpoints, self.hooks.collectives
        saved = checkpoints.load() if checkpoints else None
        if collectives is None:
            return saved
        is_chief = collectives.is_chief
        state = pack(saved or first_state(self.model)) if is_chief else b""
        return unpack(collectives.broadcast(state))

    def _restore(self, saved: Checkpoint) -> int:
        put_state(self.model, self.own_callbacks, saved)
        self.history = saved.document["history"]
        self.sums = StepSums(*saved.document["sums"])
        if saved.step:
            logger.info("event=resumed step=%d", saved.step)
        is_epoch_end = saved.step % self.plan.num_steps == 0
        is_over = is_epoch_end and saved.document["stop"]
        return self.num_steps if is_over else saved.step
