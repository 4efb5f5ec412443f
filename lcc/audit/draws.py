"""Put what several lists say together: one or more draws, each with all its images.

Knows rows of lists, names of draws and splits; nothing of files.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lcc.audit.listed import ListedImage, SplitList
from lcc.audit.roles import is_numbered, role_in
from lcc.data.table import first_few
from lcc.errors import DataError

MIN_SPLITS = 2  # one cannot leak


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One image in one split.

    Attributes:
        split: Name of its split, "" where a list names none.
        image: What the list says of it.
        source: Name of that list, "" where there is one.
    """

    split: str
    image: ListedImage
    source: str


Draws = dict[str, list[Entry]]


def gather_draws(lists: Sequence[SplitList]) -> tuple[Draws, list[str]]:
    """Return the images of each draw, and notes on lists that were left out or joined.

    A list that names no split is what others number images in, or what adds labels and
    groups to the images of others.

    Raises:
        DataError: Numbers have no list to count in, or are beyond it.
    """
    plain = [one for one in lists if one.images and not one.splits]
    named = [one for one in lists if one.splits]
    numbered = [one for one in named if one.positions]
    notes: list[str] = []
    if numbered:
        base = _base(lists, plain, numbered[0])
        others = [one for one in named if one is not base]
        entries = [*_from_numbers(numbered, base), *_from_rows(others)]
    elif not named:  # so that the faults of their rows are told
        entries = [*_from_rows(plain)]
    else:
        entries = [*_from_rows(named)]
        entries, added = _completed(entries, plain)
        notes += added
    draws: Draws = defaultdict(list)
    for draw, entry in entries:
        draws[draw].append(entry)
    settled = _settled(dict(draws), notes)
    return {name: _without_unions(e, notes) for name, e in settled.items()}, notes


def _without_unions(entries: list[Entry], notes: list[str]) -> list[Entry]:
    """Return entries without a split that is train and validation together."""
    paths: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        paths[entry.split].add(entry.image.path)
    unions = {}
    for split, own in paths.items():
        parts = [name for name, other in paths.items() if other < own]
        is_whole = set().union(*(paths[name] for name in parts)) == own
        if is_whole and sorted(map(str, map(role_in, parts))) == [
            "train",
            "validation",
        ]:
            unions[split] = " and ".join(parts)
    notes += [
        f"{one}: left out, it is {parts} together." for one, parts in unions.items()
    ]
    return [entry for entry in entries if entry.split not in unions]


def _from_rows(lists: Sequence[SplitList]) -> Iterator[tuple[str, Entry]]:
    for one in lists:
        source = one.file.name if len(lists) > 1 else ""
        for image in one.images:
            for draw, split in (image.splits or {"": ""}).items():
                yield draw, Entry(split=split, image=image, source=source)


def _base(
    lists: Sequence[SplitList], plain: Sequence[SplitList], numbered: SplitList
) -> SplitList:
    """Return the list that numbers count in."""
    found = plain or [one for one in lists if one.images]
    if len(found) != 1:
        names = " and ".join(str(one.file) for one in found) or "none"
        message = (
            f"{numbered.file}: numbers count in one list of paths, got {names}. Name "
            "that list too: a CSV with the column path, or a text with a path a line."
        )
        raise DataError(message)
    return found[0]


def _from_numbers(
    lists: Sequence[SplitList], base: SplitList
) -> Iterator[tuple[str, Entry]]:
    for one in lists:
        beyond = [
            row for p in one.positions for row in p.rows if row >= len(base.images)
        ]
        if beyond:
            message = (
                f"{one.file}: must number the {len(base.images)} images of {base.file} "
                f"from 0, got {first_few([str(row) for row in beyond])}. Name the list "
                "that it was made for."
            )
            raise DataError(message)
        for found in one.positions:
            for row in found.rows:
                image = base.images[row]
                entry = Entry(split=found.split, image=image, source=base.file.name)
                yield found.draw, entry


def _completed(
    entries: Sequence[tuple[str, Entry]], plain: Sequence[SplitList]
) -> tuple[list[tuple[str, Entry]], list[str]]:
    """Return entries with the labels and groups that lists without splits know."""
    known = {image.path: image for one in plain for image in one.images}
    found = [(draw, _with(entry, known)) for draw, entry in entries]
    return found, [
        f"{one.file.name}: names no split; labels and groups are read from it."
        for one in plain
    ]


def _with(entry: Entry, known: Mapping[str, ListedImage]) -> Entry:
    other = known.get(entry.image.path)
    if other is None:
        return entry
    label = entry.image.label or other.label
    groups = {**other.groups, **entry.image.groups}
    return replace(entry, image=replace(entry.image, label=label, groups=groups))


def _settled(draws: Draws, notes: list[str]) -> Draws:
    """Return draws that can be judged: shared parts dealt out, parts of one joined."""
    if len(draws) < MIN_SPLITS:
        return draws
    shared = draws.get("", [])
    if shared and len(_splits(shared)) < MIN_SPLITS:
        draws = {
            name: entries + [e for e in shared if e.split not in _splits(entries)]
            for name, entries in draws.items()
            if name
        }
    whole = {k: found for k, found in draws.items() if len(_splits(found)) > 1}
    if not whole or _are_classes(whole):
        return {
            "": [_labelled(e, name) for name, found in draws.items() for e in found]
        }
    notes += [
        f"{name or 'split'}: has one split, {' '.join(_splits(found))}; not judged."
        for name, found in draws.items()
        if name not in whole
    ]
    return {name: _filled(found) for name, found in whole.items()}


def _splits(entries: Sequence[Entry]) -> set[str]:
    return {entry.split for entry in entries} - {""}


def _are_classes(draws: Draws) -> bool:
    """Return whether draws are parts of one, by class: no two share an image."""
    paths = [{entry.image.path for entry in entries} for entries in draws.values()]
    apart = len(set().union(*paths)) == sum(map(len, paths))
    return apart and not any(map(is_numbered, draws)) and all(draws)


def _labelled(entry: Entry, name: str) -> Entry:
    """Return an entry with the name of its part as its class, where it has none."""
    if entry.image.label or is_numbered(name):
        return entry
    return replace(entry, image=replace(entry.image, label=name))


def _filled(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries of one of several draws that are in it."""
    return [entry for entry in entries if entry.split]
