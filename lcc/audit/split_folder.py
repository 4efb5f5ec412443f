"""Read a split from a folder whose folders are named after splits.

Knows the layouts of Keras (`train/<class>/…`) and Kaggle (`Test Set/<class>/…`), of
classes above their splits, and of Hugging Face (labels in `metadata.csv`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lcc.audit.list_file import read_list
from lcc.audit.listed import ListedImage, read_parts
from lcc.audit.roles import FILLERS, is_numbered, is_split, role_in
from lcc.audit.user_split import SplitImage, UserSplit, gather_images, note_names
from lcc.data.digest import encode_name
from lcc.data.table import first_few
from lcc.errors import DataError
from lcc.listing.folders import find_mask_folders, words_of
from lcc.listing.litter import why_no_image
from lcc.storage.local import LocalStore

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
Keys = Sequence[PurePosixPath]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderLayout:
    """Images below one folder, and how deep the folders lie that are named for splits.

    Attributes:
        keys: Paths of the images that may belong to a split, sorted.
        depth: Which part of them names the split; None where no two do.
        num_masks: Files left out as masks of others.
    """

    keys: tuple[PurePosixPath, ...]
    depth: int | None
    num_masks: int

    @property
    def chosen(self) -> list[PurePosixPath]:
        """Those that lie in a split."""
        return [key for key in self.keys if _split_of(key, self.depth)]


def find_layout(folder: Path) -> FolderLayout:
    """Return where the splits of a folder lie: at the first depth that has several.

    Litter, hidden files and side files (`.csv`, `.json` …) are no images; nor are masks
    beside the folder of their images.
    """
    entries = (PurePosixPath(e.key) for e in LocalStore(folder).list_objects())
    found = sorted(k for k in entries if len(k.parts) > 1 and not why_no_image(k))
    masks = find_mask_folders({key.parts[:-1] for key in found})
    keys = [key for key in found if masks.isdisjoint(_above_each(key))]
    return FolderLayout(
        keys=tuple(keys), depth=_depth(keys), num_masks=len(found) - len(keys)
    )


def _above_each(key: PurePosixPath) -> set[tuple[str, ...]]:
    return {key.parts[:number] for number in range(1, len(key.parts))}


def _depth(keys: Keys) -> int | None:
    deepest = max((len(key.parts) for key in keys), default=0)
    names = [
        {key.parts[depth] for key in keys if len(key.parts) > depth + 1}
        for depth in range(deepest)
    ]
    for is_named in (role_in, is_split):
        for depth, found in enumerate(names):
            if sum(bool(is_named(name)) for name in found) > 1:
                return depth
    return None


def _split_of(key: PurePosixPath, depth: int | None) -> str | None:
    if depth is None or len(key.parts) <= depth + 1:
        return None
    return key.parts[depth] if is_split(key.parts[depth]) else None


def read_split_folder(
    folder: Path, layout: FolderLayout, *, notes: Sequence[str] = ()
) -> tuple[UserSplit, ...]:
    """Read the splits of a folder: one, or one for each numbered folder above several.

    An image's class is the folder directly below its split, or those above it, unless
    its metadata have a column of labels. A note names other folders, left out.

    Args:
        folder: The folder.
        layout: What `find_layout` returned.
        notes: More to be said of the folder.

    Raises:
        DataError: Fewer than two folders are named after splits, or the metadata are
            broken or name files that are not there.
    """
    _check(layout, folder)
    depth = layout.depth or 0
    known = _read_metadata(folder, layout.chosen, depth)
    draws: dict[str, list[SplitImage]] = defaultdict(list)
    for key in layout.chosen:
        above = _above(key, layout.chosen, depth)
        draw = " ".join(name for name in above if is_numbered(name))
        label = "/".join(
            [*(n for n in above if not is_numbered(n)), *_below(key, depth)]
        )
        draws[draw].append(_image(folder, key, depth, label, known.get(str(key))))
    name = folder.resolve().name
    said = [*notes, *_left_out(layout), *_masks(layout)]
    return tuple(
        _user_split(f"{name}, {draw}" if len(draws) > 1 else name, images, said)
        for draw, images in draws.items()
    )


def _above(key: PurePosixPath, keys: Keys, depth: int) -> list[str]:
    """Return the folders above a split that differ between images."""
    first = keys[0].parts
    is_common = [
        all(other.parts[n] == first[n] for other in keys) for n in range(depth)
    ]
    names = zip(key.parts[:depth], is_common, strict=True)
    return [encode_name(name) for name, common in names if not common]


def _below(key: PurePosixPath, depth: int) -> list[str]:
    """Return the class below a split; `train/images` and `train/train` are none yet."""
    names = [
        name
        for name in key.parts[depth + 1 : -1]
        if name != key.parts[depth] and not FILLERS.issuperset(words_of(name))
    ]
    return [encode_name(name) for name in names[:1]]


def _image(
    folder: Path, key: PurePosixPath, depth: int, label: str, known: ListedImage | None
) -> SplitImage:
    label = known.label if known and known.label else label
    return SplitImage(
        path=encode_name(str(key)),
        file=folder / key,
        split=key.parts[depth],
        labels=(label,) if label else (),
        groups=tuple(known.groups.items()) if known else (),
    )


def _user_split(
    name: str, rows: Sequence[SplitImage], notes: Sequence[str]
) -> UserSplit:
    images, _ = gather_images(rows)
    return UserSplit(name=name, images=images, notes=(*notes, *note_names(images)))


def _left_out(layout: FolderLayout) -> Iterator[str]:
    depth = layout.depth or 0
    counts = Counter(
        "/".join(key.parts[: min(depth + 1, len(key.parts) - 1)])
        for key in layout.keys
        if not _split_of(key, layout.depth)
    )
    for name, count in sorted(counts.items()):
        yield f"{encode_name(name)}/: left out, no split's name; {count} files."


def _masks(layout: FolderLayout) -> Iterator[str]:
    if layout.num_masks:
        yield f"{layout.num_masks} files left out: masks or labels of the images."


def _check(layout: FolderLayout, folder: Path) -> None:
    if len({_split_of(key, layout.depth) for key in layout.chosen}) > 1:
        return
    names = sorted({key.parts[0] for key in layout.keys})
    found = first_few([f"{encode_name(name)}/" for name in names]) or "none"
    message = (
        f"{folder}: must hold images in at least two folders named train, val, test or "
        f"fold1 …, or lists such as train.csv, got {found}. Name the folder above "
        "them, or a CSV with path and split."
    )
    raise DataError(message)


def _read_metadata(folder: Path, keys: Keys, depth: int) -> Mapping[str, ListedImage]:
    """Return what the metadata of a folder and of its splits say, by path.

    Raises:
        DataError: There are several of one folder, or one is broken or names files that
            are not there.
    """
    above = {PurePosixPath(*key.parts[: depth + 1]) for key in keys}
    found = {
        str(prefix / image.path): image
        for prefix in sorted({PurePosixPath(), *above})
        for image in _metadata_of(folder / prefix)
    }
    missing = sorted(found.keys() - set(map(str, keys)))
    if missing:
        names = [encode_name(name) for name in missing]
        message = (
            f"{folder}: every file that its metadata name must be there, got "
            f"{len(missing)} that are not: {first_few(names)}. Bring them, or remove "
            "their rows."
        )
        raise DataError(message)
    return found


def _metadata_of(folder: Path) -> tuple[ListedImage, ...]:
    files = [folder / name for name in METADATA if (folder / name).is_file()]
    if len(files) > 1:
        found = " and ".join(file.name for file in files)
        message = f"{folder}: must hold one file of metadata, got {found}. Keep one."
        raise DataError(message)
    return tuple(image for f in files for image in read_parts(f, read_list(f)).images)
