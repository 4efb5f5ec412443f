"""How unlike the training images an image is, and from where on it is none of them.

Novelty of an image: the distance of its features from those of the k-th nearest of
some training images, 0 to 2; features are those of `Network.see`, scaled to length 1.
Knows features and groups; neither images nor networks.
Source: Sun et al., Out-of-distribution detection with deep nearest neighbors, ICML
2022, section 3.
"""

import io
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcc.evaluate.bootstrap import Floats, Ints
from lcc.evaluate.grad_cam import Floats32

MAX_REFERENCES = 512  # training images kept: 2 MiB of 2,048 features, seconds to run
NEIGHBOUR = 5  # with the first, one odd training image would make strangers familiar
KEPT_SHARE = 0.95  # of images like the training images that must not be called others
MIN_GROUPS = 5  # to set a threshold on: of four it may call every fifth image another


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Novelty above which an image is not tissue that a model knows.

    Attributes:
        value: The largest novelty that is borne; infinite where none was to set.
        kept_share: Least share of images like the training images that is expected
            not to lie above it, 0 to 1: 0.95, or less where groups are few.
        num_groups: Groups that it was set on.
    """

    value: float = math.inf
    kept_share: float = 1.0
    num_groups: int = 0

    @property
    def is_set(self) -> bool:
        """Whether any image can lie above it."""
        return math.isfinite(self.value)


@dataclass(frozen=True, kw_only=True)
class KnownTissue:
    """What is kept of training images, to tell how unlike them another image is.

    Attributes:
        references: (m, features) float16 of some training images, each of length 1.
        neighbour: Which nearest of them counts, from 1.
        threshold: From where on an image is none that the model knows.
    """

    references: NDArray[np.float16]
    neighbour: int
    threshold: Threshold = Threshold()

    def novelty(self, features: Floats32) -> Floats:
        """Return the (n,) novelty of images, 0 to 2.

        Args:
            features: (n, features) that the same network sees.
        """
        distances, _ = self._nearest.kneighbors(_unit(features))
        return np.asarray(distances[:, -1], np.float64)

    def is_unfamiliar(self, novelty: Floats) -> NDArray[np.bool_]:
        """Return whether images lie above the threshold; unknown novelty does not."""
        return np.asarray(novelty > self.threshold.value)

    @cached_property
    def _nearest(self) -> Any:
        from sklearn.neighbors import NearestNeighbors

        # Trees gain nothing in so many dimensions.
        nearest = NearestNeighbors(n_neighbors=self.neighbour, algorithm="brute")
        return nearest.fit(self.references.astype(np.float32))


def know_tissue(features: Floats32) -> KnownTissue:
    """Return what is kept of training images; no threshold is set yet.

    Args:
        features: (m, features) of at least one image, those of `MAX_REFERENCES` or
            fewer.
    """
    return KnownTissue(
        references=_unit(features).astype(np.float16),
        neighbour=min(NEIGHBOUR, len(features)),
    )


def set_threshold(known: KnownTissue, novelty: Floats, groups: Ints) -> KnownTissue:
    """Return known tissue with the threshold that images it did not learn from give.

    None is set on fewer than `MIN_GROUPS` groups.

    Args:
        known: References.
        novelty: (n,) of images like the training images that are not among these.
        groups: (n,) group of each.
    """
    return replace(known, threshold=choose_limit(novelty, groups))


def choose_limit(novelty: Floats, groups: Ints) -> Threshold:
    """Return the least novelty that an image of a new group exceeds seldom enough.

    Images of one group are alike, so that groups are counted, each as one, and one more
    that is not known yet counts as infinitely novel. Of an image of a new group, drawn
    like these, at most a share of 0.05 is then above the threshold on average over all
    draws of groups; with g < 19 groups, none of which may be above, 1 / (g + 1). Of
    groups of one image it is the ⌈0.95 (n + 1)⌉-th smallest value.
    Source: Lee, Barber and Willett, Distribution-free inference with hierarchical data,
    arXiv 2306.06342 (hierarchical conformal prediction).

    Args:
        novelty: (n,).
        groups: (n,) group of each image.

    Example:
        >>> choose_limit(np.arange(1, 100) / 100, np.arange(99)).value
        0.95
    """
    _, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    num_groups = len(sizes)
    if num_groups < MIN_GROUPS:
        return Threshold(num_groups=num_groups)
    kept_share = min(KEPT_SHARE, num_groups / (num_groups + 1))
    order = np.argsort(novelty, kind="stable")
    shares = np.cumsum(1 / sizes[codes[order]]) / (num_groups + 1)
    # Sums of such fractions are off by their last bits.
    place = int(np.searchsorted(shares, kept_share - 1e-9))
    return Threshold(
        value=float(novelty[order[min(place, len(order) - 1)]]),
        kept_share=kept_share,
        num_groups=num_groups,
    )


def write_known(known: KnownTissue) -> bytes:
    """Return known tissue as the content of an `.npz` file."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        references=known.references,
        neighbour=known.neighbour,
        threshold=known.threshold.value,
        kept_share=known.threshold.kept_share,
        num_groups=known.threshold.num_groups,
    )
    return buffer.getvalue()


def read_known(content: bytes) -> KnownTissue:
    """Return what `write_known` wrote."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return KnownTissue(
            references=file["references"],
            neighbour=int(file["neighbour"]),
            threshold=Threshold(
                value=float(file["threshold"]),
                kept_share=float(file["kept_share"]),
                num_groups=int(file["num_groups"]),
            ),
        )


def _unit(features: Floats32) -> Floats32:
    """Return rows scaled to length 1; one of zeros is left: 1 away from all others."""
    from sklearn.preprocessing import normalize

    return np.asarray(normalize(features), np.float32)
