"""The folders that hold images, level by level, and the ways to read classes off them.

Knows folders and how many images each holds; not which reading is meant (`classes`).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lcc.data.digest import encode_name
from lcc.listing.folders import Folders, NameKind, find_split_folders, kind_of

MIN_CLASSES = 2
MAX_NAMES = 6  # of a level, in the tree: enough to see what they are
KINDS = {
    NameKind.MAKING: "how images were made or saved",
    NameKind.NUMBERED: "numbered, as patients or slides are",
    NameKind.CODED: "numbered",
    NameKind.COLLECTION: "collections",
    NameKind.CLASS: "",
}
Labels = dict[Folders, str]  # folder of images → class, where it has one


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to take folders for classes.

    Attributes:
        level: As `data.class_level` counts.
        labels: Class of each folder that holds images.
        kind: What the names look like.
    """

    level: int
    labels: Labels
    kind: NameKind

    @property
    def names(self) -> list[str]:
        """Classes, sorted."""
        return sorted(set(self.labels.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderTree:
    """Folders that hold images, with their levels.

    Attributes:
        counts: Images in each, by its path.
        splits: Paths of folders that are splits, and so none of the levels.
    """

    counts: Mapping[Folders, int]
    splits: frozenset[Folders]

    @classmethod
    def of(cls, folders: Iterable[Folders]) -> "FolderTree":
        """Return the tree of the folders that images lie in, one for each image."""
        counts = Counter(folders)
        return cls(counts=counts, splits=frozenset(find_split_folders(counts)))

    def levels_of(self, folder: Folders) -> Folders:
        """Return the folders on the way that are levels: all but splits."""
        ways = (folder[: depth + 1] for depth in range(len(folder)))
        return tuple(way[-1] for way in ways if way not in self.splits)

    def read(self, level: int) -> Reading:
        """Return the classes that one level gives; folders above it have none."""
        labels = {}
        for folder in self.counts:
            names = self.levels_of(folder)
            if len(names) >= abs(level):
                labels[folder] = names[level - 1 if level > 0 else level]
        return Reading(level=level, labels=labels, kind=kind_of(set(labels.values())))

    def readings(self) -> list[Reading]:
        """Return the readings that give several classes and every folder one.

        Folders that lie right in a split have no class in any reading. Of two readings
        that part the images alike the better name counts, then the deeper folder.
        """
        depths = [len(self.levels_of(folder)) for folder in self.counts]
        reach = min((depth for depth in depths if depth), default=0)
        levels = [*range(-1, -reach - 1, -1), *range(reach, 0, -1)]
        if len({depth for depth in depths if depth}) == 1:
            levels = levels[reach:]
        found: dict[frozenset[frozenset[Folders]], Reading] = {}
        for level in levels:
            reading = self.read(level)
            parts = _parts(reading.labels)
            is_better = parts not in found or reading.kind > found[parts].kind
            if len(parts) >= MIN_CLASSES and is_better:
                found[parts] = reading
        return sorted(found.values(), key=lambda r: (r.level < 0, r.level))


def _parts(labels: Labels) -> frozenset[frozenset[Folders]]:
    members: dict[str, set[Folders]] = defaultdict(set)
    for folder, label in labels.items():
        members[label].add(folder)
    return frozenset(map(frozenset, members.values()))


def tree_text(tree: FolderTree, uri: str, *, chosen: Reading | None = None) -> str:
    """Return the levels of a source's folders, a line each.

    Args:
        tree: Where images lie.
        uri: The source.
        chosen: The reading to mark.
    """
    names = _names_by_level(tree)
    total = sum(tree.counts.values())
    lines = [f"  {uri.rpartition('/')[2]}/  {total} images"]
    if tree.splits:
        splits = sorted({way[-1] for way in tree.splits}, key=natural)
        lines.append(f"  split folders, no level: {_shown(splits)}")
    for level, found in enumerate(names, 1):
        marks = [f"level {level}", KINDS[kind_of(set(found))] if len(found) > 1 else ""]
        marks.append(_mark(chosen, level, len(names)))
        indent = "  " * level
        lines.append(f"  {indent}{_shown(found)}  ({', '.join(m for m in marks if m)})")
    return "\n".join(lines)


def _names_by_level(tree: FolderTree) -> list[list[str]]:
    names: dict[int, set[str]] = defaultdict(set)
    for folder in tree.counts:
        for level, name in enumerate(tree.levels_of(folder)):
            names[level].add(name)
    return [sorted(names[level], key=natural) for level in sorted(names)]


def _mark(chosen: Reading | None, level: int, num_levels: int) -> str:
    if chosen is None:
        return ""
    own = chosen.level if chosen.level > 0 else num_levels + 1 + chosen.level
    return "the classes" if own == level else ""


def _shown(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMES
    shown = " ".join(f"{encode_name(name)}/" for name in names[:MAX_NAMES])
    return f"{shown} … {more} more" if more > 0 else shown


def natural(name: str) -> list[tuple[int, str]]:
    """Return the key that sorts names as people count.

    Example:
        >>> sorted(["100X", "40X"], key=natural)
        ['40X', '100X']
    """
    parts = re.split(r"(\d+)", name)
    return [(int(part) if part.isdecimal() else -1, part) for part in parts]
