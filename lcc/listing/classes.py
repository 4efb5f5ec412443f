"""Choose which level of folders is the classes, or say which readings there are.

Knows what speaks for and against a reading; not files, lists of labels or pixels.
"""

from collections import defaultdict
from collections.abc import Sequence

from lcc.data.digest import encode_name
from lcc.errors import DataError
from lcc.listing.folder_tree import KINDS, MAX_NAMES, FolderTree, Reading, tree_text
from lcc.listing.folders import NameKind, roles_of, without_role

OTHER_WAYS = "or tell classes by data.classes, data.labels_csv or data.class_pattern."


def choose_reading(tree: FolderTree, *, uri: str) -> Reading:
    """Return the one reading that makes sense.

    Names of collections and names that differ by a small number count only where no
    other level can be the classes; those of patients, slides, magnifications and kinds
    of files not even then. Nor do names of which splits have none in common.

    Args:
        tree: Where images lie; has readings.
        uri: The source, for messages.

    Raises:
        DataError: Several levels make sense, none does, a name tells a split, or splits
            spell classes differently; holds the tree and a setting for each.
    """
    readings = tree.readings()
    best = max(reading.kind for reading in readings)
    found = _with_shared_names(tree, [r for r in readings if r.kind is best])
    if len(found) > 1:
        rule = "which of these folders are the classes"
        raise DataError(_which(tree, uri, found, rule))
    check_roles(found[0].names)
    doubts = {
        f"these names are {KINDS[best]}": best <= NameKind.NUMBERED,
        "some of these names tell a split": any(map(roles_of, found[0].names)),
        "splits have few names in common": _mostly_differs(tree, found[0]),
    }
    for doubt in (text for text, is_there in doubts.items() if is_there):
        rule = f"which folders are the classes: {doubt}"
        raise DataError(_which(tree, uri, readings, rule))
    return found[0]


def _with_shared_names(tree: FolderTree, readings: list[Reading]) -> list[Reading]:
    """Leave out readings whose names differ from split to split, as patients do."""
    return [r for r in readings if not _differs_by_split(tree, r)] or readings


def _differs_by_split(tree: FolderTree, reading: Reading) -> bool:
    sets = _names_by_split(tree, reading)
    return len(sets) > 1 and not set.intersection(*sets)


def _mostly_differs(tree: FolderTree, reading: Reading) -> bool:
    """Return whether splits spell classes differently: fewer than half are shared."""
    sets = _names_by_split(tree, reading)
    return len(sets) > 1 and 2 * len(set.intersection(*sets)) < len(set.union(*sets))


def _names_by_split(tree: FolderTree, reading: Reading) -> list[set[str]]:
    names: dict[str, set[str]] = defaultdict(set)  # of each name of a split
    for folder, label in reading.labels.items():
        for depth, name in enumerate(folder):
            if folder[: depth + 1] in tree.splits:
                names[name].add(label)
    return list(names.values())


def check_roles(names: Sequence[str]) -> None:
    """Refuse classes that differ by a split alone: tumour_train, tumour_test.

    Raises:
        DataError: Some do; holds the setting that joins them.
    """
    stems: dict[str, list[str]] = defaultdict(list)
    for name in names:
        stems[without_role(name)].append(name)
    doubled = [n for found in stems.values() if len(found) > 1 for n in found]
    if any(roles_of(name) for name in doubled):
        joined = {name: without_role(name).replace(" ", "_") for name in names}
        setting = ", ".join(f"{name}: {label}" for name, label in joined.items())
        message = (
            f"data.classes: folders must not name class and split in one, got "
            f"{', '.join(map(encode_name, doubled))}. "
            f"Pass --set 'data.classes={{{encode_name(setting)}}}'"
        )
        raise DataError(message)


def _which(tree: FolderTree, uri: str, readings: Sequence[Reading], rule: str) -> str:
    lines = [
        f"  --set data.class_level={reading.level}   {count_classes(reading.names)}"
        for reading in readings
    ]
    return (
        f"data.class_level: must say {rule}, got none for {uri}.\n"
        f"{tree_text(tree, uri)}\nPass the one that is meant:\n"
        + "\n".join([*lines, OTHER_WAYS])
    )


def count_classes(names: Sequence[str]) -> str:
    """Return how many classes there are, and the first few.

    Example:
        >>> count_classes(["benign", "malignant"])
        '2 classes: benign, malignant'
    """
    more = len(names) - MAX_NAMES
    shown = ", ".join(map(encode_name, names[:MAX_NAMES]))
    tail = f" … {more} more" if more > 0 else ""
    return f"{len(names)} {'class' if len(names) == 1 else 'classes'}: {shown}{tail}"
