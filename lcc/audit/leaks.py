"""What an audit of a split found: leaks by what ties them, and how many images leak.

Knows images by their position; how ties are found is `grouping`, how they are shown
`leak_report`.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lcc.audit.user_split import SplitImage


class Tie(StrEnum):
    """What ties the images of a leak, the closest first; each implies the next."""

    FILE = "identical files"
    PICTURE = "identical pictures"
    FAMILY = "families of near copies"
    OVERLAP = "groups of overlapping pictures"
    QUESTION = "questionable links"


class Verdict(StrEnum):
    """What an audit says of a split."""

    LEAK = "LEAK"
    CLEAN = "no leak found"
    UNCLEAR = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Images that are tied and lie in several splits.

    Attributes:
        tie: The closest tie that holds for all of them.
        rows: Their positions, those first that show the leak best: one of each split.
    """

    tie: Tie
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """How many images of one split have kin in another.

    Attributes:
        split: Whose images are counted.
        other: Where their kin lies.
        num_images: All images of `split`.
        num_same: Those with an identical picture in `other`.
        num_siblings: Those with an image of their family in `other`.
        num_kin: Those with an image of their group in `other`.
    """

    split: str
    other: str
    num_images: int
    num_same: int
    num_siblings: int
    num_kin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Images of one picture, or of one family, that have several labels.

    Attributes:
        tie: `Tie.PICTURE` or `Tie.FAMILY`.
        labels: The labels, sorted.
        rows: Positions of the images, one of each label first.
    """

    tie: Tie
    labels: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitAudit:
    """What an audit found.

    Attributes:
        name: Name of the CSV or folder.
        images: All images, sorted by path; positions elsewhere count from 0 here.
        counts: Split → images; train, validation, test first.
        leaks: All leaks, the closest ties first.
        crossings: Of each two splits, both ways; the held-out one first.
        conflicts: Pictures, then families, under several labels.
        unreadable: Position → why that image could not be judged.
        max_unreadable_fraction: With more of them no split is called clean.
        notes: Sentences on how the split was read, and alarms.
    """

    name: str
    images: tuple[SplitImage, ...]
    counts: dict[str, int]
    leaks: tuple[Leak, ...]
    crossings: tuple[Crossing, ...]
    conflicts: tuple[Conflict, ...]
    unreadable: dict[int, str]
    max_unreadable_fraction: float
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether the split leaks; a leak is certain whatever could not be read.

        Questionable links alone, or too many unreadable images, leave it open.
        """
        if self.ties.keys() - {Tie.QUESTION}:
            return Verdict.LEAK
        limit = self.max_unreadable_fraction * len(self.images)
        is_open = bool(self.leaks) or len(self.unreadable) > limit
        return Verdict.UNCLEAR if is_open else Verdict.CLEAN

    @property
    def ties(self) -> dict[Tie, int]:
        """Number of leaks of each kind that there is."""
        counts = Counter(leak.tie for leak in self.leaks)
        return {tie: counts[tie] for tie in Tie if counts[tie]}

    def write_report(self, file: Path) -> None:
        """Write the report as Markdown, HTML or a list of all leaks in CSV.

        Args:
            file: Its ending chooses: `.md`, `.html` or `.csv`.

        Raises:
            ConfigError: It has another ending, or cannot be written.
        """
        from lcc.audit.leak_report import write_report

        write_report(self, file)
