"""How a model does on each site, scanner or whatever else is known of the test images.

Knows a catalogue's axes and predictions; not how the model was trained.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from lcc.config.evaluate import EvaluateSettings
from lcc.data.catalogue import Catalogue, Codes
from lcc.evaluate.metrics import Estimate, judge

Floats = NDArray[np.float64]
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
    catalogue: Catalogue, probabilities: Floats, *, settings: EvaluateSettings
) -> dict[str, tuple[ValueFigures, ...]]:
    """Return the figures of each value, by axis.

    Axes are left out of which the test has one value, or more than twenty, or whose
    every value is of one class, as with a column that repeats the class.

    Args:
        catalogue: The data set.
        probabilities: (n, classes) of the test rows, in catalogue order.
        settings: Resamples of groups, mass of each interval, seed.
    """
    test = catalogue.rows("test")
    found = {}
    for axis, texts in catalogue.axes.items():
        values = np.array([texts[row] or "" for row in test.tolist()], np.str_)
        if _is_telling(values, catalogue.labels[test]):
            found[axis] = tuple(
                _judge_value(
                    catalogue, probabilities, values == value, str(value), settings
                )
                for value in np.unique(values[values != ""])
            )
    return found


def _is_telling(values: NDArray[np.str_], labels: Codes) -> bool:
    known = np.unique(values[values != ""])
    if not 1 < len(known) <= MAX_VALUES:
        return False
    return any(len(np.unique(labels[values == value])) > 1 for value in known)


def _judge_value(
    catalogue: Catalogue,
    probabilities: Floats,
    is_chosen: NDArray[np.bool_],
    value: str,
    settings: EvaluateSettings,
) -> ValueFigures:
    rows = catalogue.rows("test")[is_chosen]
    judged = judge(
        catalogue.labels[rows],
        probabilities[is_chosen],
        catalogue.groups[rows],
        class_names=catalogue.class_names,
        settings=settings,
    )
    return ValueFigures(
        value=value,
        num_images=judged.num_images,
        num_groups=judged.num_groups,
        metrics={name: judged.metrics[name] for name in METRICS},
    )
