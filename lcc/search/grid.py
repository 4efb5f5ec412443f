"""The grid of a search: its points by index, and the settings of each.

Pure arithmetic and validation; nothing is stored to know a point.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lcc.config.load import changed_settings
from lcc.config.search import Choice
from lcc.config.settings import Settings
from lcc.errors import ConfigError

Point = dict[str, Choice]
OF_FEATURES = (  # what the features of a frozen backbone depend on
    "model.backbone",
    "model.frozen_stages",
    "model.normalization",
    "model.weights",
    "model.weights_sha256",
    "train.seed",
)


@dataclass(frozen=True, slots=True)
class Grid:
    """All points of a grid, indexable; the last key varies fastest.

    Source: the indexing of scikit-learn's `ParameterGrid`, keys sorted.

    Example:
        >>> grid = Grid({"b": (1, 2), "a": ("x",)})
        >>> len(grid), grid[1]
        (2, {'a': 'x', 'b': 2})
    """

    choices: Mapping[str, tuple[Choice, ...]]

    def __len__(self) -> int:
        """Return the number of points; an empty grid has one."""
        return math.prod(len(values) for values in self.choices.values())

    def __getitem__(self, index: int) -> Point:
        """Return the point of an index, 0 to len - 1.

        Raises:
            IndexError: There is no such point.
        """
        if not 0 <= index < len(self):
            message = f"point {index}: must be below {len(self)}."
            raise IndexError(message)
        point: Point = {}
        for key in sorted(self.choices, reverse=True):
            values = self.choices[key]
            index, position = divmod(index, len(values))
            point[key] = values[position]
        return dict(sorted(point.items()))


def apply_point(settings: Settings, point: Point) -> Settings:
    """Return the settings with a point's values in place.

    Raises:
        ConfigError: A path does not exist or a value is not allowed.
    """
    return changed_settings(settings, point)


def check_grid(settings: Settings) -> None:
    """Refuse a grid that varies what features depend on, where they are computed once.

    Raises:
        ConfigError: The backbone is frozen and a path would change its features.
    """
    if settings.model.frozen_stages != "all":
        return
    faults = [
        f"search.grid.{path}: cannot vary where model.frozen_stages is all, since "
        "features are computed once. Run one search for each value."
        for path in settings.search.grid
        if path in OF_FEATURES or path.startswith("train.augmentation.")
    ]
    if faults:
        raise ConfigError(*faults)
