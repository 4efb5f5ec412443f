"""All trials of a search, as a picture of parallel axes needs them.

Knows the table that a search leaves; not how a trial was trained.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

PARAMETER = "param_"  # begins the column of a hyper-parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Trials of one search: each point on each fold.

    Attributes:
        run_id: The search.
        axes: Names of what was searched; then `fold`.
        values: Of each axis, those that occur, in order.
        places: (trials, axes) where each trial lies among them, from 0.
        scores: Macro F1 on its fold, none where the trial failed.
    """

    run_id: str
    axes: Sequence[str]
    values: Sequence[Sequence[str]]
    places: Sequence[Sequence[int]]
    scores: Sequence[float | None]

    @property
    def num_failed(self) -> int:
        """Trials without a score."""
        return sum(score is None for score in self.scores)

    def document(self) -> dict[str, Any]:
        """Return the trials as JSON values."""
        return asdict(self)


def parse_trials(run_id: str, content: bytes) -> Trials:
    """Return the trials of a search's table, `cv_results.csv`.

    Args:
        run_id: The search.
        content: The table.
    """
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    names = [name for name in rows[0] if name.startswith(PARAMETER)]
    folds = [name for name in rows[0] if re.fullmatch(r"split\d+_test_score", name)]
    values = [_in_order({row[name] for row in rows}) for name in names]
    places = [
        [own.index(row[name]) for name, own in zip(names, values, strict=True)]
        for row in rows
    ]
    return Trials(
        run_id=run_id,
        axes=[*(name.removeprefix(PARAMETER) for name in names), "fold"],
        values=[*values, [str(number) for number in range(len(folds))]],
        places=[[*own, fold] for own in places for fold in range(len(folds))],
        scores=[_score(row, fold) for row in rows for fold in folds],
    )


def _in_order(values: set[str]) -> list[str]:
    """Return values by their size where all are numbers, else by their letters."""
    try:
        return sorted(values, key=float)
    except ValueError:
        return sorted(values)


def _score(row: Mapping[str, str], fold: str) -> float | None:
    found = float(row[fold] or "nan")
    return None if math.isnan(found) else round(found, 4)
