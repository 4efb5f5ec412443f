"""Assign every kept image to a split and a fold, and check the result.

Knows the order of these acts; what of the split is given is `given_split`, how groups
are dealt out is `splits`, how the result is checked is `validation`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcc.data.catalogue import Codes, Split
from lcc.errors import DataError
from lcc.prepare.axes import Axes
from lcc.prepare.given_split import given_split
from lcc.prepare.split_check import AssignedImage, SplitRules
from lcc.prepare.splits import assign_splits
from lcc.prepare.task import Task
from lcc.prepare.validation import describe_undivided, validate_splits


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

    Where each value of an axis is to be left out in turn, all turns are tried, so that
    none fails later; the first is returned.

    Args:
        task: Settings with the fractions, the user's CSV or the value left out.
        labels: Class of each kept image.
        paths: Path of each kept image, sorted.
        groups: (n,) group of each kept image.
        axes: Of the kept images.

    Raises:
        DataError: Groups do not fill the splits, or the splits leak; lists the faults
            of all turns.
    """
    images = _Images(labels=labels, paths=paths, groups=groups, axes=axes)
    settings = task.settings.data
    if settings.undivided:
        return _leave_whole(images)
    if axes.leave_out is None or settings.test_value is not None:
        return _split_once(task, images, test_value=settings.test_value)
    note = f"Each {axes.leave_out} can be the test in turn; here it is the first."
    found, faults = [], []
    for value in sorted({str(v) for v in axes.values[axes.leave_out]}):
        try:
            found.append(_split_once(task, images, test_value=value, notes=[note]))
        except DataError as err:
            faults.append(f"{axes.leave_out} {value} left out: {err}")
    if faults:
        raise DataError("\n".join(faults))
    return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Images:
    """The kept images, sorted by path: class, group and axes of each."""

    labels: Sequence[str]
    paths: Sequence[str]
    groups: Codes
    axes: Axes


def _leave_whole(images: _Images) -> SplitAssignment:
    """Return all images as the test: nobody learns from them."""
    num_images = len(images.paths)
    split = np.full(num_images, str(Split.TEST))
    fold = np.full(num_images, -1, np.int64)
    rules = SplitRules(never_split=images.axes.never_split)
    found = describe_undivided(_assigned(images, split, fold), rules=rules)
    note = "Not split: all images are for judging a model that has never seen them."
    return SplitAssignment(
        split=split,
        fold=fold,
        validation=found.document(notes=[*images.axes.notes, note]),
    )


def _split_once(
    task: Task,
    images: _Images,
    *,
    test_value: str | None,
    notes: Sequence[str] = (),
) -> SplitAssignment:
    settings, axes = task.settings.data, images.axes
    given = given_split(
        task, paths=images.paths, groups=images.groups, axes=axes, test_value=test_value
    )
    columns = [images.labels, *(axes.values[name] for name in axes.balance_over)]
    split, fold = assign_splits(
        [np.array(column, np.str_) for column in columns],
        images.groups,
        settings,
        split=given.split,
    )
    rules = SplitRules(
        never_split=axes.never_split,
        balance_over=axes.balance_over,
        leave_out=axes.leave_out,
        test_value=test_value,
    )
    validation = validate_splits(_assigned(images, split, fold), settings, rules=rules)
    if validation.faults:
        faults = "\n".join(f"split: {fault}." for fault in validation.faults)
        message = f"{faults}\nCorrect data.split_csv, or the settings of the split."
        raise DataError(message)
    return SplitAssignment(
        split=split,
        fold=fold,
        validation=validation.document(notes=[*axes.notes, *given.notes, *notes]),
    )


def _assigned(
    images: _Images, split: NDArray[np.str_], fold: Codes
) -> Iterator[AssignedImage]:
    axes = images.axes
    for row, path in enumerate(images.paths):
        yield AssignedImage(
            path=path,
            label=images.labels[row],
            group=int(images.groups[row]),
            split=str(split[row]),
            fold=int(fold[row]) if fold[row] >= 0 else None,
            axes={name: str(axes.values[name][row]) for name in axes.named},
        )
