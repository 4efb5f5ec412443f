"""Whether an image is as large as those that a model learned from.

A network that has seen cells of one size knows nothing of others. Knows sides in
pixels; not what is seen in them.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from lcc.data.catalogue import Catalogue

LARGER = "larger_than_training_images"  # the reason of an image without an answer
MOST = 1.5  # of the longest side: a tile cut anew, or with a margin, lies below
LEAST = 0.5  # of the shortest side: below it every pixel is spread over four


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSizes:
    """Sides of the images that a model learned from, before they were scaled.

    Attributes:
        shortest_px: The shortest of all their sides.
        longest_px: The longest.
    """

    shortest_px: int
    longest_px: int

    def is_larger(self, width_px: int, height_px: int) -> bool:
        """Return whether an image must show more than a training image did.

        Example:
            >>> sizes = TrainingSizes(shortest_px=224, longest_px=224)
            >>> sizes.is_larger(336, 2000), sizes.is_larger(337, 337)
            (False, True)
        """
        return min(width_px, height_px) > MOST * self.longest_px

    def are_smaller(
        self, widths_px: NDArray[np.float64], heights_px: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Return (n,) whether images lack the detail of training images; unknown: no.

        Example:
            >>> sizes = TrainingSizes(shortest_px=224, longest_px=224)
            >>> sizes.are_smaller(np.array([111.0, 112.0]), np.array([900.0, 900.0]))
            array([ True, False])
        """
        return np.asarray(np.fmin(widths_px, heights_px) < LEAST * self.shortest_px)


def sizes_of(catalogue: Catalogue) -> TrainingSizes:
    """Return the sizes of the kept images of a catalogue."""
    kept = catalogue.table.take(catalogue.rows())
    sides = [pc.min_max(kept[name]).as_py() for name in ("width_px", "height_px")]
    return TrainingSizes(
        shortest_px=min(side["min"] for side in sides),
        longest_px=max(side["max"] for side in sides),
    )
