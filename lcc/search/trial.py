"""Trials, each one grid point on one fold, computed from an index."""

import hashlib
import json
from dataclasses import dataclass

from lcc.config.settings import Settings
from lcc.search.grid import Grid, Point
from lcc.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One grid point on one fold.

    Attributes:
        index: Number of the trial.
        point_index: Number of the point in the grid.
        point: The point.
        fold: Fold that is validated on; the others are trained on.
    """

    index: int
    point_index: int
    point: Point
    fold: int

    @property
    def name(self) -> str:
        """Short name, unique in its search.

        Example:
            >>> Trial(index=7, point_index=1, point={}, fold=2).name
            'p001-f2'
        """
        return f"p{self.point_index:03d}-f{self.fold}"


def count_trials(settings: Settings) -> int:
    """Return the number of trials: points × folds."""
    return len(Grid(settings.search.grid)) * settings.data.num_folds


def trial_at(index: int, settings: Settings) -> Trial:
    """Return the trial of an index, 0 to `count_trials` - 1; folds vary fastest.

    Raises:
        IndexError: There is no such trial.
    """
    point_index, fold = divmod(index, settings.data.num_folds)
    point = Grid(settings.search.grid)[point_index]
    return Trial(index=index, point_index=point_index, point=point, fold=fold)


def trial_id(trial: Trial, settings: Settings, *, catalogue: str, code: str) -> str:
    """Return the digest of all that a trial's result depends on.

    Args:
        trial: The trial.
        settings: Settings in force; model, training and views count.
        catalogue: Digest of the catalogue.
        code: Version of this package.

    Returns:
        16 hexadecimal digits.
    """
    parts = {
        "catalogue": catalogue,
        "code": code,
        "fold": trial.fold,
        "model": settings.model.model_dump(mode="json"),
        "point": trial.point,
        "tile_size_px": settings.data.tile_size_px,
        "train": settings.train.model_dump(mode="json"),
        "views": settings.search.views,
    }
    document = json.dumps(parts, sort_keys=True).encode()
    return hashlib.sha256(document).hexdigest()[:16]


def trial_ids(settings: Settings) -> list[str]:
    """Return the id of every trial, by index, for the catalogue that is set."""
    catalogue = settings.data.catalogue or ""
    trials = (trial_at(index, settings) for index in range(count_trials(settings)))
    return [
        trial_id(trial, settings, catalogue=catalogue, code=__version__)
        for trial in trials
    ]


def trials_of_process(
    process_index: int, *, num_processes: int, num_trials: int
) -> range:
    """Return the trials of one process; processes differ by one trial at most.

    Example:
        >>> trials_of_process(1, num_processes=3, num_trials=10)
        range(3, 6)
    """
    start = process_index * num_trials // num_processes
    return range(start, (process_index + 1) * num_trials // num_processes)
