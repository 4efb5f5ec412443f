"""Plant known copies among the pictures of a data set, and count those not found.

Knows pictures by number, their pixels and features. A planted copy is looked for as a
picture that nobody has seen, and changes nothing of what was found.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from lcc.config.data import FamilySettings
from lcc.data.catalogue import Codes
from lcc.data.changes import CHANGES, mirror
from lcc.data.features import Features, extract_features
from lcc.families.candidates import Rows, Vectors
from lcc.families.closer import CloserLook
from lcc.families.edges import Edge
from lcc.families.marks import Marks
from lcc.families.merging import MAX_NAMED, NUM_ALIKE, Verify
from lcc.families.verification import find_edges
from lcc.families.voting import Asking, PartIndex, find_alike
from lcc.images.decode import Image8

CONFIDENCE = 0.95
NUM_CLOSE = 2  # pictures that a copy names first, looked at closely


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedCopies:
    """How many planted copies went unseen.

    Attributes:
        num_planted: By change, its name → copies.
        num_unseen: By change, those in no group of their source.
    """

    num_planted: dict[str, int]
    num_unseen: dict[str, int]

    @property
    def upper_bound(self) -> float:
        """Largest share of such copies that goes unseen, 0–1, with 95 % confidence.

        Source: Clopper and Pearson, The use of confidence or fiducial limits,
        Biometrika 1934.
        """
        planted, unseen = sum(self.num_planted.values()), sum(self.num_unseen.values())
        if not planted:
            return 1.0
        test = binomtest(unseen, planted, alternative="less")
        return float(test.proportion_ci(CONFIDENCE).high)

    def __str__(self) -> str:
        """Return the finding as a sentence, empty where nothing was planted."""
        planted, unseen = sum(self.num_planted.values()), sum(self.num_unseen.values())
        if not planted:
            return ""
        return (
            f"{unseen} of {planted} planted copies went unseen: with 95 % confidence "
            f"at most {self.upper_bound:.1%} of such siblings do."
        )

    def document(self) -> dict[str, object]:
        """Return the counts as they are stored."""
        return {
            "planted": sum(self.num_planted.values()),
            "unseen": sum(self.num_unseen.values()),
            "upper_bound": self.upper_bound,
            "confidence": CONFIDENCE,
            "changes": {
                name: {"planted": count, "unseen": self.num_unseen.get(name, 0)}
                for name, count in self.num_planted.items()
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPictures:
    """What is known of n pictures.

    Attributes:
        pixels: (side, side, 3) uint8 of a picture.
        features: Feature record of a picture, without marks.
        nearest: (m, 512) global descriptors → the pictures most like each, (m, k).
        marks: What was burned into the frame of many.
        parts: Those that the copies can name.
        group: (n,) codes.
    """

    pixels: Callable[[int], Image8]
    features: Callable[[int], np.void]
    nearest: Callable[[Vectors], Rows]
    marks: Marks
    parts: PartIndex
    group: Codes


def plant_copies(pictures: KnownPictures, settings: FamilySettings) -> PlantedCopies:
    """Make copies of some pictures by each change, and look for their groups.

    Each is mirrored or turned as well. It is looked for among its nearest neighbours,
    all of them compared, then as a small family is, by its keypoints, and closely.

    Args:
        pictures: Those of the data set.
        settings: `num_planted`, and how pairs are found and judged.
    """
    draw = np.random.default_rng(settings.num_planted)
    count = min(settings.num_planted, len(pictures.group))
    sources = draw.choice(len(pictures.group), count, replace=False)
    copies = [
        _Copy(source, name, seed)
        for seed, (source, name) in enumerate(
            zip(sources.tolist(), cycle(CHANGES), strict=False)
        )
    ]
    unseen = _Search(pictures, settings, copies).find_unseen()
    return PlantedCopies(
        num_planted=dict(Counter(copy.name for copy in copies)),
        num_unseen=dict(Counter(copies[number].name for number in unseen)),
    )


@dataclass(frozen=True, slots=True)
class _Copy:
    """A picture, changed in a way that has a name; made anew whenever it is needed."""

    source: int
    name: str
    seed: int

    def pixels(self, pictures: KnownPictures) -> Image8:
        draw = np.random.default_rng(self.seed)
        return mirror(CHANGES[self.name](pictures.pixels(self.source), draw), draw)


@dataclass(frozen=True)
class _Search:
    """Looks for the groups of planted copies, which have the rows from n on."""

    pictures: KnownPictures
    settings: FamilySettings
    copies: Sequence[_Copy]

    def find_unseen(self) -> list[int]:
        """Return the copies that are not found to be of their source's group."""
        unseen = [
            number
            for number, rows in enumerate(self._nearest())
            if not self._leads_home(number, rows, self._verify)
        ]
        named = dict(zip(unseen, self._named(unseen), strict=True))
        return [
            number
            for number, rows in named.items()
            if not self._leads_home(number, rows, self._verify)
            and not self._leads_home(number, rows[:NUM_CLOSE], self._closer)
        ]

    def _nearest(self) -> NDArray[np.int64]:
        """Return the pictures most like each copy, -1 where there are no more."""
        if not self.copies:
            return np.zeros((0, 0), np.int64)
        return self.pictures.nearest(np.stack([vector for _, vector in self._features]))

    def _named(self, numbers: Sequence[int]) -> list[Any]:
        """Return the pictures that the keypoints of some copies name."""
        if not numbers:
            return []
        first, num_parts = len(self.pictures.group), len(self.pictures.parts.shown)
        pairs = find_alike(
            [Asking(first + n, num_parts + n, MAX_NAMED) for n in numbers],
            self.pictures.parts,
            self._record,
            num_images=NUM_ALIKE,
        )
        return [pairs[pairs[:, 1] == first + number, 0] for number in numbers]

    def _leads_home(self, number: int, rows: NDArray[np.int64], verify: Verify) -> bool:
        """Whether an edge leads from a copy to one of those pictures of its group."""
        group = self.pictures.group
        home = group[self.copies[number].source]
        near = [row for row in rows.tolist() if row >= 0 and group[row] == home]
        return any(verify(np.array([(row, len(group) + number)])) for row in near)

    def _verify(self, pairs: Codes) -> Sequence[Edge]:
        return find_edges(pairs.tolist(), self._record, settings=self.settings)

    @cached_property
    def _closer(self) -> CloserLook:
        marks, settings = self.pictures.marks, self.settings
        return CloserLook(pixels=self._pixels, marks=marks, settings=settings)

    def _pixels(self, row: int) -> Image8:
        first = len(self.pictures.group)
        if row < first:
            return self.pictures.pixels(row)
        return self.copies[row - first].pixels(self.pictures)

    def _record(self, row: int) -> np.void:
        first = len(self.pictures.group)
        if row < first:
            return self.pictures.features(row)
        return self.pictures.marks.without(self._features[row - first][0])

    @cached_property
    def _features(self) -> list[Features]:
        count = self.settings.num_keypoints
        return [
            extract_features(copy.pixels(self.pictures), num_keypoints=count)
            for copy in self.copies
        ]
