"""The split and fold of every kept image, the user's or ours, and the proof of them.

Knows whom to ask; how groups are dealt out is `splits`, how the result is judged is
`proof`.
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
from lcc.prepare.validation import Placed, prove_splits


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """Where each kept image goes.

    Attributes:
        split: (n,) one of train, validation, test.
        fold: (n,) fold inside the development part, -1 in test.
        proof: What the judge found, the content of `splits.json`.
    """

    split: NDArray[np.str_]
    fold: Codes
    proof: dict[str, object]


def part_images(
    task: Task, *, labels: Sequence[str], paths: Sequence[str], groups: Codes
) -> Parted:
    """Split the kept images by group, or as the user says, and prove it.

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
    placed = (
        Placed(
            path=path,
            label=label,
            group=int(group),
            split=str(where),
            fold=int(number) if number >= 0 else None,
        )
        for path, label, group, where, number in columns
    )
    proof = prove_splits(placed, settings)
    if proof.faults:
        faults = "\n".join(f"split: {fault}." for fault in proof.faults)
        message = f"{faults}\nCorrect data.split_csv, or the settings of the split."
        raise DataError(message)
    return Parted(split=split, fold=fold, proof=proof.document())


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
