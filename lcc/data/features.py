"""Extract what an image is recognised by: SIFT keypoints, and a global descriptor.

Knows nothing of files, labels or other images. The same pixels give the same bytes.
"""

from functools import lru_cache
from importlib import resources
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

GLOBAL_DIMENSIONS = 512
DESCRIPTOR_NORM = (
    512.0  # RootSIFT has norm 1; its entries seldom pass 0.5, so 255 / 512
)

THUMBNAIL_PX = 96  # aligns two tiles to a third of a percent of their side

_WORK_PX = 128  # side SIFT sees at most: finds as much as 224 px at 0.6 of the time
_CLOSE_PX = 224  # when it looks closely: more of a narrow strip than at 192 px
NUM_CLOSE_KEYPOINTS = 1000
_MIN_SIDE_PX = 16  # SIFT's coarsest useful patch; smaller images are scaled up to it
# A pale tile still has keypoints at a quarter of SIFT's contrast threshold (0.04); the
# strongest `num_keypoints` are kept, so that a tile rich in contrast is not touched.
_CONTRAST_THRESHOLD = 0.01
MIN_KEYPOINTS = 8  # fewer cannot be matched with confidence, nor described
_MIRROR = np.arange(128).reshape(4, 4, 8)[::-1, :, -np.arange(8)].ravel()
_PROJECTION_SEED = 20101  # any fixed number: the projection is part of the format

Array = npt.NDArray[Any]
Features = tuple[np.void, npt.NDArray[np.float16]]  # record, global descriptor


def feature_dtype(num_keypoints: int) -> np.dtype[np.void]:
    """Return the NumPy dtype of one image's features, of fixed size.

    Points are x and y of the keypoints in units of the side, 0–1. Descriptors are
    RootSIFT times 512. `thumbnail` is the grey image, reduced. Those of the mirror
    image follow from them: `mirror_points`, `mirror_descriptors`.

    Args:
        num_keypoints: Keypoints kept per image.

    Example:
        >>> feature_dtype(200)["descriptors"].shape
        (200, 128)
    """
    return np.dtype(
        [
            ("num", "<u2"),
            ("points", "<f4", (num_keypoints, 2)),
            ("descriptors", "u1", (num_keypoints, 128)),
            ("thumbnail", "u1", (THUMBNAIL_PX, THUMBNAIL_PX)),
        ]
    )


def extract_features(image: Array, *, num_keypoints: int) -> tuple[np.void, Array]:
    """Return the keypoints of an image, and a global descriptor blind to flips.

    An image with hardly a keypoint is described by its brightness instead.

    Args:
        image: (height, width, 3) uint8, RGB, of any size; of an oblong image the
            square in its middle counts.
        num_keypoints: Keypoints kept, the strongest first.

    Returns:
        A record of `feature_dtype(num_keypoints)`, and (512,) float16 of norm 1.
    """
    record = _record_of(image, num_keypoints=num_keypoints, size_px=_WORK_PX)
    descriptors = record["descriptors"][: int(record["num"])]
    if len(descriptors) < MIN_KEYPOINTS:
        return record, _describe_blank(record["thumbnail"])
    return record, _project(_vlad(descriptors) + _vlad(mirror_descriptors(descriptors)))


def extract_closely(image: Array) -> np.void:
    """Return up to 1,000 keypoints of an image, seen at up to 224 px.

    A close view shares few of the strongest keypoints with a wide one, and a narrow
    strip holds few of them. It takes three times as long as `extract_features`.

    Args:
        image: As for `extract_features`.

    Returns:
        A record of `feature_dtype(NUM_CLOSE_KEYPOINTS)`.
    """
    return _record_of(image, num_keypoints=NUM_CLOSE_KEYPOINTS, size_px=_CLOSE_PX)


def _record_of(image: Array, *, num_keypoints: int, size_px: int) -> np.void:
    grey = _reduce(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size_px)
    points, descriptors = _detect(grey, num_keypoints)
    record: np.void = np.zeros(1, dtype=feature_dtype(num_keypoints))[0]
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    record["thumbnail"] = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    record["num"] = len(points)
    record["points"][: len(points)] = points
    record["descriptors"][: len(points)] = descriptors
    return record


def _describe_blank(thumbnail: Array) -> Array:
    """Return a global descriptor of brightness alone, blind to turns and flips too."""
    side = round(np.sqrt(GLOBAL_DIMENSIONS / 2))
    grey = cv2.resize(thumbnail, (side, side), interpolation=cv2.INTER_AREA) / 255
    turned = [np.rot90(view, turn) for view in (grey, grey.T) for turn in range(4)]
    bright = np.sum(turned, axis=0).ravel() / len(turned)
    both = np.concatenate([bright, 1 - bright])  # so that its direction tells white
    unit: Array = (both / np.linalg.norm(both)).astype(np.float16)
    return unit


def mirror_points(points: Array) -> Array:
    """Return the points of the mirror image, left and right exchanged; (n, 2)."""
    mirrored: Array = points * (-1, 1) + (1, 0)
    return mirrored.astype(points.dtype)


def mirror_descriptors(descriptors: Array) -> Array:
    """Return the descriptors that the mirror image has at the same spots; (n, 128).

    A descriptor is 4 × 4 cells of 8 directions, in the frame of the keypoint's own
    direction: a mirror exchanges the rows of cells and turns the directions round.
    Against computing them anew, the cosine is 0.998 (`benchmarks/features.py`).
    """
    return descriptors[:, _MIRROR]


def detect_descriptors(grey: Array, *, num_keypoints: int = 200) -> Array:
    """Return RootSIFT descriptors times 512 of a grey image, (n, 128) uint8."""
    return _detect(grey, num_keypoints)[1]


def _reduce(grey: Array, size_px: int) -> Array:
    side = min(grey.shape)
    top, left = ((length - side) // 2 for length in grey.shape)
    grey = grey[top : top + side, left : left + side]
    target = min(max(side, _MIN_SIDE_PX), size_px)
    if target == side:
        return grey
    shrinks = target < side
    return cv2.resize(
        grey,
        (target, target),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )


def _detect(grey: Array, num_keypoints: int) -> tuple[Array, Array]:
    """Return points and descriptors, the strongest first."""
    sift = cv2.SIFT.create(
        num_keypoints,
        contrastThreshold=_CONTRAST_THRESHOLD,
        enable_precise_upscale=True,  # else all points lie a quarter of a pixel off
    )
    found, descriptors = sift.detectAndCompute(grey, None)
    if descriptors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8)
    rows = np.array(
        [(*point.pt, point.angle, point.response) for point in found], np.float32
    )
    # Strongest first; the rest of the key makes ties fall the same way everywhere.
    order = np.lexsort((rows[:, 2], rows[:, 0], rows[:, 1], -rows[:, 3]))
    order = order[:num_keypoints]
    points = (rows[order, :2] + 0.5) / grey.shape[0]  # pixels count from their centre
    return points, _root_sift(descriptors[order])


def _root_sift(descriptors: Array) -> Array:
    """Source: Arandjelović and Zisserman, "Three things everyone should know", 2012."""
    total = descriptors.sum(axis=1, keepdims=True)
    root = np.sqrt(descriptors / np.maximum(total, 1e-9))
    scaled: Array = np.clip(np.rint(root * DESCRIPTOR_NORM), 0, 255).astype(np.uint8)
    return scaled


@lru_cache(maxsize=1)
def _codebook() -> Array:
    """Return the 64 visual words, (64, 128) float32 of norm 1 (`lcc.data.codebook`)."""
    content = resources.files("lcc.data").joinpath("codebook.npy").read_bytes()
    words: Array = np.load(BytesIO(content)).astype(np.float32)
    return words


def nearest_words(descriptors: Array) -> Array:
    """Return the visual word, 0–63, that is nearest to each descriptor, (n,) int64."""
    return _nearest_words(descriptors.astype(np.float32) / DESCRIPTOR_NORM)


def _nearest_words(local: Array) -> Array:
    words = _codebook()
    nearest: Array = np.argmax(local @ words.T - 0.5 * (words**2).sum(axis=1), axis=1)
    return nearest


def _vlad(descriptors: Array) -> Array:
    """Sum the residuals to the nearest word, each word's sum scaled to norm 1.

    Source: Jégou, Douze, Schmid, Pérez, "Aggregating local descriptors into a compact
    image representation", CVPR 2010; norm per word: Arandjelović and Zisserman, "All
    about VLAD", CVPR 2013.
    """
    words = _codebook()
    local = descriptors.astype(np.float32) / DESCRIPTOR_NORM
    nearest = _nearest_words(local)
    member = (nearest[None, :] == np.arange(len(words))[:, None]).astype(np.float32)
    sums = member @ local - member.sum(axis=1, keepdims=True) * words
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    flat: Array = (sums / np.maximum(norms, 1e-9)).ravel()
    return flat


@lru_cache(maxsize=1)
def _projection() -> Array:
    """Return a fixed random matrix that keeps inner products within about 1/√512.

    Source: Johnson and Lindenstrauss 1984; Gaussian form: Dasgupta and Gupta 2003.
    """
    rng = np.random.Generator(np.random.PCG64(_PROJECTION_SEED))
    matrix: Array = rng.standard_normal(
        (_codebook().size, GLOBAL_DIMENSIONS), dtype=np.float32
    )
    return matrix


def _project(vlad: Array) -> Array:
    short = vlad @ _projection()
    norm = float(np.linalg.norm(short))
    unit: Array = (short / norm if norm > 0 else short).astype(np.float16)
    return unit
