"""The grid: points by index, and the settings that a point makes.

Pure arithmetic and validation; nothing is stored to know a point.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from lcc.config.faults import describe_faults
from lcc.config.search import Choice
from lcc.config.settings import Settings
from lcc.errors import ConfigError

Point = dict[str, Choice]
SECTIONS = ("model", "train")  # what may vary: the data are the same for every trial


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
        """Return the number of points; an empty grid has one, the settings as they are."""
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
            index, place = divmod(index, len(values))
            point[key] = values[place]
        return dict(sorted(point.items()))


def apply_point(settings: Settings, point: Point) -> Settings:
    """Return the settings with a point's values in place.

    Raises:
        ConfigError: A path does not exist or a value is not allowed; all faults at once.
    """
    document = settings.model_dump(mode="json")
    outside = [path for path in point if path.partition(".")[0] not in SECTIONS]
    if outside:
        faults = (
            f"search.grid.{path}: must be a path under model. or train., got {path}. "
            "Use a path such as train.learning_rate."
            for path in outside
        )
        raise ConfigError(*faults)
    for path, value in point.items():
        *parents, field = path.split(".")
        section = document
        for name in parents:
            section = section.setdefault(name, {})
        section[field] = value
    try:
        return Settings.model_validate(document)
    except ValidationError as err:
        faults = (f"search.grid.{fault}" for fault in describe_faults(err))
        raise ConfigError(*faults) from err


def check_grid(settings: Settings) -> list[str]:
    """Return the faults of every value of the grid, none for a grid that works."""
    faults: list[str] = []
    for path, values in settings.search.grid.items():
        if not values:
            faults.append(f"search.grid.{path}: must have a value, got none. Add one.")
        for value in values:
            try:
                apply_point(settings, {path: value})
            except ConfigError as err:
                faults += [fault for fault in err.faults if fault not in faults]
    return faults
