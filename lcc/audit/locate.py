"""Find the files that a list means, also one that was written on another machine.

Knows paths and the files below one folder; not what a list is for.
"""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath

from lcc.data.digest import decode_name
from lcc.families.find import is_file
from lcc.listing.litter import why_no_image
from lcc.storage.local import LocalStore

Parts = tuple[str, ...]


class Way(StrEnum):
    """How a file was found, or why none was."""

    DIRECT = "as written"
    RESPELT = "spelt otherwise"
    BY_END = "by the end of its path"
    FOLDER = "a folder of images"
    GONE = "not there"
    OUTSIDE = "outside of the folder"
    AMBIGUOUS = "several fit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The files that a path stands for: one, or those between which it is open.

    Attributes:
        way: How they were found.
        files: One where `way` is no fault, all of a folder; two or more where several
            fit.
    """

    way: Way
    files: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class Locator:
    """Finds files below a folder; lists it when the first path is not there as written.

    Attributes:
        folder: The folder, absolute and without `..`.
    """

    folder: Path

    def find(self, path: str, hints: Sequence[str] = ()) -> Found:
        """Return the file of a path: as written, or by the longest end that fits one.

        Case, the form of accents, slashes and, where no file has it, the ending make no
        difference. A folder that the images have is never passed over: `dog/1.png` is
        not `cat/1.png`. What no file has, but one folder, stands for all images in it:
        lists of slides name no tiles.

        Args:
            path: As a list has it.
            hints: Its label and split: of equally long ends that of a folder so named
                counts.
        """
        direct = next((f for f in self._spellings(path) if is_file(f)), None)
        if direct is not None:
            is_inside = direct.is_relative_to(self.folder)
            return Found(way=Way.DIRECT if is_inside else Way.OUTSIDE, files=(direct,))
        parts = parts_of(path)
        if not parts:
            return Found(way=Way.GONE, files=())
        fitting = list(self._fitting(parts))
        length = max((n for n, _ in fitting), default=0)
        best = [own for n, own in fitting if n == length]
        if length < len(parts) and parts[-length - 1] in self._by_folder:
            best = []
        if len(parts) == 1 and plain("".join(hints[:1])) in self._by_folder:
            best = [own for own in best if plain(hints[0]) in map(plain, own.parts)]
        for hint in hints:
            best = [own for own in best if plain(hint) in map(plain, own.parts)] or best
        is_whole = all(len(own.parts) == length == len(parts) for own in best)
        ways = (Way.GONE, Way.RESPELT if is_whole else Way.BY_END)
        way = Way.AMBIGUOUS if len(best) > 1 else ways[len(best)]
        if not best and len(self._folders_named(parts[-1])) == 1:
            way, best = Way.FOLDER, self._inside[self._folders_named(parts[-1])[0]]
        return Found(way=way, files=tuple(self.folder / own for own in best))

    def _folders_named(self, name: str) -> Sequence[PurePosixPath]:
        folders = self._by_folder
        return folders.get(name) or folders.get(stem_of(name)) or ()

    def _spellings(self, path: str) -> Iterator[Path]:
        """Yield the files that a path may be: as it is, escaped, with backslashes."""
        spellings = [path, decode_name(path), path.replace("\\", "/")]
        if not path.isascii():  # a name that is no UTF-8, in a list that is
            spellings.append(os.fsdecode(path.encode("cp1252", "ignore")))
        for name in spellings:
            yield Path(os.path.normpath(self.folder / name))

    def _fitting(self, parts: Parts) -> Iterator[tuple[int, PurePosixPath]]:
        """Yield how many parts fit, of each file of the same name."""
        for theirs, own in self._candidates(parts):
            both = zip(reversed(parts[:-1]), reversed(theirs[:-1]), strict=False)
            yield 1 + len(list(takewhile(lambda pair: pair[0] == pair[1], both))), own

    def _candidates(self, parts: Parts) -> Sequence[tuple[Parts, PurePosixPath]]:
        """Return the files of a name, in a folder of the same name if there are some.

        Tiles of all slides may have the same names; folders keep the search short.
        """
        stem = stem_of(parts[-1])
        for end in (parts[-2:], parts[-1:], (*parts[-2:-1], stem), (stem,)):
            if end in self._ends:
                return self._ends[end]
        return ()

    @cached_property
    def _files(self) -> list[PurePosixPath]:
        keys = (PurePosixPath(e.key) for e in LocalStore(self.folder).list_objects())
        return [key for key in keys if not why_no_image(key)]

    @cached_property
    def _ends(self) -> dict[Parts, list[tuple[Parts, PurePosixPath]]]:
        """Files by their names, with and without ending, with and without folder."""
        found: dict[Parts, list[tuple[Parts, PurePosixPath]]] = defaultdict(list)
        for key in self._files:
            parts = tuple(map(plain, key.parts))
            for name in {parts[-1], stem_of(parts[-1])}:
                for end in {(name,), (*parts[-2:-1], name)}:
                    found[end].append((parts, key))
        return dict(found)

    @cached_property
    def _inside(self) -> dict[PurePosixPath, list[PurePosixPath]]:
        """Files of each folder, at any depth."""
        found: dict[PurePosixPath, list[PurePosixPath]] = defaultdict(list)
        for key in self._files:
            for folder in key.parents[:-1]:  # but for the root, which has no name
                found[folder].append(key)
        return dict(found)

    @cached_property
    def _by_folder(self) -> dict[str, list[PurePosixPath]]:
        """Folders by their names."""
        found: dict[str, list[PurePosixPath]] = defaultdict(list)
        for folder in self._inside:
            found[plain(folder.name)].append(folder)
        return dict(found)


def plain(text: str) -> str:
    """Return a name in one form: composed accents, small letters.

    Example:
        >>> plain("Cafe\u0301.PNG") == plain("caf\u00e9.png")
        True
    """
    return unicodedata.normalize("NFC", text).casefold()


def parts_of(path: str) -> Parts:
    r"""Return the plain parts of a path of any machine, without drive and dots.

    Example:
        >>> parts_of(r"E:\LC25000\Test Set\a.JPEG"), parts_of("../x/./a.png")
        (('lc25000', 'test set', 'a.jpeg'), ('x', 'a.png'))
    """
    names = re.split(r"[/\\]+", path.strip())
    kept = [name for name in names if name not in ("", ".", "..")]
    return tuple(plain(name) for name in kept if not re.fullmatch(r"\w+:", name))


def stem_of(name: str) -> str:
    """Return a name without the ending of an image."""
    stem, dot, ending = name.rpartition(".")
    return stem if dot and ending.isalnum() and not ending.isdecimal() else name
