"""How a model does on each site, scanner or whatever else is known of the test images.

Knows predictions and their axes; not how the model was trained.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from lcc.config.evaluate import EvaluateSettings
from lcc.evaluate.bootstrap import Estimate, Ints
from lcc.evaluate.predictions import Predictions
from lcc.evaluate.units import judge_images

MAX_VALUES = 20  # an axis of more, such as the patient, makes no table
METRICS = ("accuracy", "macro_f1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueFigures:
    """Figures on the test images that have one value of an axis.

    Attributes:
        value: E.g. the name of a site.
        num_images: Images.
        num_groups: Groups they come from; of one group an interval says nothing.
        metrics: Estimates, `accuracy` and `macro_f1`.
    """

    value: str
    num_images: int
    num_groups: int
    metrics: dict[str, Estimate]

    def document(self) -> dict[str, object]:
        """Return the figures as JSON values."""
        return asdict(self)


def judge_by_axis(
    test: Predictions, *, settings: EvaluateSettings
) -> dict[str, tuple[ValueFigures, ...]]:
    """Return the figures of each value, by axis.

    Axes are left out of which the test has one value, or more than twenty, or whose
    every value is of one class, as with a column that repeats the class.

    Args:
        test: Predictions of the test images.
        settings: Resamples of groups, mass of each interval, seed.
    """
    found = {}
    for axis in test.axes:
        values = test.axis(axis)
        if _is_telling(values, test.labels):
            found[axis] = tuple(
                _judge_value(test.chosen(values == value), str(value), settings)
                for value in np.unique(values[values != ""])
            )
    return found


def _is_telling(values: NDArray[np.str_], labels: Ints) -> bool:
    known = np.unique(values[values != ""])
    if not 1 < len(known) <= MAX_VALUES:
        return False
    return any(len(np.unique(labels[values == value])) > 1 for value in known)


def _judge_value(
    predictions: Predictions, value: str, settings: EvaluateSettings
) -> ValueFigures:
    judged = judge_images(predictions, settings)
    return ValueFigures(
        value=value,
        num_images=judged.num_images,
        num_groups=judged.num_groups,
        metrics={name: judged.metrics[name] for name in METRICS},
    )
