"""The Keras callbacks of a training, and their state for a checkpoint."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lcc.config.train import TrainSettings

CSV = "history.csv"
# What each callback must remember; it computes everything else anew.
STATE = {
    "EarlyStopping": ("wait", "best", "best_epoch", "stopped_epoch"),
    "ReduceLROnPlateau": ("wait", "best", "cooldown_counter"),
}


def make_callbacks(
    settings: TrainSettings, *, is_validated: bool, folder: Path
) -> list[keras.callbacks.Callback]:
    """Return the callbacks that the settings ask for.

    Without validation there is nothing to watch: then only the CSV is written.

    Args:
        settings: Patience and factor.
        is_validated: Whether each epoch is judged on validation data.
        folder: Where `history.csv` lies.
    """
    callbacks: list[keras.callbacks.Callback] = []
    if is_validated and settings.reduce_lr_patience is not None:
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(
                monitor="val_loss",
                factor=settings.reduce_lr_factor,
                patience=settings.reduce_lr_patience,
            )
        )
    if is_validated:
        # Without patience it never stops, but still restores the best weights.
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor="val_loss",
                patience=settings.early_stopping_patience or settings.epochs + 1,
                restore_best_weights=True,
            )
        )
    callbacks.append(keras.callbacks.CSVLogger(str(folder / CSV), append=True))
    return callbacks


def close_csv(callbacks: list[keras.callbacks.Callback]) -> None:
    """Close the CSV of a training that did not come to its end."""
    for callback in callbacks:
        file = getattr(callback, "csv_file", None)
        if file is not None:
            file.close()


def dump_callbacks(callbacks: list[keras.callbacks.Callback]) -> dict[str, Any]:
    """Return what the callbacks must remember, as JSON values."""
    return {
        type(callback).__name__: {
            name: _plain(getattr(callback, name))
            for name in STATE[type(callback).__name__]
        }
        for callback in callbacks
        if type(callback).__name__ in STATE
    }


def load_callbacks(
    callbacks: list[keras.callbacks.Callback],
    state: dict[str, Any],
    *,
    best_weights: list[NDArray[Any]] | None,
) -> None:
    """Restore what the callbacks remembered; call it after `on_train_begin`."""
    for callback in callbacks:
        for name, value in state.get(type(callback).__name__, {}).items():
            setattr(callback, name, value)
        if isinstance(callback, keras.callbacks.EarlyStopping) and best_weights:
            callback.best_weights = best_weights
            callback._set_monitor_op()


def best_weights_of(callbacks: list[keras.callbacks.Callback]) -> list[NDArray[Any]]:
    """Return the best weights so far, empty where none are kept."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.EarlyStopping):
            return list(callback.best_weights or [])
    return []


def best_epoch_of(callbacks: list[keras.callbacks.Callback], *, last: int) -> int:
    """Return the epoch whose weights the model has at the end."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.EarlyStopping):
            return int(callback.best_epoch)
    return last


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
