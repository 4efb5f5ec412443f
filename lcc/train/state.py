"""The state of a training as a checkpoint: taken from a model, and put back."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lcc.train.callbacks import (
    CSV,
    best_weights_of,
    dump_callbacks,
    load_callbacks,
)
from lcc.train.checkpoint import Checkpoint

Callbacks = list[keras.callbacks.Callback]


def first_state(model: keras.Model) -> Checkpoint:
    """Return the state of a training before its first step."""
    document = {"callbacks": {}, "csv": "", "history": [], "stop": False}
    document["sums"] = [0.0, 0.0, 0.0]
    return Checkpoint(step=0, document=document, arrays=_arrays_of(model))


def take_state(
    model: keras.Model,
    callbacks: Callbacks,
    *,
    step: int,
    folder: Path,
    facts: dict[str, Any],
) -> Checkpoint:
    """Return all that the training needs to go on.

    Args:
        model: Compiled with its optimizer.
        callbacks: Keras' own.
        step: Steps done.
        folder: Where `history.csv` is.
        facts: What the loop itself must remember, as JSON values.
    """
    csv = folder / CSV
    document = {
        "callbacks": dump_callbacks(callbacks),
        "csv": csv.read_text() if csv.exists() else "",
        "stop": bool(model.stop_training),
        **facts,
    }
    arrays = _arrays_of(model) | {"best": best_weights_of(callbacks)}
    return Checkpoint(step=step, document=document, arrays=arrays)


def put_state(model: keras.Model, callbacks: Callbacks, saved: Checkpoint) -> None:
    """Give model and callbacks a saved state; call it after `on_train_begin`."""
    for variables, name in (
        (model.variables, "model"),
        (model.optimizer.variables, "optimizer"),
    ):
        for variable, value in zip(variables, saved.arrays[name], strict=True):
            variable.assign(value)
    load_callbacks(
        callbacks,
        saved.document["callbacks"],
        best_weights=saved.arrays.get("best"),
    )


def _arrays_of(model: keras.Model) -> dict[str, list[NDArray[Any]]]:
    return {
        "model": [np.asarray(variable) for variable in model.variables],
        "optimizer": [np.asarray(variable) for variable in model.optimizer.variables],
    }
