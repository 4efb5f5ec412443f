"""Make the 64 visual words that ship with the package: `python -m lcc.data.codebook`.

Knows how to draw the images they are learnt from. These are drawn here, not taken from
anybody's tiles, so that the words can be made again from the repository alone.
"""

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from lcc.data.features import DESCRIPTOR_NORM, detect_descriptors

NUM_WORDS = 64  # Jégou 2010: more words gain little once geometry verifies the pairs
RESOURCE = Path(__file__).with_name("codebook.npy")

_SEED = 7
_NUM_IMAGES = 300  # × 200 keypoints = 60,000 descriptors, about a thousand a word
_SIDE_PX = 224

logger = logging.getLogger(__name__)

Array = npt.NDArray[Any]


def draw_leaves(seed: int) -> Array:
    """Draw one image of occluding ellipses, blurred and grainy like stained tissue.

    Source: the dead-leaves model, Lee, Mumford, Huang, "Occlusion models for natural
    images", IJCV 2001: sizes by the inverse cube of the radius.

    Args:
        seed: Chooses the image.

    Returns:
        (224, 224) uint8.
    """
    rng = np.random.default_rng([_SEED, seed])
    image = np.full((_SIDE_PX, _SIDE_PX), rng.integers(90, 220), np.uint8)
    smallest = rng.uniform(2, 5)  # radius in pixels: nuclei down to grain
    for _ in range(1200):  # enough to cover the background once
        radius = smallest / np.sqrt(1 - rng.uniform(0, 0.995))
        axes = (max(1, int(radius)), max(1, int(radius * rng.uniform(0.4, 1))))
        centre = rng.integers(0, _SIDE_PX, 2).tolist()
        angle, shade = float(rng.uniform(0, 180)), int(rng.integers(40, 240))
        cv2.ellipse(image, centre, axes, angle, 0, 360, shade, -1, cv2.LINE_AA)
    blurred = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.7, 2)))
    grain = rng.normal(0, rng.uniform(2, 6), image.shape)
    noisy: Array = np.clip(blurred + grain, 0, 255).astype(np.uint8)
    return noisy


def learn_words(num_images: int = _NUM_IMAGES) -> Array:
    """Return the words of drawn images by k-means, (64, 128) float16 of norm ≤ 1."""
    import faiss

    cv2.setNumThreads(1)
    faiss.omp_set_num_threads(1)  # sums in one order: the same bytes each time
    images = (draw_leaves(seed) for seed in range(num_images))
    drawn = np.concatenate([detect_descriptors(image) for image in images])
    means = faiss.Kmeans(128, NUM_WORDS, niter=25, seed=_SEED)
    means.train(drawn.astype(np.float32) / DESCRIPTOR_NORM)
    words: Array = np.asarray(means.centroids, np.float16)
    return words


def main() -> None:
    """Write the resource anew."""
    logging.basicConfig(level=logging.INFO)
    np.save(RESOURCE, learn_words())
    logger.info("wrote=%s", RESOURCE.name)


if __name__ == "__main__":
    main()
