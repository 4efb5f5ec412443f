"""Read splits from lists: tables, texts, JSON or arrays, alone or several together.

Knows what was listed and where the images lie; nothing of what they show.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lcc.audit.draws import MIN_SPLITS, Entry, gather_draws
from lcc.audit.list_file import read_list
from lcc.audit.listed import SplitList, read_parts
from lcc.audit.locate import Found, Locator, Way
from lcc.audit.user_split import SplitImage, UserSplit, gather_images, note_names
from lcc.data.digest import encode_name
from lcc.data.table import first_few
from lcc.errors import DataError, NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A line of a list, and what its path stands for."""

    entry: Entry
    found: Found

    @property
    def shown(self) -> str:
        """Its path as written, and where."""
        path = self.entry.image.path.encode("utf-8", "surrogateescape")
        return f"{path.decode('utf-8', 'backslashreplace')} ({self.place})"

    @property
    def place(self) -> str:
        """Where it is listed."""
        return ", ".join(filter(None, (self.entry.source, self.entry.image.place)))


def read_split_lists(
    files: Sequence[Path], folder: Path, *, name: str, may_widen: bool = False
) -> tuple[UserSplit, ...]:
    """Read the splits that files list: one, or one for each seed or column of folds.

    A path that stands twice in one split counts once, and a note says so. One that
    stands in two splits is an image in both: a leak, not an error.

    Args:
        files: What to read together.
        folder: Where paths start, and below which files are looked for by their ends.
        name: What to call the split.
        may_widen: Whether files outside of the folder are taken as well.

    Raises:
        NotFoundError: Images that they name are not there.
        DataError: They are no such lists; tells all faults at once.
    """
    names = _names(files)
    lists = [
        read_parts(file, read_list(file), names=own)
        for file, own in zip(files, names, strict=True)
    ]
    return read_listed(lists, folder, name=name, may_widen=may_widen)


def read_listed(
    lists: Sequence[SplitList],
    folder: Path,
    *,
    name: str,
    notes: Sequence[str] = (),
    may_widen: bool = False,
) -> tuple[UserSplit, ...]:
    """Return the splits of lists that were read; see `read_split_lists`."""
    draws, gathered = gather_draws(lists)
    locator = Locator(folder=Path(os.path.normpath(folder.absolute())))
    known: dict[tuple[str, ...], Found] = {}
    rows = {
        draw: [_located(entry, locator, known) for entry in entries]
        for draw, entries in draws.items()
    }
    every = [row for found in rows.values() for row in found]
    base = _widened(locator.folder, every) if may_widen else locator.folder
    field = " and ".join(dict.fromkeys(str(one.file) for one in lists))
    _check(rows, base, folder, field)
    own = (note for one in lists for note in _notes(one, len(lists)))
    said = [*own, *notes, *gathered]
    return tuple(
        _split(
            found,
            base,
            name=f"{name}, {draw or 'split'}" if len(rows) > 1 else name,
            notes=said,
        )
        for draw, found in rows.items()
    )


def _names(files: Sequence[Path]) -> list[tuple[str, ...]]:
    """Return folders and stem of each file as far as they differ; of one nothing."""
    if len(files) == 1:
        return [()]
    base = os.path.commonpath([file.absolute().parent for file in files])
    return [file.absolute().relative_to(base).with_suffix("").parts for file in files]


def _notes(one: SplitList, num_lists: int) -> Iterator[str]:
    for note in one.notes:
        yield (
            note if num_lists == 1 else f"{one.file.name}: {note[0].lower()}{note[1:]}"
        )


def _located(
    entry: Entry, locator: Locator, known: dict[tuple[str, ...], Found]
) -> _Row:
    image = entry.image
    key = (image.path, image.label, entry.split)
    if key not in known:
        known[key] = locator.find(image.path, (image.label, entry.split))
    return _Row(entry=entry, found=known[key])


def _widened(folder: Path, rows: Sequence[_Row]) -> Path:
    """Return a folder above all files that are there."""
    outside = [str(r.found.files[0]) for r in rows if r.found.way is Way.OUTSIDE]
    return Path(os.path.commonpath([str(folder), *outside]))


def _check(draws: dict[str, list[_Row]], base: Path, folder: Path, field: str) -> None:
    every = [row for found in draws.values() for row in found]
    faults = list(_faults(draws, every, field))
    outside = _of(every, Way.OUTSIDE, lambda row: not _is_below(row, base))
    if outside:
        faults.append(
            f"{field}: every path must lie below {folder}, got {len(outside)} of "
            f"{len(every)} outside: {first_few(outside)}. Pass --images with a folder "
            "above them all."
        )
    gone = _of(every, Way.GONE, lambda row: bool(row.entry.image.path))
    if gone:
        faults.append(
            f"{field}: every path must be a file below {folder}, got {len(gone)} of "
            f"{len(every)} that are not: {first_few(gone)}. Pass --images FOLDER, or "
            "mend them."
        )
    if faults:
        kind = NotFoundError if gone and len(faults) == 1 else DataError
        raise kind("\n".join(faults))


def _of(rows: Sequence[_Row], way: Way, holds: Callable[[_Row], bool]) -> list[str]:
    found = (row.shown for row in rows if row.found.way is way and holds(row))
    return list(dict.fromkeys(found))


def _is_below(row: _Row, base: Path) -> bool:
    return row.found.files[0].is_relative_to(base)


def _faults(
    draws: dict[str, list[_Row]], rows: Sequence[_Row], field: str
) -> Iterator[str]:
    """Yield one message for each kind of fault in what the lists say."""
    if not rows:
        yield f"{field}: must name images by path or number, got none. Add them."
    nameless = [r.place for r in rows if not r.entry.image.path]
    if nameless:
        yield (
            f"{field}: must have a path in each line, got none in "
            f"{first_few(nameless)}. Fill the column."
        )
    unassigned = [row.shown for row in rows if not row.entry.split]
    if len(unassigned) == len(rows) > 0:
        yield (
            f"{field}: must say the split of each path, got none: no column split or "
            "fold, and no name such as train.csv. Add one, or name the lists of the "
            "other splits too."
        )
    elif unassigned:
        yield (
            f"{field}: must give every path a split, got none for "
            f"{first_few(unassigned)}. Fill the column."
        )
    for found in draws.values():
        splits = sorted({row.entry.split for row in found} - {""})
        if splits and len(splits) < MIN_SPLITS:
            yield (
                f"{field}: must have at least two splits, got {first_few(splits)}. Add "
                "rows, or name the lists of the other splits too."
            )
    yield from _open_faults(rows, field)


def _open_faults(rows: Sequence[_Row], field: str) -> Iterator[str]:
    """Yield messages on paths that fit several files, or files that fit several."""
    several = {
        row.shown: " and ".join(map(str, row.found.files[:2]))
        for row in rows
        if row.found.way is Way.AMBIGUOUS
    }
    if several:
        shown = [f"{path}: {files}" for path, files in several.items()]
        yield (
            f"{field}: every path must end as one file does, got {len(several)} that "
            f"fit several: {first_few(shown)}. Pass --images with a folder that holds "
            "one of them, or write longer paths."
        )
    meant: dict[Path, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row.found.way in (Way.BY_END, Way.RESPELT):
            meant[row.found.files[0]][row.entry.image.path] = row.shown
    doubled = [
        f"{' and '.join([*p.values()][:2])}: {f}"
        for f, p in meant.items()
        if len(p) > 1
    ]
    if doubled:
        yield (
            f"{field}: no two paths may end as one file does, got {len(doubled)} that "
            f"do: {first_few(doubled)}. Pass --images with a folder that holds both."
        )


def _split(
    rows: Sequence[_Row], base: Path, *, name: str, notes: Sequence[str]
) -> UserSplit:
    images, doubled = gather_images(
        SplitImage(
            path=encode_name(file.relative_to(base).as_posix()),
            file=file,
            split=row.entry.split,
            labels=tuple(filter(None, [row.entry.image.label])),
            groups=tuple(row.entry.image.groups.items()),
        )
        for row in rows
        for file in row.found.files
    )
    said = [*notes, *_ways(rows, base)]
    if doubled:
        said.append(
            f"{len(doubled)} rows repeat a path in its split, and count once: "
            f"{first_few(doubled)}."
        )
    return UserSplit(name=name, images=images, notes=(*said, *note_names(images)))


def _ways(rows: Sequence[_Row], base: Path) -> Iterator[str]:
    """Yield a sentence on paths that were not found as written, with an example."""
    texts = {
        Way.BY_END: "paths are those of another folder; files are found by their ends",
        Way.RESPELT: "paths differ from their files in case, accents or ending",
        Way.FOLDER: "names are those of folders, and stand for all images in them",
    }
    for way, text in texts.items():
        found = [row for row in rows if row.found.way is way]
        if found:
            path = found[0].entry.image.path
            file = encode_name(found[0].found.files[0].relative_to(base).as_posix())
            num_more = len(found[0].found.files) - 1
            more = f" and {num_more} more" if num_more else ""
            yield f"{len(found):,} {text}: {path} is {file}{more}."
