"""Find families in any images, in the form that scikit-learn's splitters take.

Knows sequences of images; nothing of classes, splits or roots.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from joblib import effective_n_jobs
from PIL.Image import registered_extensions

from lcc.config.data import DataSettings
from lcc.data.catalogue import Codes
from lcc.data.table import first_few
from lcc.data.work import ProgressCounter, single_threaded
from lcc.errors import DataError, NotFoundError
from lcc.families.edges import renumber_edges
from lcc.families.pictures import Image, Pictures
from lcc.families.verdicts import Verdicts

BLOCK_IMAGES = 4  # a thread takes at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """Which of n images are copies of one another, and which overlap.

    Each column refines the next: equal `content` is equal `picture`, and so on.

    Attributes:
        content: (n,) int64, equal where the bytes of files are; an array's is its own.
        picture: (n,) int64, equal where the decoded pixels are; -1 where unreadable.
        family: (n,) int64, equal where images were made from one source: rotated,
            mirrored, cropped, zoomed, stained anew …; numbered by first image, -1 where
            unreadable.
        group: (n,) int64, equal where families are joined by any edge, even one that a
            single judge supports; numbered by first image, -1 where unreadable.
            The `groups` of scikit-learn's splitters: what must not be divided.
        edges: Table of `lcc.families.edges.EDGE_SCHEMA` between the images; of equal
            pictures the first one stands for all.
        unreadable: Position → why that image could not be judged.
        alarms: Sentences about families and groups that are larger than plausible.
        notes: Sentences about what could not be compared: marks, blank pictures.
        paths: The images of a folder, in the order of all the numbers; none where
            images were given one by one.
    """

    content: Codes
    picture: Codes
    family: Codes
    group: Codes
    edges: pa.Table
    unreadable: dict[int, str]
    alarms: tuple[str, ...]
    notes: tuple[str, ...]
    paths: tuple[Path, ...] = ()


def find_families(
    images: Sequence[Image] | str | Path,
    *,
    settings: DataSettings | None = None,
    verdicts: Verdicts | None = None,
    progress: Callable[[int], ProgressCounter] | None = None,
    n_jobs: int | None = None,
) -> Families:
    """Find the images that were made from one source, and those that overlap.

    Needs neither labels nor a pretrained network nor the number of families. The same
    images in the same order give the same families. Memory grows by about 1 KiB an
    image, beside a bounded index of keypoints; a temporary folder by about 36 KiB a
    distinct picture.

    Args:
        images: Paths of image files, or (height, width, 3) uint8 RGB arrays, of any
            size; or a folder, for all image files below it, sorted by path.
        settings: How images are read and families found; the defaults come from
            geometry and are meant to stay.
        verdicts: What people decided of two images, by their positions: questions
            between what is different are dropped, what is the same is joined.
        progress: Starts a counter of so many units of work.
        n_jobs: Processes at once, as in scikit-learn: None is one, -1 one per core.
            The result is the same with any.

    Returns:
        Families and groups, one number per image, in the order given.

    Raises:
        NotFoundError: A path is no file, or there is no such folder.
        DataError: An array is not (height, width, 3) uint8.

    Example:
        >>> import cv2
        >>> noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
        >>> one, other = (cv2.GaussianBlur(pixels, (0, 0), 1.5) for pixels in noise)
        >>> found = find_families([one, other, np.flip(one, axis=1)])
        >>> found.group.tolist()
        [0, 1, 0]
    """
    paths: tuple[Path, ...] = ()
    if isinstance(images, str | Path):
        images = paths = _images_below(Path(images))
    _check(images)
    num_jobs = effective_n_jobs(n_jobs)
    counter = progress(2 * len(images)) if progress else None
    with tempfile.TemporaryDirectory(prefix="lcc-") as scratch, single_threaded():
        pictures = Pictures(Path(scratch), settings or DataSettings())
        _add_all(images, pictures, counter, num_threads=num_jobs)
        joined = pictures.join(counter, verdicts=verdicts, n_jobs=num_jobs)
    picture = pictures.picture
    _, first = np.unique(picture[picture >= 0], return_index=True)
    return Families(
        content=pictures.content,
        picture=picture,
        family=_spread(joined.family, picture),
        group=_spread(joined.group, picture),
        edges=renumber_edges(joined.edges, np.flatnonzero(picture >= 0)[first]),
        unreadable=pictures.unreadable,
        alarms=tuple(str(alarm) for alarm in joined.alarms),
        notes=pictures.notes,
        paths=paths,
    )


def _images_below(folder: Path) -> tuple[Path, ...]:
    """Return the image files below a folder by their endings, but for hidden ones.

    Raises:
        NotFoundError: There is no such folder, or no image in it.
    """
    endings = registered_extensions()
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in endings and path.is_file()
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not found:
        got = "no image in it" if folder.is_dir() else "none"
        message = (
            f"images: must be a folder with images, got {got}: {folder}. Check the "
            "path."
        )
        raise NotFoundError(message)
    return tuple(found)


def _add_all(
    images: Sequence[Image],
    pictures: Pictures,
    counter: ProgressCounter | None,
    *,
    num_threads: int,
) -> None:
    """Add images a few at a time: memory holds the pixels of those alone."""
    size = BLOCK_IMAGES * num_threads
    with ThreadPoolExecutor(num_threads) as threads:
        for start in range(0, len(images), size):
            block = images[start : start + size]
            pictures.add(block, run=threads.map)
            if counter:
                counter.advance(len(block))


def _check(images: Sequence[Image]) -> None:
    missing, misshapen = [], []
    for number, image in enumerate(images):
        if isinstance(image, str | Path):
            if not is_file(image):
                missing.append(str(image))
        elif image.dtype != np.uint8 or image.shape[2:] != (3,) or not image.size:
            misshapen.append(f"{image.shape} {image.dtype} at position {number}")
    if misshapen:
        message = (
            "images: must be (height, width, 3) uint8 RGB arrays, got "
            f"{first_few(misshapen)}. Convert them."
        )
        raise DataError(message)
    if missing:
        message = (
            f"images: must be files, got {len(missing)} of {len(images)} that are "
            f"none: {first_few(missing)}. Check the paths."
        )
        raise NotFoundError(message)


def is_file(path: str | Path) -> bool:
    """Return whether a file is there, whatever its name holds."""
    return os.path.isfile(path)  # noqa: PTH113 - pathlib's raises for a name too long


def _spread(codes: Codes, picture: Codes) -> Codes:
    """Return the code of each image, given that of each picture; -1 where it is."""
    return np.append(codes, -1)[picture]
