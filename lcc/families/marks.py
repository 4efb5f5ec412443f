"""Find what was burned into the frame of many images: a scale bar, a label, a logo.

Knows feature records. What lies at the same place of many frames is no evidence that
two images show the same tissue, and must not tie strangers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcc.data.catalogue import Codes
from lcc.data.features import nearest_words

NUM_SAMPLED = 500  # pictures: a mark of one in twenty is seen 25 times
NUM_CELLS = 64  # of the frame, along a side: a mark stays within a pixel or two
SHARES = (0.05, 0.1, 0.2, 0.5)  # of the pictures that bear a mark
MIN_BEARERS = 10  # pictures; fewer may be copies that were not moved
NUM_BLOCKS = 8  # of the frame, along a side
MAX_COVERED = 0.5  # of the blocks: copies that were not moved cover all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Keypoints that many frames have at the same place.

    Attributes:
        codes: (m,) place and look of each, ascending.
        num_bearers: Pictures of the sample that bear any.
        num_sampled: Pictures of the sample.
    """

    codes: Codes
    num_bearers: int
    num_sampled: int

    def __str__(self) -> str:
        """Return the finding as a sentence, empty where there is none."""
        if not len(self.codes):
            return ""
        return (
            f"{self.num_bearers} of {self.num_sampled} pictures looked at bear the "
            "same mark at the same place (a scale bar, a label): it is no evidence, "
            "and was left out of the comparison."
        )

    def without(self, record: np.void) -> np.void:
        """Return a feature record without its keypoints on marks."""
        if not len(self.codes):
            return record
        num = int(record["num"])
        kept = np.flatnonzero(~np.isin(_codes(record), self.codes))
        cleaned = record.copy()
        cleaned["num"] = len(kept)
        for name in ("points", "descriptors"):
            cleaned[name][:num] = 0
            cleaned[name][: len(kept)] = record[name][kept]
        return cleaned


def find_marks(features: Callable[[int], np.void], num_rows: int) -> Marks:
    """Return the marks of a set of pictures, judged by an even sample of them.

    Args:
        features: Feature record of a row.
        num_rows: Rows.
    """
    most = min(num_rows, NUM_SAMPLED)
    rows = np.linspace(0, max(num_rows - 1, 0), most).round().astype(np.int64)
    found = [np.unique(_codes(features(row))) for row in rows.tolist()]
    codes, counts = np.unique(np.concatenate([*found, _NONE]), return_counts=True)
    chosen = next(
        (
            recurring
            for share in SHARES
            if len(recurring := codes[counts >= max(share * most, MIN_BEARERS)]) == 0
            or _covered(recurring) <= MAX_COVERED
        ),
        _NONE,
    )
    return Marks(
        codes=chosen,
        num_bearers=_count_bearers(found, chosen),
        num_sampled=most,
    )


_NONE = np.zeros(0, np.int64)


def _count_bearers(found: Sequence[Codes], codes: Codes) -> int:
    return sum(bool(np.isin(own, codes).any()) for own in found)


def _codes(record: np.void) -> Codes:
    """Return place and look of each keypoint of a record as one number."""
    num = int(record["num"])
    cells = np.clip((record["points"][:num] * NUM_CELLS).astype(np.int64), 0, None)
    cells = np.minimum(cells, NUM_CELLS - 1)
    place = cells[:, 1] * NUM_CELLS + cells[:, 0]
    codes: Codes = nearest_words(record["descriptors"][:num]) * NUM_CELLS**2 + place
    return codes


def _covered(codes: Codes) -> float:
    """Return the share of the frame's blocks in which some of the keypoints lie."""
    y, x = np.divmod(codes % NUM_CELLS**2, NUM_CELLS)
    size = NUM_CELLS // NUM_BLOCKS
    blocks: NDArray[np.int64] = np.unique(y // size * NUM_BLOCKS + x // size)
    return len(blocks) / NUM_BLOCKS**2
