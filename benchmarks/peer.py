"""imagededup's perceptual hashes, the peer of `robustness.py` and `prepare_peer.py`.

Install: pip install --no-deps imagededup PyWavelets tqdm. Its neural network needs
PyTorch; it is left out here, and so is PyTorch.
"""

import sys
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_DISTANCE = 10  # of 64 bits: imagededup's default

Image = NDArray[np.uint8]


def load_methods() -> dict[str, Any]:
    """Return imagededup's hash methods by name."""
    for module, name in (("methods.cnn", "CNN"), ("utils.models", "CustomModel")):
        absent: Any = ModuleType(f"imagededup.{module}")
        setattr(absent, name, None)
        sys.modules[absent.__name__] = absent
    from imagededup.methods import DHash, PHash, WHash

    return {
        "PHash": PHash(verbose=False),
        "DHash": DHash(verbose=False),
        "WHash": WHash(verbose=False),
    }


def symmetries(image: Image) -> list[Image]:
    """Return the image in its eight flips and quarter turns."""
    views = (image, image[:, ::-1])
    return [
        np.ascontiguousarray(np.rot90(view, turn))
        for view in views
        for turn in range(4)
    ]


def distance(first: str, second: str) -> int:
    """Return in how many bits two hexadecimal hashes differ."""
    return (int(first, 16) ^ int(second, 16)).bit_count()
