"""Look closely at pairs of pictures that ordinary features do not tie.

Knows pixels of a picture; which pairs are worth it is `clustering`'s to say.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lcc.config.data import FamilySettings
from lcc.data.catalogue import Codes
from lcc.data.features import extract_closely
from lcc.families.edges import Edge
from lcc.families.marks import Marks
from lcc.families.verification import verify_closely
from lcc.images.decode import Image8

NUM_KEPT = 512  # records: 73 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class CloserLook:
    """Verifies pairs by many more keypoints, of pictures at full size.

    Attributes:
        pixels: (side, side, 3) uint8 of a picture; several threads may ask.
        marks: What was burned into the frame of many.
        settings: What both judges ask for.
        n_jobs: Threads.
    """

    pixels: Callable[[int], Image8]
    marks: Marks
    settings: FamilySettings
    n_jobs: int = 1

    def __call__(self, pairs: Codes) -> list[Edge]:
        """Return the edges that both judges support among (m, 2) pictures a < b."""

        @lru_cache(NUM_KEPT)
        def features(picture: int) -> np.void:
            return self.marks.without(extract_closely(self.pixels(picture)))

        def verify(pair: list[int]) -> Edge | None:
            return verify_closely(*pair, features=features, settings=self.settings)

        with ThreadPoolExecutor(self.n_jobs) as threads:
            return [edge for edge in threads.map(verify, pairs.tolist()) if edge]
