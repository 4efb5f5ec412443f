"""Tell what folders are named after: splits, masks, magnifications, patients, classes.

Knows words and how names repeat; not which folders a data set takes for its classes.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from enum import IntEnum

from lcc.listing.roles import ROLES

Folders = tuple[str, ...]  # names from the source down to the folder of an image

MIN_LETTERS = 3  # of a word for a split: two may be the name of a class
SPLIT_ROLES: Mapping[str, str] = {
    word: role
    for role, words in (
        *ROLES.items(),
        ("prediction", ("pred", "predict")),
        ("unlabelled", ("unlabeled", "unlabelled")),
    )
    for word in words
    if len(word) >= MIN_LETTERS
}
PARTS = frozenset({"cv", "fold", "kfold", "mkfold", "partition", "split"})
# Words that say nothing about what is shown.
FILLERS = frozenset(
    {
        "and", "data", "dataset", "datasets", "files", "folder", "image",
        "images", "img", "imgs", "imageset", "imagesets", "new", "patch", "patches",
        "photo", "photos", "picture", "pictures", "seg", "set", "sets",
        "subset", "the", "tile", "tiles",
    }
)  # fmt: skip
# Words for how a picture was made or saved, and never for what it shows. "norm" is
# none: it is a class of colon tissue.
MAKINGS = frozenset(
    {
        "aug", "augmented", "bmp", "cropped", "crops", "export", "exports", "gif",
        "jpeg", "jpg", "level", "macenko", "magnification", "normalised", "normalized",
        "orig", "original", "originals", "output", "png", "ppm", "preview", "previews",
        "raw", "reinhard", "resized", "thumbnail", "thumbnails", "thumbs", "tif",
        "tiff", "tmp", "unnormalised", "unnormalized", "vahadane", "webp",
    }
)  # fmt: skip
UNITS = frozenset({"micron", "microns", "mpp", "px", "um", "x"})  # after a number
MASKS = frozenset(
    {
        "annotation", "annotations", "contour", "contours", "groundtruth", "gt",
        "label", "labels", "mask", "masks", "seg", "segmentation", "segmentations",
    }
)  # fmt: skip
GRADES = frozenset(  # words whose number is a class
    {
        "c", "category", "class", "cluster", "g", "gleason", "grade", "group", "isup",
        "label", "pattern", "pt", "score", "stage", "t", "type",
    }
)  # fmt: skip
PEOPLE = frozenset(  # words whose number is somebody or a place, and no class
    {
        "animal", "batch", "biopsy", "block", "case", "center", "centre", "cohort",
        "core", "donor", "hospital", "id", "individual", "lab", "mouse", "p", "part",
        "pat", "patient", "patients", "person", "plate", "region", "roi", "run", "s",
        "sample", "scan", "scanner", "site", "slide", "specimen", "study", "subject",
        "tma", "visit", "wsi",
    }
)  # fmt: skip
MAX_CODES = 20  # numbers beyond are patients or slides, not codes of classes
MANY_DIGITS = re.compile(r"\d{3}")  # as in case numbers, dates and barcodes
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")


class NameKind(IntEnum):
    """What the names of one level look like; the higher, the more a class."""

    MAKING = 0  # 40X, images, png: how pictures were made or saved
    NUMBERED = 1  # patient 7, S12-0345: whose pictures they are
    CODED = 2  # CIN1, CIN2: grades of something, or whose
    COLLECTION = 3  # lung_image_sets: what is gathered below
    CLASS = 4


def words_of(name: str) -> list[str]:
    """Return the words of a name in small letters, numbers apart.

    Example:
        >>> words_of("TestSet_40X"), words_of("CRC-VAL-HE-7K")
        (['test', 'set', '40', 'x'], ['crc', 'val', 'he', '7', 'k'])
    """
    return [word.casefold() for word in WORD.findall(name)]


def is_split_name(name: str) -> bool:
    """Return whether a name says a split and nothing else.

    Example:
        >>> is_split_name("Train and Validation Set"), is_split_name("train_tumour")
        (True, False)
    """
    words = words_of(name)
    rest = set(words) - SPLIT_ROLES.keys() - FILLERS - PARTS
    has_part = any(word in PARTS for word in words) and any(map(str.isdigit, words))
    has_role = any(word in SPLIT_ROLES for word in words)
    return (has_role or has_part) and all(word.isdigit() for word in rest)


def roles_of(name: str) -> set[str]:
    """Return the splits that a name tells, none for most names.

    Example:
        >>> roles_of("camelyonpatch_level_2_split_valid")
        {'validation'}
    """
    return {SPLIT_ROLES[word] for word in words_of(name) if word in SPLIT_ROLES}


def without_role(name: str) -> str:
    """Return the words of a name but those of a split.

    Example:
        >>> without_role("train_tumour"), without_role("Tumour test set")
        ('tumour', 'tumour')
    """
    words = words_of(name)
    told = [word for word in words if word not in SPLIT_ROLES.keys() | FILLERS]
    return " ".join(told)


def find_split_folders(folders: Iterable[Folders]) -> set[Folders]:
    """Return the folders that are splits, each as its path.

    A folder is one if its name says nothing else, if its neighbours differ from it by
    the split alone, or if one neighbour names a split and all hold the same folders.
    """
    children = _children(folders)
    found: set[Folders] = set()
    for parent, names in children.items():
        below = {name: children.get((*parent, name), set()) for name in names}
        exact = {name for name in names if is_split_name(name)}
        chosen = exact | (names - exact if _are_splits(names - exact, below) else set())
        found |= {(*parent, name) for name in chosen}
    return found


def _children(folders: Iterable[Folders]) -> dict[Folders, set[str]]:
    children: dict[Folders, set[str]] = defaultdict(set)
    for path in set(folders):
        for depth, name in enumerate(path):
            children[path[:depth]].add(name)
    return children


def _are_splits(names: Set[str], below: Mapping[str, Set[str]]) -> bool:
    told = [name for name in names if roles_of(name)]
    if not told or len(names) == 1:
        return False
    if len(told) == len(names) and len({without_role(name) for name in names}) == 1:
        return True
    shared = set.intersection(*(set(below[name]) for name in names))
    every = set().union(*(below[name] for name in names))
    # Half: a split may lack rare classes.
    return len(shared) > 1 and 2 * len(shared) >= len(every)


def find_mask_folders(folders: Iterable[Folders]) -> set[Folders]:
    """Return the folders of masks that lie beside folders of their images.

    Example:
        >>> find_mask_folders([("benign", "images"), ("benign", "masks"), ("masks",)])
        {('benign', 'masks')}
    """
    return {
        (*parent, name)
        for parent, names in _children(folders).items()
        for name in names
        if _is_mask(name) and any(map(_holds_pictures, names))
    }


def _holds_pictures(name: str) -> bool:
    return _is_making(name) and not _is_mask(name)


def _is_mask(name: str) -> bool:
    words = set(words_of(name))
    if "".join(words_of(name)) in MASKS:  # ground_truth
        return True
    return bool(words & MASKS) and words <= MASKS | FILLERS


def kind_of(names: Set[str]) -> NameKind:
    """Return what the names of one level look like.

    Example:
        >>> kind_of({"40X", "100X"}).name, kind_of({"patient1", "patient2"}).name
        ('MAKING', 'NUMBERED')
        >>> kind_of({"lung_image_sets", "colon_image_sets"}).name
        'COLLECTION'
        >>> kind_of({"grade 1", "grade 2"}).name, kind_of({"0", "1"}).name
        ('CLASS', 'CLASS')
    """
    if any(_is_making(name) for name in names):
        return NameKind.MAKING
    if _are_numbered(names):
        return NameKind.CODED if _are_codes(names) else NameKind.NUMBERED
    last = [(words_of(name) or [""])[-1] for name in names]
    if all(word in FILLERS for word in last):
        return NameKind.COLLECTION
    return NameKind.CLASS


def _is_making(name: str) -> bool:
    """Return whether a name says only how pictures were made: 40X, images, png."""
    words = set(words_of(name))
    told = {word for word in words if not word.isdigit()}
    more = UNITS if told < words else MASKS  # label_0 is a class, labels is none
    return bool(told) and told <= MAKINGS | FILLERS | more


def _are_numbered(names: Set[str]) -> bool:
    """Return whether most names are numbers of patients, slides or the like."""
    if all(name.isdigit() for name in names) and len(names) <= MAX_CODES:
        return any(map(MANY_DIGITS.search, names))
    stems: dict[str, int] = defaultdict(int)
    for name in names:
        stems[re.sub(r"\d+", "#", name)] += 1
    numbered = [name for name in names if _is_numbered(name, stems)]
    return 2 * len(numbered) > len(names)


def _are_codes(names: Set[str]) -> bool:
    """Return whether numbered names may be grades: few, small, of nobody."""
    words = [word for name in names for word in words_of(name)]
    is_small = not any(map(MANY_DIGITS.search, names))
    return len(names) <= MAX_CODES and is_small and not PEOPLE & set(words)


def _is_numbered(name: str, stems: Mapping[str, int]) -> bool:
    words = words_of(name)
    if MANY_DIGITS.search(name) or "tcga" in words:  # a barcode
        return True
    if name.isdigit():  # one of many
        return True
    if not any(map(str.isdigit, words)) or any(word in GRADES for word in words):
        return False
    return stems[re.sub(r"\d+", "#", name)] > 1
