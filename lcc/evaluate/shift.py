"""How another data set looks beside the training images: colours and sharpness.

Knows pixels of some tiles of each set and their groups; no classes, no network.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import Catalogue
from lcc.data.tiles import Tiles
from lcc.evaluate.baselines import see_colours
from lcc.evaluate.bootstrap import Estimate, Floats, Ints
from lcc.evaluate.metrics import judge
from lcc.images.decode import Image8

MAX_IMAGES = 1500  # of each set: seconds of work
MAX_FOLDS = 5
MIN_GROUPS = 2  # of each set, to learn from some and be asked of others
SETS = ("training", "outside")
# Columns of `see_colours`: OpenCV's 8-bit L*a*b*, L* 0 to 255 and a*, b* about 128.
NAMES: Mapping[str, Callable[[Floats], Floats]] = {
    "lightness (L*)": lambda seen: seen[:, 0] * 100 / 255,
    "green to red (a*)": lambda seen: seen[:, 1] - 128,
    "blue to yellow (b*)": lambda seen: seen[:, 2] - 128,
    "spread of lightness": lambda seen: seen[:, 3] * 100 / 255,
    "spread of a*": lambda seen: seen[:, 4],
    "spread of b*": lambda seen: seen[:, 5],
    "sharpness": lambda seen: seen[:, -1] ** 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is seen of some tiles of one set.

    Attributes:
        values: (n, 22) colour statistics of each tile.
        groups: (n,) group of each.
        examples: (k, side, side, 3) uint8, of different groups.
    """

    values: Floats
    groups: Ints
    examples: Image8


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One figure of both sets.

    Attributes:
        training: Mean and standard deviation over tiles.
        outside: Likewise.
        steps: Difference of the means in standard deviations of the training tiles.
    """

    training: tuple[float, float]
    outside: tuple[float, float]
    steps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How far another data set looks from the training images.

    Attributes:
        differences: By name: L*a*b* (mean and spread within a tile, in their own
            units), and sharpness, the variance of the Laplacian of grey values.
        told_apart: AUROC of a forest on 22 colour statistics that tells the sets
            apart, 0.5 to 1, of groups that it did not learn from; none where a set has
            one group.
        num_images: Tiles looked at, of each set.
        values: By name, the figures of all tiles of each set, for pictures.
    """

    differences: Mapping[str, Difference]
    told_apart: Estimate | None
    num_images: tuple[int, int]
    values: Mapping[str, tuple[Floats, Floats]]

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "differences": {n: asdict(own) for n, own in self.differences.items()},
            "told_apart": self.told_apart and asdict(self.told_apart),
            "num_images": dict(zip(SETS, self.num_images, strict=True)),
        }


def see_some(
    catalogue: Catalogue, tiles: Tiles, rows: Ints, *, seed: int, num_examples: int = 6
) -> Seen:
    """Return what is seen of a draw of some images.

    Args:
        catalogue: The data set.
        tiles: Its packed tiles.
        rows: (n,) rows to draw from.
        seed: Of the draw.
        num_examples: Tiles that are kept as they are.
    """
    draw = np.random.default_rng(seed)
    chosen = np.sort(draw.permutation(rows)[:MAX_IMAGES])
    records = catalogue.records[chosen]
    values = [see_colours(tiles.take(records[[n]])[0]) for n in range(len(records))]
    groups = catalogue.groups[chosen]
    _, first = np.unique(groups, return_index=True)
    examples = np.sort(draw.permutation(first)[:num_examples])
    return Seen(
        values=np.stack(values),
        groups=groups,
        examples=tiles.take(records[examples]),
    )


def measure_shift(
    training: Seen, outside: Seen, *, settings: EvaluateSettings
) -> Shift:
    """Return how far the sets look from each other.

    Source of the test by a classifier: Lopez-Paz and Oquab, Revisiting classifier
    two-sample tests, ICLR 2017.
    """
    values = {
        name: (take(training.values), take(outside.values))
        for name, take in NAMES.items()
    }
    return Shift(
        differences={name: _difference(*own) for name, own in values.items()},
        told_apart=_tell_apart(training, outside, settings),
        num_images=(len(training.values), len(outside.values)),
        values=values,
    )


def _difference(training: Floats, outside: Floats) -> Difference:
    ours, theirs = (
        (float(own.mean()), float(own.std())) for own in (training, outside)
    )
    spread = max(ours[1], np.finfo(np.float64).eps)
    return Difference(
        training=ours, outside=theirs, steps=(theirs[0] - ours[0]) / spread
    )


def _tell_apart(
    training: Seen, outside: Seen, settings: EvaluateSettings
) -> Estimate | None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    sizes = [len(np.unique(own.groups)) for own in (training, outside)]
    if min(sizes) < MIN_GROUPS:
        return None
    values = np.concatenate([training.values, outside.values])
    labels = np.repeat([0, 1], [len(training.values), len(outside.values)])
    apart = int(training.groups.max()) + 1
    groups = np.concatenate([training.groups, outside.groups + apart])
    said = cross_val_predict(
        RandomForestClassifier(
            100, class_weight="balanced", random_state=settings.seed, n_jobs=-1
        ),
        values,
        labels,
        groups=groups,
        cv=StratifiedGroupKFold(
            min(MAX_FOLDS, *sizes), shuffle=True, random_state=settings.seed
        ),
        method="predict_proba",
    )
    judged = judge(labels, said, groups, class_names=SETS, settings=settings)
    return judged.metrics["auroc/outside"]
