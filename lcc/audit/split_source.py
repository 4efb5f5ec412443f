"""Read the splits that a user names: files of lists, a folder of them, or of images.

Knows which reader what is named belongs to.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from lcc.audit.list_file import READERS, read_list
from lcc.audit.list_part import IMAGE_NAME
from lcc.audit.listed import SplitList, read_parts
from lcc.audit.roles import role_in
from lcc.audit.split_folder import METADATA, find_layout, read_split_folder
from lcc.audit.split_lists import read_listed, read_split_lists
from lcc.audit.user_split import UserSplit
from lcc.data.table import first_few
from lcc.errors import ConfigError, DataError, NotFoundError
from lcc.families.verdicts import FILE_NAME
from lcc.listing.litter import why_no_image
from lcc.storage.local import LocalStore


def read_splits(paths: Sequence[Path], images: Path | None) -> tuple[UserSplit, ...]:
    """Read all splits that files or a folder hold: one, or one for each seed.

    Args:
        paths: Files of lists, which are read together; or one folder.
        images: Where paths start; by default the folder of the first file.

    Raises:
        NotFoundError: One of them, or images that they name, are not there.
        DataError: They cannot be used; tells all faults at once.
        ConfigError: A folder was named beside others, or `images` with images.
    """
    _check_there(paths)
    if not any(path.is_dir() for path in paths):
        name = paths[0].name if len(paths) == 1 else ", ".join(p.name for p in paths)
        return read_split_lists(
            paths, images or paths[0].parent, name=name, may_widen=images is None
        )
    if len(paths) > 1:
        message = (
            f"split: must be files, or one folder, got {len(paths)} with folders among "
            "them. Name the folder above them."
        )
        raise ConfigError(message)
    return _read_folder(paths[0], images)


def _check_there(paths: Sequence[Path]) -> None:
    gone = [path for path in paths if not path.exists()]
    if gone:
        message = (
            f"{gone[0]}: not found. Name a CSV with the columns path and split, lists "
            "such as train.csv and test.csv, or a folder with train/ and test/."
        )
        raise NotFoundError(message)


def _read_folder(folder: Path, images: Path | None) -> tuple[UserSplit, ...]:
    """Return the splits of a folder of images, or else of the lists in it."""
    layout = find_layout(folder)
    if layout.depth is None:
        lists, notes = _lists_of(folder)
        if lists:
            return read_listed(
                lists, images or folder, name=folder.resolve().name, notes=notes
            )
    elif images is not None:
        message = (
            f"images: must go with lists, got {images} and the folder {folder}, which "
            "holds images in folders of splits. Leave it out."
        )
        raise ConfigError(message)
    return read_split_folder(folder, layout, notes=_unread(folder))


def _unread(folder: Path) -> list[str]:
    """Return a note on lists beside folders of splits: the folders say more."""
    lists = [
        key.name
        for key in _list_keys(folder)
        if len(key.parts) == 1 and role_in(key.stem)
    ]
    found = [f"{first_few(lists)}: not read, as folders are named after splits."]
    return found if lists else []


def _lists_of(folder: Path) -> tuple[list[SplitList], list[str]]:
    """Return the lists below a folder, and notes on files that are none.

    A file that is named for a split must be a list; others may be anything.
    """
    lists, notes = [], []
    for key in _list_keys(folder):
        names = key.with_suffix("").parts
        is_named = role_in(key.stem) is not None
        try:
            found = read_parts(folder / key, read_list(folder / key), names=names)
        except DataError:
            if is_named:
                raise
            notes.append(f"{key}: left out, no list of images.")
            continue
        if is_named or found.splits or _names_images(found):
            lists.append(found)
        else:
            notes.append(f"{key}: left out, no list of images.")
    is_split = any(found.splits for found in lists)
    return (lists if is_split else []), notes


def _names_images(found: SplitList) -> bool:
    return all(IMAGE_NAME.fullmatch(image.path) for image in found.images[:1])


def _list_keys(folder: Path) -> list[PurePosixPath]:
    """Return what may be a list: files on top, and any that is named for a split."""
    keys = (PurePosixPath(entry.key) for entry in LocalStore(folder).list_objects())
    return sorted(
        key
        for key in keys
        if key.suffix.lower() in READERS
        and key.name not in (*METADATA, FILE_NAME)
        and why_no_image(key.with_suffix("")) is None
        and (len(key.parts) == 1 or role_in(key.stem))
    )
