"""Checkpoints: the state of a training, saved as one object and put back.

Knows what a training must remember of its model, its optimizer and Keras' callbacks;
the loop's own facts are JSON values to it. The last two checkpoints are kept.
"""

import io
import json
import logging
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lcc.errors import ConfigError
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri
from lcc.train.callbacks import (
    CSV,
    best_weights_of,
    dump_callbacks,
    load_callbacks,
)

Callbacks = list[keras.callbacks.Callback]

logger = logging.getLogger(__name__)

KEPT = 2  # the newest, and the one before should the newest turn out damaged
DOCUMENT = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state of a training after some step.

    Attributes:
        step: Steps done since the beginning.
        document: Everything that JSON can hold.
        arrays: Lists of arrays by name: weights, optimizer, best weights.
    """

    step: int
    document: dict[str, Any]
    arrays: dict[str, list[NDArray[Any]]]


def pack(checkpoint: Checkpoint, *, digest: str = "") -> bytes:
    """Return a checkpoint as the bytes of a NumPy archive."""
    document = {"digest": digest, "step": checkpoint.step, **checkpoint.document}
    flat: dict[str, Any] = {
        f"{name}/{number:05d}": array
        for name, arrays in checkpoint.arrays.items()
        for number, array in enumerate(arrays)
    }
    flat[DOCUMENT] = np.frombuffer(json.dumps(document).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **flat)
    return buffer.getvalue()


def unpack(data: bytes) -> Checkpoint:
    """Return the checkpoint from the bytes that `pack` made."""
    arrays: dict[str, list[NDArray[Any]]] = {}
    with np.load(io.BytesIO(data)) as file:
        document = json.loads(file[DOCUMENT].tobytes())
        for name in sorted(set(file.files) - {DOCUMENT}):
            arrays.setdefault(name.rpartition("/")[0], []).append(file[name])
    return Checkpoint(step=document["step"], document=document, arrays=arrays)


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
    """Return the state of a training after some step, from which it can go on.

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
    """Set model and callbacks to a saved state; call it after `on_train_begin`."""
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


class Checkpoints:
    """The checkpoints of one run in the store: saved, thinned out, loaded.

    Args:
        store: The root.
        run_id: Whose.
        digest: Of all settings that the result depends on; a checkpoint of another
            digest is refused.
    """

    def __init__(self, store: Store, *, run_id: str, digest: str) -> None:
        self._store = store
        self._run_id = run_id
        self._digest = digest

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then remove all but the last two."""
        data = pack(checkpoint, digest=self._digest)
        self._store.write(layout.checkpoint(self._run_id, checkpoint.step), data)
        for key in self._keys()[:-KEPT]:
            self._store.delete(key)

    def remove(self) -> None:
        """Remove all: the training is done, and its model kept."""
        for key in self._keys():
            self._store.delete(key)

    def load(self) -> Checkpoint | None:
        """Return the newest checkpoint that can be read, None where there is none.

        Raises:
            ConfigError: It belongs to a training with other settings.
        """
        for key in reversed(self._keys()):
            try:
                return self._read(key)
            except (zipfile.BadZipFile, ValueError, KeyError, EOFError) as err:
                logger.warning("event=checkpoint_damaged key=%s reason=%s", key, err)
        return None

    def _read(self, key: str) -> Checkpoint:
        found = unpack(self._store.read(key))
        if found.document["digest"] != self._digest:
            message = (
                f"{shown_uri(self._store.uri, key)}: must come from the same "
                "settings and data, got another digest. Start a new run, or restore "
                "the old settings."
            )
            raise ConfigError(message)
        return found

    def _keys(self) -> Sequence[str]:
        prefix = layout.checkpoints_prefix(self._run_id)
        keys = [item.key for item in self._store.list_objects(prefix)]
        return [key for key in keys if key.endswith(".npz")]


def _arrays_of(model: keras.Model) -> dict[str, list[NDArray[Any]]]:
    return {
        "model": [np.asarray(variable) for variable in model.variables],
        "optimizer": [np.asarray(variable) for variable in model.optimizer.variables],
    }
