"""A trained model as files: `.keras`, a time-stamped `.h5`, and an MLflow folder.

The only file besides `lcc.tracking.mlflow` that imports MLflow, to write that folder;
it talks to no server.
"""

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from lcc.config import environment
from lcc.errors import RunFailed
from lcc.train.portable import make_portable

logger = logging.getLogger(__name__)

NETWORK = "data/model.keras"  # where MLflow's form of a Keras model has the network
TOLERANCE = 1e-5  # of a probability: float32 sums in another order


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """Facts about a saved model, kept beside it as `model.json`.

    Attributes:
        sha256: Digest of `model.keras`.
        class_names: Meaning of the output's columns.
        tile_size_px: Side of the images it takes.
        catalogue: Digest of the catalogue it was trained on.
        best_epoch: Epoch whose weights it has.
        num_parameters: Trainable parameters.
        h5: Name of the time-stamped HDF5 file.
        is_refit: Whether it learned from the validation split, too.
        software: Library → version that it was made and saved with.
    """

    sha256: str
    class_names: tuple[str, ...]
    tile_size_px: int
    catalogue: str
    best_epoch: int
    num_parameters: int
    h5: str
    is_refit: bool = False
    software: Mapping[str, str] = field(default_factory=dict)

    def dump(self) -> bytes:
        """Return the card as JSON."""
        return json.dumps(asdict(self), indent=2).encode()


@contextmanager
def without_advice() -> Iterator[None]:
    """Keep Keras from calling HDF5 legacy: it is asked for."""
    absl = logging.getLogger("absl")
    level = absl.level
    absl.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        absl.setLevel(level)


def save_model(
    model: keras.Model, folder: Path, *, sample: NDArray[np.uint8]
) -> tuple[Path, Path]:
    """Save a model in both formats, each checked to reload and predict the same.

    Args:
        model: From images to probabilities.
        folder: Where to.
        sample: (k, side, side, 3) uint8 tiles to check with.

    Returns:
        Paths of `model.keras` and of the time-stamped `.h5`.

    Raises:
        RunFailed: A reloaded model predicts something else.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    paths = (folder / "model.keras", folder / f"{stamp}.h5")
    expected = np.asarray(model(sample, training=False))
    for path in paths:
        with without_advice():
            model.save(path)
            make_portable(path)
            again = keras.saving.load_model(path, compile=False)
        found = np.asarray(again(sample, training=False))
        worst = float(np.abs(found - expected).max())
        if worst > TOLERANCE:
            message = (
                f"{path.name}: must predict what the trained model does, got a "
                f"difference of {worst:g}. Report this: the file was not kept."
            )
            raise RunFailed(message)
    return paths


def software() -> dict[str, str]:
    """Return the versions of what a saved model is made with."""
    return {name: version(name) for name in ("keras", "tensorflow")}


def write_mlflow_model(
    model: keras.Model, folder: Path, *, sample: NDArray[np.uint8]
) -> None:
    """Write an MLflow model folder with signature and input example.

    It lacks the network itself, at `NETWORK`: `save_model` wrote that file.
    """
    os.environ.setdefault(environment.NO_TELEMETRY, "true")
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    from mlflow.keras import save_model as save
    from mlflow.models import infer_signature

    example = sample[:1].astype(np.float32)
    signature = infer_signature(example, np.asarray(model(example, training=False)))
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on pinned versions
        save(
            model,
            str(folder),
            signature=signature,
            input_example=example,
            # Named here: to find them out MLflow would load the model once more.
            pip_requirements=[f"{n}=={v}" for n, v in software().items()],
        )
    (folder / NETWORK).unlink()
