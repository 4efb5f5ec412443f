"""What is known of each image beside its class, and what follows for the split.

Knows which columns settings name and whether the images fill them; not how columns are
read (`columns`), nor how splits are dealt.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from lcc.config.data import FAMILY, DataSettings
from lcc.data.table import first_few, is_usual_name
from lcc.errors import DataError
from lcc.prepare.columns import (
    GROUPS,
    PATTERN,
    Columns,
    empty_faults,
    group_columns,
    path_columns,
)
from lcc.prepare.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """Axes of the images: patient, slide, site, whatever a user knows.

    Attributes:
        values: Axis → value of each image, None where it is unknown.
        never_split: Axes whose values stay together, beside the family.
        balance_over: Axes of whose values each split and fold has its share.
        leave_out: Axis of which one value is the test.
        notes: Sentences on how they were read.
    """

    values: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    never_split: tuple[str, ...] = ()
    balance_over: tuple[str, ...] = ()
    leave_out: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """Axes that a setting names, each once."""
        left_out = () if self.leave_out is None else (self.leave_out,)
        names = (*self.never_split, *self.balance_over, *left_out)
        return tuple(dict.fromkeys(names))

    def of(self, rows: Sequence[int]) -> "Axes":
        """Return the axes of some of the images."""
        chosen = {
            name: [found[row] for row in rows] for name, found in self.values.items()
        }
        return replace(self, values=chosen)


def read_axes(task: Task, paths: Sequence[str], *, readable: Sequence[int]) -> Axes:
    """Return what `data.groups_csv` and `data.columns_from_path` say of each file.

    Args:
        task: Settings that name files, patterns and axes.
        paths: Of the files, in text form.
        readable: Rows of those that are images; nothing is asked of the others.

    Raises:
        NotFoundError: There is no such CSV.
        DataError: A column is missing, or an image has no value of an axis that a
            setting names; lists all such faults.
    """
    images = _read_images(task, [paths[row] for row in readable])
    place = dict(zip(readable, range(len(readable)), strict=True))
    rows = [place.get(row) for row in range(len(paths))]
    return replace(
        images,
        values={
            name: [None if row is None else found[row] for row in rows]
            for name, found in images.values.items()
        },
    )


def check_axes(task: Task, paths: Sequence[str]) -> None:
    """Refuse early what `read_axes` would refuse whichever files turn out as images.

    Files of which nothing is known may be none, as long as no more of them than may be
    unreadable.

    Raises:
        NotFoundError: There is no such CSV.
        DataError: As `read_axes`.
    """
    columns = [
        found for own in _read_columns(task, paths) for found in own.values.values()
    ]
    rows = range(len(paths))
    known = [row for row in rows if all(found[row] is not None for found in columns)]
    limit = task.settings.data.max_unreadable_fraction
    is_most_known = len(paths) - len(known) <= limit * len(paths)
    read_axes(task, paths, readable=known if is_most_known else rows)


def _read_columns(task: Task, paths: Sequence[str]) -> tuple[Columns, Columns]:
    """Return the columns of the CSV and of the paths, none where they are not set."""
    data = task.settings.data
    brought, written = Columns(values={}), Columns(values={})
    if data.groups_csv is not None:
        brought = group_columns(task, paths)
    if data.columns_from_path is not None:
        written = path_columns(data.columns_from_path, paths)
    return brought, written


def _read_images(task: Task, paths: Sequence[str]) -> Axes:
    data = task.settings.data
    brought, written = _read_columns(task, paths)
    values = {**written.values, **brought.values}
    names = _Names(known=tuple(values))
    axes = Axes(
        values=values,
        never_split=_never_split(names, data, brought),
        balance_over=names.find_all(data.balance_over, "balance_over"),
        leave_out=next(iter(names.find_all(_left_out(data), "leave_out")), None),
        notes=brought.notes,
    )
    faults = [
        *(*brought.faults, *written.faults, *names.faults),
        *_clashes(brought, written),
        *_gaps(axes, paths),
        *_value_faults(axes, data.test_value),
    ]
    if faults:
        raise DataError("\n".join(faults))
    return axes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """The names of the columns that there are, and what was not found among them."""

    known: tuple[str, ...]
    faults: list[str] = field(default_factory=list)

    def find_all(self, wanted: Sequence[str], setting: str) -> tuple[str, ...]:
        """Return the columns of these names; letters may be large or small."""
        return tuple(
            found for name in wanted if (found := self._find(name, setting)) is not None
        )

    def _find(self, name: str, setting: str) -> str | None:
        alike = [own for own in self.known if own.casefold() == name.casefold()]
        if name in alike or len(alike) == 1:
            return name if name in alike else alike[0]
        near = get_close_matches(name, self.known, n=1)
        hint = f" Did you mean {near[0]}?" if near else " Correct it."
        shown = ", ".join(self.known) or "none"
        self.faults.append(
            f"data.{setting}: must name a column of the images ({shown}), got {name}."
            f"{hint}"
        )
        return None


def _left_out(data: DataSettings) -> tuple[str, ...]:
    return () if data.leave_out is None else (data.leave_out,)


def _never_split(
    names: _Names, data: DataSettings, brought: Columns
) -> tuple[str, ...]:
    """Return the axes that stay whole: as set, or the one that is usual for groups."""
    if data.never_split is not None:
        own = [name for name in data.never_split if name != FAMILY]
        return names.find_all(own, "never_split")
    usual = [name for name in names.known if is_usual_name(name, "group")]
    usual = [name for name in usual if name.casefold() == "group"] or usual
    used = {name.casefold() for name in (*data.balance_over, *_left_out(data))}
    idle = [name for name in brought.values if name.casefold() not in used]
    if len(usual) == 1 or not (usual or idle):
        return tuple(usual)
    choice = usual or idle
    names.faults.append(
        f"data.never_split: must say which of {', '.join(choice)} stay in one split, "
        f"got nothing. Set it, e.g. [{choice[0]}, {FAMILY}], or [{FAMILY}] for none."
    )
    return ()


def _clashes(brought: Columns, written: Columns) -> Iterator[str]:
    for name in sorted(set(brought.values) & set(written.values)):
        yield (
            f"data.{PATTERN}: must not name a column of data.{GROUPS}, got {name}. "
            "Rename one."
        )
    for setting, columns in ((GROUPS, brought), (PATTERN, written)):
        if FAMILY in columns.values:
            yield (
                f"data.{setting}: no column may be called {FAMILY}, the word for what "
                "is found, got one. Rename it."
            )


def _gaps(axes: Axes, paths: Sequence[str]) -> Iterator[str]:
    for name in axes.named:
        pairs = zip(paths, axes.values[name], strict=True)
        empty = [path for path, value in pairs if value == ""]
        yield from empty_faults(name, empty, field=f"data.{GROUPS}")


def _value_faults(axes: Axes, value: str | None) -> Iterator[str]:
    """Yield why one value of the axis that is left out cannot be the test."""
    if axes.leave_out is None:
        return
    known = sorted({v for v in axes.values[axes.leave_out] if v})
    if len(known) == 1:
        yield (
            f"data.leave_out: {axes.leave_out} must have at least two values, got "
            f"{known[0]} alone. Name another column."
        )
    elif known and value is not None and value not in known:
        near = get_close_matches(value, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else " Correct it."
        yield (
            f"data.test_value: must be a value of {axes.leave_out} "
            f"({first_few(known)}), got {value}.{hint}"
        )
