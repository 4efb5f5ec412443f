"""Ask what a leak does to a score: the nearest neighbour on leaked and on clean images.

Knows labels and pixels, reduced so far that no tissue is left but in copies.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lcc.audit.leaks import NeighbourScore
from lcc.audit.user_split import SplitImage
from lcc.data.catalogue import Codes
from lcc.images.decode import UnreadableError, decode_image

SIDE_PX = 32  # of the reduced images, as of the baselines of a report
MAX_ASKED = 2000  # of leaked and of clean images each: a percentage to within a point
BLOCK_IMAGES = 4096  # compared at once: 50 MB of reduced images
Small = NDArray[np.uint8]  # (3072,)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which images are asked for their nearest neighbour among which others.

    Attributes:
        asked: Positions of test images.
        leaked: Those of them that show tissue of the training images.
        training: Positions of training images.
    """

    asked: Sequence[int]
    leaked: Set[int]
    training: Sequence[int]


def score_neighbours(
    images: Sequence[SplitImage],
    questions: Sequence[Question],
    tissue: Codes,
    *,
    max_megapixels: float,
    num_threads: int,
) -> NeighbourScore | None:
    """Return how often the nearest training image has a test image's label.

    Images without one label, and those that cannot be read, are left out; of more than
    `MAX_ASKED` leaked or clean ones as many are drawn, always the same.

    Args:
        images: All images.
        questions: Test images with their training images; several where folds take
            turns.
        tissue: (n,) equal where images surely show the same tissue.
        max_megapixels: Larger images are not read.
        num_threads: Images read at once.

    Returns:
        The score, None where no leaked image can be asked.
    """
    labelled = {row for row, image in enumerate(images) if len(image.labels) == 1}
    limit = max(MAX_ASKED // max(len(questions), 1), 1)
    drawn = [_draw(question, labelled, limit=limit) for question in questions]
    if not any(question.leaked for question in drawn):
        return None
    wanted = sorted({row for q in drawn for row in (*q.asked, *q.training)})
    with ThreadPoolExecutor(num_threads) as threads:
        files = [images[row].file for row in wanted]
        pixels = threads.map(partial(_reduce, max_megapixels=max_megapixels), files)
        small = {r: p for r, p in zip(wanted, pixels, strict=True) if p is not None}
    counts: Counter[tuple[bool, str]] = Counter()  # leaked; asked, right or alone
    for question in drawn:
        for answer in _nearest(small, question, tissue):
            is_leaked = answer.row in question.leaked
            label = images[answer.row].labels
            counts[is_leaked, "asked"] += 1
            counts[is_leaked, "right"] += images[answer.nearest].labels == label
            if answer.stranger >= 0:
                counts[is_leaked, "alone"] += images[answer.stranger].labels == label
    if not counts[True, "asked"]:
        return None
    return NeighbourScore(
        num_leaked=counts[True, "asked"],
        num_clean=counts[False, "asked"],
        right_leaked=counts[True, "right"],
        right_alone=counts[True, "alone"],
        right_clean=counts[False, "right"],
    )


def _draw(question: Question, labelled: Set[int], *, limit: int) -> Question:
    """Return a question of labelled images alone, with no more to ask than fit."""
    generator = np.random.default_rng(0)
    asked: list[int] = []
    for is_leaked in (True, False):
        rows = [
            r
            for r in question.asked
            if r in labelled and (r in question.leaked) == is_leaked
        ]
        chosen = generator.permutation(len(rows))[:limit]
        asked += [rows[n] for n in np.sort(chosen)]
    return Question(
        asked=asked,
        leaked=question.leaked & set(asked),
        training=[row for row in question.training if row in labelled],
    )


def _reduce(file: Path, *, max_megapixels: float) -> Small | None:
    try:
        pixels = decode_image(file.read_bytes(), max_megapixels=max_megapixels).pixels
    except (OSError, UnreadableError):
        return None
    size = (SIDE_PX, SIDE_PX)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).ravel())


@dataclass(frozen=True, slots=True)
class _Answer:
    """A test image, its nearest training image, and that of another tissue or -1."""

    row: int
    nearest: int
    stranger: int


def _nearest(
    small: Mapping[int, Small], question: Question, tissue: Codes
) -> Iterator[_Answer]:
    from sklearn.metrics.pairwise import euclidean_distances

    training = np.array([row for row in question.training if row in small], np.int64)
    asked = np.array([row for row in question.asked if row in small], np.int64)
    if not (len(training) and len(asked)):
        return
    own = np.stack([small[row] for row in asked.tolist()]).astype(np.float32)
    best = np.full((2, len(asked)), np.inf)  # of all, of strangers
    found = np.full((2, len(asked)), -1)
    for start in range(0, len(training), BLOCK_IMAGES):
        rows = training[start : start + BLOCK_IMAGES]
        block = np.stack([small[row] for row in rows.tolist()]).astype(np.float32)
        distances = euclidean_distances(own, block, squared=True)
        _keep_nearest(distances, rows, best[0], found[0])
        distances[tissue[asked][:, None] == tissue[rows][None]] = np.inf
        _keep_nearest(distances, rows, best[1], found[1])
    for row, nearest, stranger in np.stack([asked, *found], axis=1).tolist():
        yield _Answer(row, nearest, stranger)


def _keep_nearest(
    distances: NDArray[np.float32], rows: Codes, best: Floats, found: Codes
) -> None:
    """Note in `best` and `found` where a block of training images is nearer."""
    column = distances.argmin(axis=1)
    distance = distances[np.arange(len(distances)), column]
    is_nearer = distance < best
    best[is_nearer] = distance[is_nearer]
    found[is_nearer] = rows[column[is_nearer]]
