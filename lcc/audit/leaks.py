"""The result of an audit: leaks by level, how many images leak, and what that does.

Knows images by their position; how leaks are found is `levels`, how they are shown
`report`.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from lcc.audit.user_split import SplitImage


class LeakLevel(StrEnum):
    """How alike the images of a leak are; each implies those below it, but the last."""

    FILE = "identical files"
    PICTURE = "identical pictures"
    FAMILY = "families of near copies"
    OVERLAP = "groups of overlapping pictures"
    QUESTION = "groups with questionable edges"
    CLAIM = "named groups"


class AuditVerdict(StrEnum):
    """Whether a split leaks."""

    LEAK = "LEAK"
    CLEAN = "no leak found"
    UNCLEAR = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The pair of images that shows a leak best.

    Attributes:
        first: Position of one, in the split that comes first.
        second: Position of the other.
        matrix: (2, 3) row by row: unit coordinates of the second → those of the first.
        text: How one lies on the other, and what supports it.
    """

    first: int
    second: int
    matrix: tuple[float, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Images that belong together and lie in several splits.

    Attributes:
        level: How alike they are: the first level that holds for all of them.
        rows: Their positions, those first that show the leak best: one of each split.
        name: Column and group that the split names for them; else empty.
        proof: Why two of them belong together, where an edge across splits says so.
    """

    level: LeakLevel
    rows: tuple[int, ...]
    name: str = ""
    proof: Proof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedCounts:
    """How many images of one split have a copy or an overlap in another.

    Attributes:
        split: Whose images are counted.
        other: Where their copies lie; of folds all others together.
        num_images: All images of `split`.
        num_same_picture: Those with an identical picture in `other`.
        num_same_family: Those with an image of their family in `other`.
        num_same_tissue: Those with any overlap in `other` that both judges support.
        num_same_group: Those with an image of their group in `other`: any overlap,
            questionable ones included.
    """

    split: str
    other: str
    num_images: int
    num_same_picture: int
    num_same_family: int
    num_same_tissue: int
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
class GroupClaim:
    """A column of groups that the split names, held against what was found.

    Attributes:
        column: Its name.
        num_images: Images that have a group.
        num_groups: Groups.
        largest: Images of the largest one.
        num_divided: Groups that stand in several splits.
        num_pairs: Pairs of images of one family, copies included: siblings.
        num_held: Those of them that are of one group.
    """

    column: str
    num_images: int
    num_groups: int
    largest: int
    num_divided: int
    num_pairs: int
    num_held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourScore:
    """How often the nearest training image has the label of a test image.

    On 32 × 32 pixels. What is right on leaked images alone was remembered.

    Attributes:
        num_leaked: Test images asked that show tissue of the training images.
        num_clean: Test images asked that do not.
        right_leaked: Leaked ones labelled rightly.
        right_alone: Leaked ones labelled rightly once those that show their tissue are
            taken out of the training images.
        right_clean: Clean ones labelled rightly.
    """

    num_leaked: int
    num_clean: int
    right_leaked: int
    right_alone: int
    right_clean: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitAudit:
    """Everything that an audit found.

    Attributes:
        name: Name of the CSV or folder, and of the draw where it holds several.
        images: All images, sorted by path; positions elsewhere count from 0 here.
        counts: Split → images; train, validation, test first.
        leaks: All leaks, the most alike first.
        shared: Of each two splits, both ways; the held-out one first.
        conflicts: Pictures, then families, under several labels.
        claims: Columns of groups that the split names.
        score: Of the 1-nearest neighbour, where labels are known and something leaks.
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
    claims: tuple[GroupClaim, ...]
    score: NeighbourScore | None
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
