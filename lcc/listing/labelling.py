"""Tell the class of every image of a source, in the way that the settings ask for.

Knows the order of the ways: the user's labels, a pattern, folders that were named, a
level that was given, the level that alone makes sense.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from lcc.config.data import DataSettings
from lcc.data.digest import encode_name
from lcc.data.table import first_few
from lcc.errors import DataError
from lcc.listing.classes import check_roles, choose_reading, count_classes
from lcc.listing.folder_tree import MIN_CLASSES, FolderTree, Reading, tree_text
from lcc.listing.folders import Folders
from lcc.listing.labels import LabelOf, label_by_pattern, match_labels, suggest_pattern

OUTSIDE, NOT_CHOSEN = "outside_class_folder", "class_not_chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelling:
    """How the images of a source get their classes.

    Attributes:
        label_of: Key of an image → its class, none where it has none.
        why_none: Reason of an image without a class.
        notes: Lines that say how classes were told.
        tree: Levels of the folders, where the class is one of them.
    """

    label_of: LabelOf
    why_none: str
    notes: tuple[str, ...]
    tree: str = ""


def label_images(
    uri: str,
    settings: DataSettings,
    keys: Sequence[str],
    labels: Mapping[str, str] | None,
) -> Labelling:
    """Return how images get their classes.

    Args:
        uri: The source, for messages.
        settings: How classes are told and chosen.
        keys: All images of the source.
        labels: Path → label of the user's CSV, if there is one.

    Raises:
        DataError: No class is told, several levels of folders may be the classes, or
            `classes` names what is not there.
    """
    if labels is not None:
        return _chosen(_by_labels(labels, keys), settings, keys)
    if settings.class_pattern is not None:
        return _chosen(_by_pattern(settings.class_pattern, keys), settings, keys)
    tree = FolderTree.of(folder for key in keys if (folder := _folder(key)))
    if settings.classes is not None:
        return _by_names(uri, tree, settings.classes, settings.class_level)
    if settings.class_level is not None:
        return _by_folder(uri, tree, _given(tree, settings.class_level, uri))
    if not tree.readings():
        raise DataError(_no_classes(tree, uri, keys))
    return _by_folder(uri, tree, choose_reading(tree, uri=uri))


def _folder(key: str) -> Folders:
    return tuple(key.split("/")[:-1])


def _by_folder(uri: str, tree: FolderTree, reading: Reading) -> Labelling:
    labels = {folder: encode_name(name) for folder, name in reading.labels.items()}
    return Labelling(
        label_of=lambda key: labels.get(_folder(key)),
        why_none=OUTSIDE,
        notes=(f"classes are the folders of level {reading.level}", *_pooled(tree)),
        tree=tree_text(tree, uri, chosen=reading),
    )


def _pooled(tree: FolderTree) -> Iterator[str]:
    """Yield a note where a source is split already."""
    if tree.splits:
        names = sorted({encode_name(way[-1]) for way in tree.splits})
        yield (
            f"{', '.join(names)}: taken for splits, whose images are pooled and split "
            "anew; data.split_csv keeps a split"
        )


def _given(tree: FolderTree, level: int, uri: str) -> Reading:
    reading = tree.read(level)
    if not reading.labels:
        message = (
            f"data.class_level: must be a level of {uri}, got {level}.\n"
            f"{tree_text(tree, uri)}"
        )
        raise DataError(message)
    check_roles(reading.names)
    return reading


def _by_labels(labels: Mapping[str, str], keys: Sequence[str]) -> Labelling:
    matched = match_labels(labels, keys)
    names = sorted(set(matched.labels.values()))
    notes = [f"classes from data.labels_csv: {count_classes(names)}"]
    if matched.unused:
        shown = first_few([encode_name(path) for path in matched.unused])
        notes.append(
            f"{len(matched.unused)} of {len(labels)} rows of data.labels_csv name no "
            f"image: {shown}"
        )
    return Labelling(
        label_of=matched.labels.get, why_none="no_label", notes=tuple(notes)
    )


def _by_pattern(pattern: str, keys: Sequence[str]) -> Labelling:
    label_of = label_by_pattern(pattern)
    if not any(map(label_of, keys)):
        message = (
            f"data.class_pattern: must fit paths below data.source, got {pattern}, "
            f"which fits none of {len(keys)}, such as {encode_name(keys[0])}. "
            "Write e.g. **/{class}/*."
        )
        raise DataError(message)
    note = f"classes from data.class_pattern {pattern}"
    return Labelling(label_of=label_of, why_none="other_path", notes=(note,))


def _chosen(
    labelling: Labelling, settings: DataSettings, keys: Sequence[str]
) -> Labelling:
    """Return a labelling whose labels `classes` chooses and names."""
    classes = settings.classes
    if classes is None:
        return labelling
    known = sorted({label for key in keys if (label := labelling.label_of(key))})
    _check_names(classes, known, where="labels")

    def label_of(key: str) -> str | None:
        return classes.get(labelling.label_of(key) or "")

    return Labelling(label_of=label_of, why_none=NOT_CHOSEN, notes=labelling.notes)


def _by_names(
    uri: str, tree: FolderTree, classes: Mapping[str, str], level: int | None
) -> Labelling:
    """Return the labelling by folders that are named, at any level or at one."""
    if level is None:
        named = {folder: _named(folder, classes) for folder in tree.counts}
    else:
        names = _given(tree, level, uri).labels
        named = {f: classes.get(encode_name(name)) for f, name in names.items()}
    known = {
        text
        for folder in tree.counts
        for depth, name in enumerate(folder, 1)
        for text in (encode_name(name), encode_name("/".join(folder[:depth])))
    }
    _check_names(classes, sorted(known), where=f"folders of {uri}")
    return Labelling(
        label_of=lambda key: named.get(_folder(key)),
        why_none=NOT_CHOSEN,
        notes=(f"classes are the {len(classes)} folders that data.classes names",),
    )


def _named(folder: Folders, classes: Mapping[str, str]) -> str | None:
    """Return the class of the deepest folder on a way that is named."""
    for depth in range(len(folder), 0, -1):
        for text in ("/".join(folder[:depth]), folder[depth - 1]):
            if (label := classes.get(encode_name(text))) is not None:
                return label
    return None


def _check_names(
    classes: Mapping[str, str], known: Sequence[str], *, where: str
) -> None:
    shown = first_few([text for text in known if "/" not in text])
    faults = []
    for name in sorted(set(classes) - set(known)):
        near = get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {shown}."
        faults.append(
            f"data.classes: must name {where}, got {name}, which holds no images. "
            f"{hint}"
        )
    if faults:
        raise DataError("\n".join(faults))


def _no_classes(tree: FolderTree, uri: str, keys: Sequence[str]) -> str:
    names = tree.read(-1).names
    if names:
        found = ", ".join(map(encode_name, names))
        rule = f"must hold at least {MIN_CLASSES} classes, got 1 ({found}) in {uri}"
        remedy = "Name the folder above the class folders"
    else:
        rule = f"must hold one folder of images per class, got none in {uri}"
        remedy = "Put the images of each class into a folder of its name"
    where = f"\n{tree_text(tree, uri)}" if tree.splits else ""
    return (
        f"data.source: {rule}.{where}\n{remedy}, or name a CSV with path and label in "
        f"data.labels_csv.{_by_names_of_files(keys)}"
    )


def _by_names_of_files(keys: Sequence[str]) -> str:
    """Return which classes the names of files would give, if any."""
    pattern = suggest_pattern(keys)
    if pattern is None:
        return ""
    label_of = label_by_pattern(pattern)
    names = sorted({label for key in keys if (label := label_of(key))})
    return (
        "\nBy the names of files they would be:\n"
        f"  --set 'data.class_pattern={pattern}'   {count_classes(names)}"
    )
