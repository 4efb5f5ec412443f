"""Tell which columns of a table say what of an image: path, split, label, groups.

Knows headers and cells; not which file they are from.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lcc.audit.list_part import IMAGE_NAME, has_path
from lcc.audit.roles import FILLERS, role_in, split_in
from lcc.data.table import SPELLINGS, Cells, find_columns, first_few, plain_name
from lcc.errors import DataError
from lcc.listing.folders import words_of

# Columns of folds, and of several splits side by side, as `plain_name` leaves them.
_FOLDS = re.compile(r"(cv|k|outer|inner)?folds?(id|no|nr|number|index|idx)?\d*")
_DRAWS = re.compile(r"(split|set|partition)?(seed|run|repeat|rep|draw|split|set)\d+")
TRUTHS: Mapping[str, bool] = {
    **dict.fromkeys(("1", "true", "yes", "y", "t", "x"), True),
    **dict.fromkeys(("0", "false", "no", "n", "f", ""), False),
}
# What claims that images belong together, beside the names of a group.
GROUPS = frozenset(
    (
        *SPELLINGS["group"],
        *("biopsy", "biopsyid", "block", "blockid", "casename", "cluster"),
        *("clusterid", "donor", "donorid", "family", "familyid", "individual"),
        *("lesion", "lesionid", "participant", "participantid", "patientname"),
        *("pid", "sample", "sampleid", "scan", "scanid", "slidename", "source"),
        *("sourceid", "sourceimage", "sourcetile", "specimen", "specimenid"),
        *("subject", "subjectid", "submitterid", "wsi", "wsiid", "wsiname"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Positions of the columns that an audit reads.

    Attributes:
        path: That of the images' paths.
        splits: Draw → the column with its splits; "" is the only or main one.
        flags: Split → the column that says whether an image is in it.
        label: That of the classes.
        groups: Name of each column of groups → its position.
        notes: Sentences on what was chosen.
    """

    path: int
    splits: Mapping[str, int]
    flags: Mapping[str, int]
    label: int | None
    groups: Mapping[str, int]
    notes: tuple[str, ...]

    def splits_of(self, cells: Sequence[str]) -> dict[str, str]:
        """Return draw → split of a row; an empty one where the row names none."""
        found = {draw: as_split(cells[n]) for draw, n in self.splits.items()}
        if self.flags:
            found[""] = self._flagged(cells)
        return found

    def _flagged(self, cells: Sequence[str]) -> str:
        named = [
            split for split, n in self.flags.items() if TRUTHS[cells[n].casefold()]
        ]
        if not named and len(self.flags) == 1:  # `is_train` alone
            (only,) = self.flags
            return "train" if role_in(only) == "test" else "test"
        return " and ".join(named)


def as_split(cell: str) -> str:
    """Return a cell as the name of a split: a bare number is that of a fold.

    Example:
        >>> as_split("3.0"), as_split("Train"), as_split("nan"), as_split("-1")
        ('fold 3', 'Train', '', '')
    """
    if is_blank(cell) or cell in ("-1", "-1.0"):
        return ""
    number = re.fullmatch(r"(\d+)(?:\.0)?", cell)
    return f"fold {number.group(1)}" if number else cell


def is_blank(cell: str) -> bool:
    """Return whether a cell stands for nothing, as pandas and databases write it."""
    return cell.casefold() in ("", "nan", "none", "null", "na", "n/a")


def find_audit_columns(table: Cells, field: str) -> Columns:
    """Return the columns of a table by their usual names.

    Raises:
        DataError: There is no column of paths, or one of several that could be meant.
    """
    header = table.header
    splits = _splits(header, field)
    flags = {} if splits else _flags(table)
    splits = splits or ({} if flags else _by_cells(table, _are_roles))
    path = _path(table, field, has_index=bool(flags))
    label, notes = _label(header)
    groups = {
        name: n
        for n, name in enumerate(header)
        if plain_name(name) in GROUPS and n != path
    }
    read = {"path": path} | {f"split {draw}".strip(): n for draw, n in splits.items()}
    read |= flags
    read |= {} if label is None else {"label": label}
    read |= {f"group {name}": n for name, n in groups.items()}
    return Columns(
        path=path,
        splits=splits,
        flags=flags,
        label=label,
        groups=groups,
        notes=(_describe(read, header), *notes),
    )


def _path(table: Cells, field: str, *, has_index: bool) -> int:
    """Return the column of paths: by its name, or the only one of image names."""
    if has_index and table.header[0] in ("", "Unnamed: 0"):  # as pandas writes it
        return 0
    by_cells = {} if has_path(table.header) else _by_cells(table, _are_images)
    if by_cells:
        return by_cells[""]
    return find_columns(table.header, field, needed=("path",), optional=())["path"]


def _by_cells(table: Cells, holds: Callable[[set[str]], bool]) -> dict[str, int]:
    """Return the one column whose cells are of a kind, as the main one, if there is."""
    found = [
        number
        for number in range(len(table.header))
        if holds({_cell(cells, number) for _, cells in table.lines})
    ]
    return {"": found[0]} if len(found) == 1 else {}


def _are_roles(cells: set[str]) -> bool:
    return len(cells) > 1 and all(map(role_in, cells))


def _are_images(cells: set[str]) -> bool:
    return bool(cells) and all(map(IMAGE_NAME.fullmatch, cells))


def _describe(read: Mapping[str, int], header: Sequence[str]) -> str:
    shown = []
    for key, number in read.items():
        name = header[number] or "without a name"
        shown.append(key if name in key.split(" ", 1) else f"{key} ({name})")
    return f"Columns read: {', '.join(shown)}."


def _flags(table: Cells) -> dict[str, int]:
    """Return the columns that hold yes or no for one split each."""
    found = {
        split_in(name): number
        for number, name in enumerate(table.header)
        if role_in(name)
        and all(role_in(word) or word in FILLERS for word in words_of(name))
        and all(_cell(cells, number).casefold() in TRUTHS for _, cells in table.lines)
    }
    # `valid` alone may as well say that an image is good.
    return {} if {role_in(name) for name in found} == {"validation"} else found


def _cell(cells: Sequence[str], number: int) -> str:
    return cells[number].strip() if number < len(cells) else ""


def _label(header: Sequence[str]) -> tuple[int | None, tuple[str, ...]]:
    """Return the column of classes, the first of several by their usual order."""
    plain = [plain_name(name) for name in header]
    found = [plain.index(name) for name in SPELLINGS["label"] if name in plain]
    if len(found) < 2:  # noqa: PLR2004 - to choose from
        return next(iter(found), None), ()
    first, *others = (header[number] for number in found)
    note = f"{first} is read as the label, not {first_few(others)}."
    return found[0], (note,)


def _splits(header: Sequence[str], field: str) -> dict[str, int]:
    """Return draw → column: one of splits, and any of folds or further draws."""
    plain = [plain_name(name) for name in header]
    many = {
        name: number
        for number, name in enumerate(header)
        if _FOLDS.fullmatch(plain[number]) or _DRAWS.fullmatch(plain[number])
    }
    named = [
        number
        for number, name in enumerate(plain)
        if name in SPELLINGS["split"] and number not in many.values()
    ]
    own = [number for number in named if plain[number] == "split"] or named
    if len(own) > 1:
        names = " and ".join(header[number] for number in own)
        message = (
            f"{field}: must have one column for the split, got {names}. Name the one "
            "that counts split."
        )
        raise DataError(message)
    if not own and len(many) == 1:
        return {"": next(iter(many.values()))}
    return {"": own[0], **many} if own else many
