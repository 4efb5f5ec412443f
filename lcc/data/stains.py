"""Haematoxylin and eosin: how much of each is in a pixel, and a tile with more or less.

Knows optical densities. Pixels count from 1 to 256, so that black has a finite one.
"""

import numpy as np
from numpy.typing import NDArray

from lcc.images.decode import Image8

# Optical density of each stain per RGB channel. Source: Ruifrok and Johnston,
# "Quantification of histochemical staining by color deconvolution", Anal. Quant. Cytol.
# Histol. 23 (2001) 291–299.
HAEMATOXYLIN = (0.650, 0.704, 0.286)
EOSIN = (0.072, 0.990, 0.105)
WHITE = 256.0
_DENSITIES = np.log((np.arange(256, dtype=np.float32) + 1) / np.float32(WHITE))


def stain_matrices(strengths: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return what optical densities are multiplied by, (n, 3, 3), to change stains.

    What neither stain explains is kept.

    Args:
        strengths: (n, 2) factors of haematoxylin and of eosin; 1 changes nothing.
    """
    residual = np.cross(HAEMATOXYLIN, EOSIN)
    stains = np.array([HAEMATOXYLIN, EOSIN, residual])
    stains /= np.linalg.norm(stains, axis=1, keepdims=True)
    factors = np.concatenate([strengths, np.ones((len(strengths), 1))], axis=1)
    matrices = np.linalg.inv(stains) @ (factors[:, :, None] * stains)
    return np.asarray(matrices, dtype=np.float32)


def change_stains(image: Image8, *, haematoxylin: float, eosin: float) -> Image8:
    """Return an image with other strengths of its stains.

    Args:
        image: (height, width, 3) uint8, RGB.
        haematoxylin: Factor of its density; 1 changes nothing.
        eosin: Likewise.
    """
    [matrix] = stain_matrices(np.array([[haematoxylin, eosin]]))
    density = _DENSITIES[image] @ matrix
    changed = np.rint(np.exp(density) * np.float32(WHITE)) - 1
    return np.asarray(np.clip(changed, 0, 255), np.uint8)
