"""Makes saved models load in older releases of Keras than the one that saved them.

A newer Keras writes arguments that an older one refuses, even where they say nothing
but the default. These are taken out; one with another value stays.
"""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py

# Argument → the default it was added with, after Keras 3.12.0, the oldest that the
# TensorFlow of `pyproject.toml` takes. `benchmarks/load_elsewhere.py` tries it.
ADDED = {
    "input_axes": None,  # of initializers
    "output_axes": None,
    "quantization_config": None,  # of Dense
    "renorm": False,  # of BatchNormalization
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
}
CONFIG = "config.json"  # in a .keras file
CONFIG_ATTRIBUTE = "model_config"  # of an .h5 file


def make_portable(path: Path) -> None:
    """Take what only newer releases know out of a `.keras` or `.h5` file, in place.

    Weights stay as they are, byte for byte.

    Args:
        path: A whole model.
    """
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs[CONFIG_ATTRIBUTE])
            file.attrs[CONFIG_ATTRIBUTE] = json.dumps(without_added(config))
        return
    copy = path.with_suffix(".portable")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
        for info in old.infolist():
            if info.filename == CONFIG:
                config = without_added(json.loads(old.read(info)))
                new.writestr(info, json.dumps(config))
            else:
                with old.open(info) as source, new.open(info, "w") as target:
                    shutil.copyfileobj(source, target)
    copy.replace(path)


def without_added(config: Any) -> Any:
    """Return a model's configuration without added arguments that are at their default.

    Example:
        >>> without_added({"units": 3, "quantization_config": None, "renorm": True})
        {'units': 3, 'renorm': True}
    """
    if isinstance(config, dict):
        return {
            name: without_added(value)
            for name, value in config.items()
            if name not in ADDED or value != ADDED[name]
        }
    if isinstance(config, list):
        return [without_added(value) for value in config]
    return config
