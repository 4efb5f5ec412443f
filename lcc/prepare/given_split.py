"""What of a split is given: the user's own CSV, or one value of an axis as the test.

Knows names of splits and what must hold before groups are dealt; deals nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from lcc.data.catalogue import Codes, Split
from lcc.data.table import first_few
from lcc.errors import DataError
from lcc.listing.roles import ROLES, role_of
from lcc.prepare.axes import Axes
from lcc.prepare.columns import SPLIT, user_split
from lcc.prepare.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSplit:
    """What of a split is given.

    Attributes:
        split: (n,) split of each image, empty for train or validation as they are
            dealt; none where nothing is given.
        notes: Sentences on how it was read.
    """

    split: NDArray[np.str_] | None = None
    notes: tuple[str, ...] = ()


def given_split(
    task: Task,
    *,
    paths: Sequence[str],
    groups: Codes,
    axes: Axes,
    test_value: str | None,
) -> GivenSplit:
    """Return what the user's CSV, or the value that is left out, says of each image.

    Args:
        task: Settings.
        paths: Path of each kept image.
        groups: (n,) group of each kept image.
        axes: Of the kept images.
        test_value: Value of the axis that is left out.

    Raises:
        DataError: The CSV is no split of these images, or what is left out is tied to
            what is not.
    """
    if task.settings.data.split_csv is not None:
        names, notes = user_split(task, paths)
        given = _read_roles(names)
        return GivenSplit(split=given.split, notes=(*notes, *given.notes))
    if axes.leave_out is not None:
        values = np.array(axes.values[axes.leave_out], np.str_)
        split = np.where(values == test_value, "test", "")
        _check_whole(split, groups, paths, axes=axes)
        return GivenSplit(split=split)
    return GivenSplit()


def _read_roles(names: Sequence[str]) -> GivenSplit:
    """Return a user's split in our words; without a validation split it is dealt.

    Raises:
        DataError: A name has no role, or there is nothing to train or to test on.
    """
    roles = {name: role_of(name) for name in sorted(set(names))}
    faults = [_unknown(name) for name, role in roles.items() if role is None]
    faults += [
        f"data.{SPLIT}: must have a {role} split, got {', '.join(roles)}. Add it."
        for role in ("train", "test")
        if role not in roles.values() and not faults
    ]
    if faults:
        raise DataError("\n".join(faults))
    notes = [
        f"data.{SPLIT}: {name} was read as {role}."
        for name, role in roles.items()
        if name != role
    ]
    split = np.array([roles[name] for name in names], "<U10")
    if Split.VALIDATION not in roles.values():
        split[split == "train"] = ""
        notes.append(
            f"data.{SPLIT} has no validation split: dealt inside train, by group."
        )
    return GivenSplit(split=split, notes=tuple(notes))


def _unknown(name: str) -> str:
    words = [word for names in ROLES.values() for word in names]
    near = get_close_matches(name.casefold(), words, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return (
        f"data.{SPLIT}: split must be one of {', '.join(Split)}, or another usual name "
        f"such as val, got {name}. Correct it.{hint}"
    )


def _check_whole(
    split: NDArray[np.str_], groups: Codes, paths: Sequence[str], *, axes: Axes
) -> None:
    """Refuse to leave out a value whose groups reach into others.

    Raises:
        DataError: What must not be divided lies on both sides.
    """
    is_test = split == "test"
    divided = np.intersect1d(groups[is_test], groups[~is_test])
    if not len(divided):
        return
    sides = [
        f"{paths[np.flatnonzero(is_test & (groups == group))[0]]} and "
        f"{paths[np.flatnonzero(~is_test & (groups == group))[0]]}"
        for group in divided.tolist()
    ]
    message = (
        f"data.leave_out: a group must lie in one {axes.leave_out}, got "
        f"{len(divided)} that do not ({first_few(sides)}). They show one tissue, or "
        "share a value of data.never_split: take the images of one side out, or leave "
        "out another column."
    )
    raise DataError(message)
