"""A user's split: which image lies in which split, under which labels.

Knows names of splits and paths of files; not how a split is written down.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lcc.data.roles import ROLES, role_of

Key = tuple[str, str]  # path, split


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitImage:
    """One image in one split; a path that is given two splits is two of them.

    Attributes:
        path: Relative to the folder of the images, or as the user wrote it.
        file: Where it lies.
        split: Name of its split.
        labels: Its classes, sorted; none where unknown, several in a conflict.
    """

    path: str
    file: Path
    split: str
    labels: tuple[str, ...]


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
    rows: Iterable[tuple[str, Path, str, str]],
) -> tuple[tuple[SplitImage, ...], list[str]]:
    """Return the images of (path, file, split, label) rows, and the doubled paths.

    Args:
        rows: In any order; an empty label is none.
    """
    files: dict[Key, Path] = {}
    labels: dict[Key, set[str]] = defaultdict(set)
    doubled: list[str] = []
    for path, file, split, label in rows:
        if (path, split) in files:
            doubled.append(path)
        files[path, split] = file
        labels[path, split] |= {label} - {""}
    images = tuple(
        SplitImage(
            path=path, file=file, split=split, labels=tuple(sorted(labels[path, split]))
        )
        for (path, split), file in sorted(files.items())
    )
    return images, doubled


def note_spellings(splits: Iterable[str]) -> list[str]:
    """Return a sentence for each role that several splits seem to have.

    Example:
        >>> note_spellings(["train", "Train", "test"])
        ['Train and train: look like two names of one split; judged as several.']
    """
    found: dict[str, list[str]] = defaultdict(list)
    for split in sorted(set(splits)):
        found[role_of(split) or split.casefold()].append(split)
    return [
        f"{' and '.join(names)}: look like two names of one split; judged as several."
        for names in found.values()
        if len(names) > 1
    ]


def split_order(split: str) -> tuple[int, list[tuple[int, str]]]:
    """Return the key that sorts train, validation, test, then others as people count.

    Example:
        >>> sorted(["fold10", "test", "fold9", "Train"], key=split_order)
        ['Train', 'test', 'fold9', 'fold10']
    """
    role = role_of(split)
    rank = list(ROLES).index(role) if role else len(ROLES)
    parts = re.split(r"(\d+)", split)
    return rank, [(int(part) if part.isdecimal() else -1, part) for part in parts]
