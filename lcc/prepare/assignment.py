"""Assign every kept image to a split and a fold, and check the result.

Knows whose split counts, the user's or ours; how groups are dealt out is `splits`, how
the result is checked is `validation`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from lcc.data.catalogue import Codes, Split
from lcc.data.task import Task
from lcc.errors import DataError
from lcc.prepare.columns import user_column
from lcc.prepare.splits import assign_splits
from lcc.prepare.validation import AssignedImage, validate_splits


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitAssignment:
    """Split and fold of each kept image.

    Attributes:
        split: (n,) one of train, validation, test.
        fold: (n,) fold inside the development part, -1 in test.
        validation: The checks that it passed, the content of `splits.json`.
    """

    split: NDArray[np.str_]
    fold: Codes
    validation: dict[str, object]


def split_images(
    task: Task, *, labels: Sequence[str], paths: Sequence[str], groups: Codes
) -> SplitAssignment:
    """Split the kept images by group, or as the user says, and check the result.

    Args:
        task: Settings with the fractions, or the user's CSV.
        labels: Class of each kept image.
        paths: Path of each kept image, sorted.
        groups: (n,) group of each kept image.

    Raises:
        DataError: Groups do not fill the splits, or the splits leak.
    """
    settings = task.settings.data
    own = _users_split(task, paths) if settings.split_csv is not None else None
    split, fold = assign_splits(np.array(labels), groups, settings, split=own)
    columns = zip(paths, labels, groups, split, fold, strict=True)
    images = (
        AssignedImage(
            path=path,
            label=label,
            group=int(group),
            split=str(name),
            fold=int(number) if number >= 0 else None,
        )
        for path, label, group, name, number in columns
    )
    validation = validate_splits(images, settings)
    if validation.faults:
        faults = "\n".join(f"split: {fault}." for fault in validation.faults)
        message = f"{faults}\nCorrect data.split_csv, or the settings of the split."
        raise DataError(message)
    return SplitAssignment(split=split, fold=fold, validation=validation.document())


def _users_split(task: Task, paths: Sequence[str]) -> NDArray[np.str_]:
    values = user_column(task, column="split", paths=paths)
    for value in sorted(set(values) - set(Split)):
        near = get_close_matches(value, list(Split), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        message = (
            f"data.split_csv: split must be one of {', '.join(Split)}, got {value}. "
            f"Correct it.{hint}"
        )
        raise DataError(message)
    return np.array(values)
