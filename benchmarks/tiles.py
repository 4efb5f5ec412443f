"""Real tiles with the families that were found by hand, for the other benchmarks.

The CSV has the columns `path,label,family`; paths start at its folder.
"""

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lcc.data.features import extract_features

Image = NDArray[np.uint8]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Tiles:
    """Paths, labels and hand-made families of n tiles.

    Attributes:
        paths: Files.
        labels: (n,) class of each.
        families: (n,) family of each, unique over classes.
    """

    paths: Sequence[Path]
    labels: NDArray[np.str_]
    families: NDArray[np.str_]


def read_tiles(families: Path) -> Tiles:
    """Return what a CSV of families says."""
    with families.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return Tiles(
        [families.parent / row["path"] for row in rows],
        np.array([row["label"] for row in rows]),
        np.array([f"{row['label']}/{row['family']}" for row in rows]),
    )


def read_image(path: Path) -> Image:
    """Return an image, (height, width, 3) RGB."""
    content = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(content, np.uint8)[..., ::-1])


def in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], *, chunk: int = 20
) -> list[Result]:
    """Return the result of each item, one process a core and one thread each."""
    with ProcessPoolExecutor(os.cpu_count(), initializer=_one_thread) as pool:
        return list(pool.map(work, items, chunksize=chunk))


def extract_all(
    paths: Sequence[Path], *, num_keypoints: int = 200
) -> tuple[NDArray[np.void], NDArray[np.float16]]:
    """Return (n,) feature records and (n, 512) global descriptors."""
    found = in_processes(partial(_extract, num_keypoints=num_keypoints), paths)
    return np.stack([f for f, _ in found]), np.stack([v for _, v in found])


def _extract(path: Path, *, num_keypoints: int) -> tuple[np.void, NDArray[np.float16]]:
    return extract_features(read_image(path), num_keypoints=num_keypoints)


def _one_thread() -> None:
    cv2.setNumThreads(1)
    threadpool_limits(1)
