"""Find what was burned into the frame of many images: a scale bar, a label, a logo.

Knows feature records. What lies at the same place of many frames is no evidence that
two images show the same tissue, and must not tie strangers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from lcc.data.catalogue import Codes
from lcc.data.features import MIN_KEYPOINTS, THUMBNAIL_PX, nearest_words

NUM_SAMPLED = 500  # pictures: a mark of one in twenty is seen 25 times
NUM_CELLS = 64  # of the frame, along a side: a mark stays within a pixel or two
SHARES = (0.05, 0.1, 0.2, 0.5)  # of the pictures that bear a mark
MIN_BEARERS = 6  # pictures; fewer may be copies that were not moved
MARGIN = 2  # cells about a mark: descriptors there are half of it, half of tissue
NUM_BLOCKS = 8  # of the frame, along a side
_NONE = np.zeros(0, np.int64)
MAX_COVERED = 0.5  # of the blocks: copies that were not moved cover all of them


@dataclass(frozen=True, kw_only=True)
class Marks:
    """Keypoints that many frames have at the same place, and all about them.

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
        kept = np.flatnonzero(~self._area[_cells(record)])
        cleaned = record.copy()
        cleaned["num"] = len(kept)
        for name in ("points", "descriptors"):
            cleaned[name][:num] = 0
            cleaned[name][: len(kept)] = record[name][kept]
        cleaned["thumbnail"][self._shadow] = np.median(record["thumbnail"])
        return cleaned

    @cached_property
    def _area(self) -> NDArray[np.bool_]:
        """(cells,) whether a cell of the frame is on a mark, or next to one."""
        area = np.zeros((NUM_CELLS, NUM_CELLS), np.bool_)
        area.ravel()[self.codes % NUM_CELLS**2] = True
        wide = binary_dilation(area, np.ones((3, 3)), iterations=MARGIN)
        return np.asarray(wide, np.bool_).ravel()

    @cached_property
    def _shadow(self) -> NDArray[np.bool_]:
        """(px, px) whether a pixel of the thumbnail is in that area."""
        cells = np.arange(THUMBNAIL_PX) * NUM_CELLS // THUMBNAIL_PX
        return self._area.reshape(NUM_CELLS, NUM_CELLS)[np.ix_(cells, cells)]


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


def note_blank(num_keypoints: NDArray[np.integer[Any]]) -> str:
    """Return a sentence on pictures with too few keypoints, empty if there are none."""
    count = int((num_keypoints < MIN_KEYPOINTS).sum())
    if not count:
        return ""
    return (
        f"{count:,} of {len(num_keypoints):,} pictures are too blank or blurred to be "
        "told apart: a copy of one is found only where its pixels agree."
    )


def _count_bearers(found: Sequence[Codes], codes: Codes) -> int:
    return sum(bool(np.isin(own, codes).any()) for own in found)


def _codes(record: np.void) -> Codes:
    """Return place and look of each keypoint of a record as one number."""
    words: Codes = nearest_words(record["descriptors"][: int(record["num"])])
    return words * NUM_CELLS**2 + _cells(record)


def _cells(record: np.void) -> Codes:
    """Return the cell of the frame in which each keypoint lies."""
    places = (record["points"][: int(record["num"])] * NUM_CELLS).astype(np.int64)
    x, y = np.clip(places, 0, NUM_CELLS - 1).T
    cells: Codes = y * NUM_CELLS + x
    return cells


def _covered(codes: Codes) -> float:
    """Return the share of the frame's blocks in which some of the keypoints lie."""
    y, x = np.divmod(codes % NUM_CELLS**2, NUM_CELLS)
    size = NUM_CELLS // NUM_BLOCKS
    blocks: NDArray[np.int64] = np.unique(y // size * NUM_BLOCKS + x // size)
    return len(blocks) / NUM_BLOCKS**2
