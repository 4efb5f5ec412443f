"""What lists say of each image: in which split of which draw, its label, its groups.

A *draw* is one division of the images into splits; files of several seeds or folds hold
several. Knows parts of files and names; not where the images lie.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lcc.audit.list_columns import TRUTHS, as_split, find_audit_columns, is_blank
from lcc.audit.list_part import ListPart, as_text, has_path
from lcc.audit.roles import is_fold, is_numbered, rest_of, role_in, split_in
from lcc.data.table import Cells
from lcc.errors import DataError
from lcc.listing.folders import words_of

NOT_LISTS = frozenset(
    ("y", "label", "labels", "target", "targets", "weights", "classes")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedImage:
    """What one line of a list says.

    Attributes:
        place: Where it says so: `line 3`.
        path: As written.
        splits: Draw → split, "" where it names none.
        label: Its class, "" where unknown.
        groups: Column → group, of those that it names.
    """

    place: str
    path: str
    splits: Mapping[str, str]
    label: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPositions:
    """Images that a list names by their number in another one, from 0.

    Attributes:
        draw: Draw that it belongs to.
        split: Split that they are in.
        rows: The numbers.
    """

    draw: str
    split: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitList:
    """All that one file lists.

    Attributes:
        file: The file.
        images: Those that it names by path.
        positions: Those that it numbers.
        notes: Sentences on how it was read.
    """

    file: Path
    images: tuple[ListedImage, ...]
    positions: tuple[ListedPositions, ...]
    notes: tuple[str, ...]

    @property
    def splits(self) -> set[tuple[str, str]]:
        """Draws with their splits that it knows of."""
        named = {pair for image in self.images for pair in image.splits.items()}
        numbered = {(found.draw, found.split) for found in self.positions}
        return {pair for pair in named | numbered if pair[1]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the names say that lead to a part of a list.

    Attributes:
        draw: Draw, "" where there is one.
        split: Split, "" where they name none.
        label: Class, "" where they name none.
        is_fold: Whether the split is no role, but the last number among them.
    """

    draw: str
    split: str
    label: str
    is_fold: bool = False


def place_of(names: Sequence[str], *, num_outer: int = 0) -> Place:
    """Return what names say: the first role is the split, what is beside it the draw.

    A role within the file counts before one of its own name. Without a role the last
    numbered name is the split: a fold.

    Args:
        names: From outside: folders, the file's stem, keys in it.
        num_outer: How many of them are outside of the file; none of these is a class.

    Example:
        >>> place_of(["seed1", "train_idx"])
        Place(draw='seed 1', split='train', label='', is_fold=False)
        >>> place_of(["lists", "test", "lung_aca"], num_outer=1)
        Place(draw='', split='test', label='lung_aca', is_fold=False)
    """
    roles = [n for n, name in enumerate(names) if role_in(name)]
    folds = [n for n, name in enumerate(names) if is_numbered(name)]
    inside = [n for n in roles if n >= num_outer]
    at = next(iter([*inside, *roles, *reversed(folds)]), None)
    if at is None:
        return Place(draw=_draw(names), split="", label="")
    inner = names[max(at + 1, num_outer) :]
    outer = [name for n, name in enumerate(names) if n != at and name not in inner]
    split = split_in(names[at]) or as_split(" ".join(words_of(names[at])))
    own = [names[at]] if roles else []
    return Place(
        draw=_draw([*outer, *own]),
        split=split,
        label="/".join(inner),
        is_fold=not roles,
    )


def _draw(names: Sequence[str]) -> str:
    return " ".join(filter(None, map(rest_of, names)))


def read_parts(
    file: Path, parts: Sequence[ListPart], *, names: Sequence[str] = ()
) -> SplitList:
    """Return what the parts of a file say.

    Args:
        file: Where they are from.
        parts: What `read_list` returned.
        names: Folders above the file and its stem, as far as they may say something.

    Raises:
        DataError: A table lacks its paths, or its splits are ambiguous.
    """
    images: list[ListedImage] = []
    positions: list[ListedPositions] = []
    notes = [note for part in parts[:1] for note in part.notes]
    for part in parts:
        place = place_of([*names, *part.names], num_outer=len(names))
        if part.table is not None and _is_wide(part.table):
            images += _from_wide(part, part.table, names)
        elif part.table is not None:
            found, described = _from_table(part, part.table, place, str(file))
            images += found
            notes += described
        elif not (place.split and part.values) or _is_other(part):
            why = "no list of a split" if part.values else "empty"
            notes.append(f"{'/'.join(part.names) or file.name}: left out, {why}.")
        elif any(isinstance(value, str) for value in part.values):
            images += _from_texts(part, place)
        else:
            rows = _numbers(part.values, "/".join([str(file), *part.names]))
            positions.append(
                ListedPositions(draw=place.draw, split=place.split, rows=rows)
            )
    return SplitList(
        file=file,
        images=tuple(images),
        positions=tuple(positions),
        notes=tuple(dict.fromkeys(notes)),
    )


def _is_other(part: ListPart) -> bool:
    """Return whether a name is that of labels or weights, which are no list."""
    return bool(part.names) and not NOT_LISTS.isdisjoint(words_of(part.names[-1]))


def _numbers(values: Sequence[object], where: str) -> tuple[int, ...]:
    """Return positions, of truth values those that are true."""
    if values and all(isinstance(value, bool) for value in values):
        return tuple(n for n, value in enumerate(values) if value)
    if all(isinstance(value, int) and value >= 0 for value in values):
        return tuple(value for value in values if isinstance(value, int))
    message = (
        f"{where}: must hold paths, numbers of rows from 0, or true and false, got "
        f"{as_text(values[0])}. Write it anew."
    )
    raise DataError(message)


def _from_texts(part: ListPart, place: Place) -> Iterator[ListedImage]:
    for number, value in enumerate(part.values, 1):
        yield ListedImage(
            place=f"{'/'.join(part.names)} {number}".strip(),
            path=as_text(value),
            splits={place.draw: place.split},
            label=place.label,
        )


def _from_table(
    part: ListPart, table: Cells, place: Place, where: str
) -> tuple[list[ListedImage], tuple[str, ...]]:
    """Return the images of a table, and how it was read."""
    columns = find_audit_columns(table, where)
    noun = " ".join([*part.names, part.noun])
    images = []
    for line, short in table.lines:
        cells = [*short, *[""] * (len(table.header) - len(short))]
        plain = [cell.strip() for cell in cells]
        label = "" if columns.label is None else plain[columns.label]
        named = {k: plain[n] for k, n in columns.groups.items()}
        images.append(
            ListedImage(
                place=f"{noun} {line}",
                path=cells[columns.path] if plain[columns.path] else "",
                splits=columns.splits_of(plain),
                label=place.label if label in ("", "nan") else label,
                groups={k: group for k, group in named.items() if not is_blank(group)},
            )
        )
    return _placed(images, place), columns.notes


def _placed(images: list[ListedImage], place: Place) -> list[ListedImage]:
    """Return the images of a table in the draw and split that its names say.

    A column with several splits counts more than a name; folds beside it are a draw of
    their own.
    """
    own = {image.splits.get("", "") for image in images} - {""}
    is_split = len(own) > 1
    has_folds = is_split and all(map(is_fold, own))
    has_roles = is_split and any(map(role_in, own))
    is_named = bool(place.split) and not (has_roles or (place.is_fold and is_split))
    main = "fold" if has_folds and is_named else ""
    outer = place.draw
    if place.is_fold and not is_named:
        outer = _joined(place.draw, place.split)
    found = []
    for image in images:
        splits = {_joined(outer, draw or main): s for draw, s in image.splits.items()}
        named = {place.draw: place.split} if is_named else {}
        found.append(replace(image, splits=named | splits | named))
    return found


def _joined(*names: str) -> str:
    return " ".join(filter(None, names))


def _from_wide(
    part: ListPart, table: Cells, names: Sequence[str]
) -> Iterator[ListedImage]:
    """Yield the images of a table that has a column of paths for each split."""
    for number, name in enumerate(table.header):
        place = place_of([*names, *part.names, name])
        for line, cells in table.lines:
            if place.split and number < len(cells) and cells[number].strip():
                yield ListedImage(
                    place=f"{name}, {part.noun} {line}",
                    path=cells[number],
                    splits={place.draw: place.split},
                )


def _is_wide(table: Cells) -> bool:
    """Return whether splits have a column of paths each."""
    roles = [n for n, name in enumerate(table.header) if role_in(name)]
    cells = {
        c[n].strip().casefold() for n in roles for _, c in table.lines if n < len(c)
    }
    return len(roles) > 1 and not has_path(table.header) and not cells <= TRUTHS.keys()
