"""Assign every kept image to a split and a fold, and check the result.

Knows the order of these acts; what of the split is given is `given_split`, how groups
are dealt out is `splits`, how the result is checked is `validation`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcc.data.catalogue import Codes
from lcc.data.task import Task
from lcc.errors import DataError
from lcc.prepare.axes import Axes
from lcc.prepare.given_split import given_split
from lcc.prepare.split_check import AssignedImage, SplitRules
from lcc.prepare.splits import assign_splits
from lcc.prepare.validation import validate_splits


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
    task: Task,
    *,
    labels: Sequence[str],
    paths: Sequence[str],
    groups: Codes,
    axes: Axes,
) -> SplitAssignment:
    """Split the kept images by group, or as the user says, and check the result.

    Args:
        task: Settings with the fractions, the user's CSV or the value left out.
        labels: Class of each kept image.
        paths: Path of each kept image, sorted.
        groups: (n,) group of each kept image.
        axes: Of the kept images.

    Raises:
        DataError: Groups do not fill the splits, or the splits leak.
    """
    settings = task.settings.data
    given = given_split(task, paths=paths, groups=groups, axes=axes)
    columns = [labels, *(axes.values[name] for name in axes.balance_over)]
    split, fold = assign_splits(
        [np.array(column, np.str_) for column in columns],
        groups,
        settings,
        split=given.split,
    )
    images = (
        AssignedImage(
            path=path,
            label=labels[row],
            group=int(groups[row]),
            split=str(split[row]),
            fold=int(fold[row]) if fold[row] >= 0 else None,
            axes={name: str(axes.values[name][row]) for name in axes.named},
        )
        for row, path in enumerate(paths)
    )
    rules = SplitRules(
        never_split=axes.never_split,
        balance_over=axes.balance_over,
        leave_out=axes.leave_out,
        test_value=settings.test_value,
    )
    validation = validate_splits(images, settings, rules=rules)
    if validation.faults:
        faults = "\n".join(f"split: {fault}." for fault in validation.faults)
        message = f"{faults}\nCorrect data.split_csv, or the settings of the split."
        raise DataError(message)
    return SplitAssignment(
        split=split, fold=fold, validation=validation.document(notes=given.notes)
    )
