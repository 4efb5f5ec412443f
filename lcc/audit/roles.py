"""What names say of splits: train, validation or test, a fold, a draw.

Knows words alone; not whether a name is a folder's, a file's, a column's or a cell's.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from lcc.listing.folders import words_of
from lcc.listing.roles import ROLES

MIN_LETTERS = 3  # of a word inside a longer name: `tr` alone says so, `tr_a` does not
# Words that say nothing beside a role: `train_idx`, `Test Set`, `list_of_val_images`.
FILLERS = frozenset(
    (
        *("and", "data", "dataset", "file", "filename", "filenames", "files", "for"),
        *("id", "ids", "idx", "idxs", "image", "images", "imgs", "in", "index"),
        *("indexes", "indices", "is", "list", "lists", "mask", "names", "of", "path"),
        *("paths", "set", "sets", "split", "splits", "the", "tiles"),
    )
)
COUNTED = (  # words before the number of a fold or of a draw
    *("cv", "draw", "fold", "folds", "iter", "k", "kfold", "part", "rep", "repeat"),
    *("repetition", "round", "run", "seed", "set", "split", "trial", "v", "version"),
)
_FOLD = re.compile(r"(cv|folds?|k|kfold|part|split)[ _-]?\d+", re.IGNORECASE)
_NUMBERED = re.compile(rf"(({'|'.join(COUNTED)})[ _-]?)*\d+", re.IGNORECASE)


def role_in(name: str) -> str | None:
    """Return train, validation or test where a name or a word in it says so.

    Example:
        >>> role_in("Valid"), role_in("fold 3"), role_in("hold-out")
        ('validation', None, 'test')
        >>> role_in("Train and Validation Set"), role_in("train_test_split")
        ('train', None)
    """
    found = [role for role, words in ROLES.items() if _has(name, words)]
    if {"train", "test"} <= set(found):
        return None
    return "test" if "test" in found else next(iter(found), None)


def _has(name: str, wanted: Iterable[str]) -> bool:
    words = words_of(name)
    return "".join(words) in wanted or any(
        word in wanted and len(word) >= MIN_LETTERS for word in words
    )


def is_numbered(name: str) -> bool:
    """Return whether a name is that of one of several folds or draws.

    Example:
        >>> is_numbered("fold_3"), is_numbered("7"), is_numbered("class 7")
        (True, True, False)
    """
    return _NUMBERED.fullmatch(name) is not None


def is_fold(name: str) -> bool:
    """Return whether a name is that of a fold: not of a draw, not a number alone."""
    return _FOLD.fullmatch(name) is not None


def is_split(name: str) -> bool:
    """Return whether a name is that of a split: a role or a fold, not a number alone.

    Example:
        >>> is_split("Test Set"), is_split("fold 3"), is_split("3"), is_split("seed3")
        (True, True, False, False)
    """
    return role_in(name) is not None or is_fold(name)


def split_in(name: str) -> str:
    """Return the words of a name that say which split it is, as they stand in it.

    Example:
        >>> split_in("LC25000_Train_idx"), split_in("hold-out"), split_in("notes")
        ('train', 'hold-out', '')
    """
    if role_in(name) is None:
        return ""
    words = [word for words in ROLES.values() for word in words]
    return " ".join(word for word in words_of(name) if word in words) or name


def rest_of(name: str) -> str:
    """Return what a name says beside its role: which draw of several it belongs to.

    Example:
        >>> rest_of("train_idx"), rest_of("seed1_Test Set")
        ('', 'seed 1')
    """
    roles = {word for words in ROLES.values() for word in words}
    words = [word for word in words_of(name) if word not in roles | FILLERS]
    return " ".join(words)


def note_spellings(splits: Iterable[str]) -> list[str]:
    """Return a sentence for each role that several splits seem to have.

    Example:
        >>> note_spellings(["train", "Train", "test"])
        ['Train and train: look like two names of one split; judged as several.']
    """
    found: dict[str, list[str]] = defaultdict(list)
    for split in sorted(set(splits)):
        found[role_in(split) or split.casefold()].append(split)
    return [
        f"{' and '.join(names)}: look like two names of one split; judged as several."
        for names in found.values()
        if len(names) > 1
    ]


def split_order(split: str) -> tuple[int, list[tuple[int, str]]]:
    """Return the key that sorts train, validation, test, then others as people count.

    Example:
        >>> sorted(["fold10", "test", "fold9", "Train"], key=split_order)
        ['Train', 'test', 'fold9', 'fold10']
    """
    role = role_in(split)
    rank = list(ROLES).index(role) if role else len(ROLES)
    parts = re.split(r"(\d+)", split)
    return rank, [(int(part) if part.isdecimal() else -1, part) for part in parts]
