"""A user's split: which image lies in which split, under which labels.

Knows names of splits and paths of files; not how a split is written down.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lcc.audit.roles import note_spellings

Key = tuple[str, str]  # path, split


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitImage:
    """One image in one split; a path that is given two splits is two of them.

    Attributes:
        path: Relative to the folder of the images, or as the user wrote it.
        file: Where it lies.
        split: Name of its split.
        labels: Its classes, sorted; none where unknown, several in a conflict.
        groups: Column and group, of those that the split names for it; sorted.
    """

    path: str
    file: Path
    split: str
    labels: tuple[str, ...]
    groups: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSplit:
    """All images of a user's split.

    Attributes:
        name: Name of the file or folder.
        images: Sorted by path, then by split.
        notes: Sentences on how it was read.
    """

    name: str
    images: tuple[SplitImage, ...]
    notes: tuple[str, ...]


def gather_images(
    rows: Iterable[SplitImage],
) -> tuple[tuple[SplitImage, ...], list[str]]:
    """Return one image for each path and split, sorted, and the doubled paths.

    Args:
        rows: In any order; labels and groups of equal ones are put together.
    """
    found: dict[Key, SplitImage] = {}
    doubled: list[str] = []
    for row in rows:
        known = found.get((row.path, row.split))
        if known is not None:
            doubled.append(row.path)
            labels = {*known.labels, *row.labels}
            groups = {*known.groups, *row.groups}
            row = replace(row, labels=tuple(labels), groups=tuple(groups))  # noqa: PLW2901
        found[row.path, row.split] = row
    return tuple(_sorted(found[key]) for key in sorted(found)), doubled


def _sorted(image: SplitImage) -> SplitImage:
    return replace(
        image, labels=tuple(sorted(image.labels)), groups=tuple(sorted(image.groups))
    )


def note_names(images: Iterable[SplitImage]) -> list[str]:
    """Return sentences on splits and classes that look like two names of one."""
    images = tuple(images)
    found: dict[str, set[str]] = defaultdict(set)
    for image in images:
        for label in image.labels:
            found[label.casefold()].add(label)
    return [
        *note_spellings(image.split for image in images),
        *(
            f"{' and '.join(sorted(names))}: class names that differ by case alone; "
            "judged as several."
            for names in found.values()
            if len(names) > 1
        ),
    ]
