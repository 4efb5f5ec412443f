"""The result of an audit: leaks by level, and how many images leak.

Knows images by their position; how leaks are found is `levels`, how they are shown
`report`.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from lcc.audit.user_split import SplitImage


class LeakLevel(StrEnum):
    """How alike the images of a leak are; each level implies those below it."""

    FILE = "identical files"
    PICTURE = "identical pictures"
    FAMILY = "families of near copies"
    OVERLAP = "groups of overlapping pictures"
    QUESTION = "groups with questionable edges"


class AuditVerdict(StrEnum):
    """Whether a split leaks."""

    LEAK = "LEAK"
    CLEAN = "no leak found"
    UNCLEAR = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Images that belong together and lie in several splits.

    Attributes:
        level: How alike they are: the first level that holds for all of them.
        rows: Their positions, those first that show the leak best: one of each split.
    """

    level: LeakLevel
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedCounts:
    """How many images of one split have a copy or an overlap in another.

    Attributes:
        split: Whose images are counted.
        other: Where their copies lie.
        num_images: All images of `split`.
        num_same_picture: Those with an identical picture in `other`.
        num_same_family: Those with an image of their family in `other`.
        num_same_group: Those with an image of their group in `other`: any overlap,
            questionable ones included.
    """

    split: str
    other: str
    num_images: int
    num_same_picture: int
    num_same_family: int
    num_same_group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Images of one picture, or of one family, that have several labels.

    Attributes:
        level: `LeakLevel.PICTURE` or `LeakLevel.FAMILY`.
        labels: The labels, sorted.
        rows: Positions of the images, one of each label first.
    """

    level: LeakLevel
    labels: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitAudit:
    """Everything that an audit found.

    Attributes:
        name: Name of the CSV or folder.
        images: All images, sorted by path; positions elsewhere count from 0 here.
        counts: Split → images; train, validation, test first.
        leaks: All leaks, the most alike first.
        shared: Of each two splits, both ways; the held-out one first.
        conflicts: Pictures, then families, under several labels.
        unreadable: Position → why that image could not be judged.
        max_unreadable_fraction: With more of them no split is called clean.
        notes: Sentences on how the split was read, and alarms.
    """

    name: str
    images: tuple[SplitImage, ...]
    counts: dict[str, int]
    leaks: tuple[Leak, ...]
    shared: tuple[SharedCounts, ...]
    conflicts: tuple[Conflict, ...]
    unreadable: dict[int, str]
    max_unreadable_fraction: float
    notes: tuple[str, ...]

    @property
    def verdict(self) -> AuditVerdict:
        """Whether the split leaks; a leak is certain whatever could not be read.

        Questionable edges alone, or too many unreadable images, leave it open.
        """
        if self.leak_counts.keys() - {LeakLevel.QUESTION}:
            return AuditVerdict.LEAK
        limit = self.max_unreadable_fraction * len(self.images)
        is_open = bool(self.leaks) or len(self.unreadable) > limit
        return AuditVerdict.UNCLEAR if is_open else AuditVerdict.CLEAN

    @property
    def leak_counts(self) -> dict[LeakLevel, int]:
        """Number of leaks of each level that has any."""
        counts = Counter(leak.level for leak in self.leaks)
        return {level: counts[level] for level in LeakLevel if counts[level]}
