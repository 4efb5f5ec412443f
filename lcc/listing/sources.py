"""Find the files of a source that may be images, and say why the others are none.

Knows names, links and archives; not classes, and not what is inside a file.
"""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from lcc.data.digest import decode_name, encode_name
from lcc.data.table import first_few
from lcc.errors import DataError, NotFoundError
from lcc.images.reasons import Reason
from lcc.listing.folders import find_mask_folders
from lcc.listing.litter import ARCHIVES, SIDE_NAMES, archive_ending, why_no_image
from lcc.storage.store import ObjectInfo, Store
from lcc.storage.uri import local_path, scheme_of, shown_uri

LABELLED = "data.source"  # the setting of a source that has a folder for each class
BROKEN_LINK = "broken link"  # in place of a change mark
BROKEN_FOLDER = "broken_folder_link"  # by its name: nobody can look
HOW_TO_PULL = "Fetch what they mean (dvc pull, git annex get .)"
LeftOut = list[tuple[str, str]]  # path and reason


def find_images(
    store: Store, *, skip: str, setting: str = LABELLED
) -> tuple[list[ObjectInfo], LeftOut]:
    """Return what may be an image, and the path and reason of every other file.

    A link that leads nowhere may be one; its change mark is `BROKEN_LINK`.

    Args:
        store: The source.
        skip: Prefix of keys that are not input.
        setting: That names the source, for messages.

    Raises:
        DataError: There is no such folder, it is an archive, or it holds no image.
    """
    _check_kind(store.uri, setting)
    left_out: LeftOut = []
    found = _without_masks(list(_candidates(store, skip, left_out)), left_out)
    if not found:
        raise DataError(_no_images(store.uri, left_out, setting))
    return found, left_out


def _check_kind(uri: str, setting: str) -> None:
    """Refuse a source that is no folder; an archive with the command that unpacks it.

    Raises:
        DataError: It is none.
    """
    if scheme_of(uri) != "file" or local_path(uri).is_dir():
        return
    path = local_path(uri)
    if path.is_file() and archive_ending(path.name):
        message = f"{setting}: must be a folder, got the archive {path}. "
        raise DataError(message + how_to_unpack(path))
    found = "a file" if path.is_file() else "none"
    message = (
        f"{setting}: must be a folder, got {path}, which is {found}. Check the path."
    )
    raise DataError(message)


def how_to_unpack(archive: Path) -> str:
    """Return the command that unpacks an archive beside itself.

    Example:
        >>> how_to_unpack(Path("/lungs.zip"))
        'Unpack it and name that folder: unzip -q /lungs.zip -d /lungs'
    """
    ending = archive_ending(archive.name) or ""
    folder = archive.with_name(archive.name[: -len(ending)])
    command = ARCHIVES[ending].format(
        archive=shlex.quote(str(archive)), folder=shlex.quote(str(folder))
    )
    if command.startswith("tar"):  # it makes no folder
        command = f"mkdir -p {shlex.quote(str(folder))} && {command}"
    return f"Unpack it and name that folder: {command}"


def _candidates(store: Store, skip: str, left_out: LeftOut) -> Iterator[ObjectInfo]:
    """Yield what may be an image, and links that lead nowhere."""
    broken = [
        ObjectInfo(key=key, size_bytes=0, change_mark=BROKEN_LINK)
        for key in store.broken_links()
    ]
    for entry in (*store.list_objects(), *broken):
        if skip and entry.key.startswith(skip):
            continue
        path = PurePosixPath(entry.key)
        reason = why_no_image(path)
        if reason is None and path.name.casefold() in SIDE_NAMES:
            reason = "side_file"
        if reason is None and entry.change_mark == BROKEN_LINK and not path.suffix:
            reason = BROKEN_FOLDER
        if reason is None:
            yield entry
        else:
            left_out.append((encode_name(entry.key), reason))


def _without_masks(found: list[ObjectInfo], left_out: LeftOut) -> list[ObjectInfo]:
    names = {entry.key.rpartition("/")[0] for entry in found}
    folders = {name: tuple(name.split("/")) for name in names}
    masks = find_mask_folders(folders.values())
    below = {
        name
        for name, parts in folders.items()
        if any(parts[:depth] in masks for depth in range(1, len(parts) + 1))
    }
    kept = []
    for entry in found:
        if entry.key.rpartition("/")[0] in below:
            left_out.append((encode_name(entry.key), "mask"))
        else:
            kept.append(entry)
    return kept


def _no_images(uri: str, left_out: LeftOut, setting: str) -> str:
    has_classes = setting == LABELLED
    counts = Counter(reason for _, reason in left_out)
    found = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    archives = [path for path, reason in left_out if reason == "archive"]
    if archives and scheme_of(uri) == "file":
        hint = how_to_unpack(local_path(uri) / archives[0])
    elif counts["array_file"]:
        place = ", in a folder for each class" if has_classes else ""
        hint = f"Write the pictures of array files as PNG{place}."
    elif has_classes:
        hint = "Put the images of each class into a folder of its name."
    else:
        hint = "Check the path."
    wanted = "one folder of images per class" if has_classes else "images"
    return (
        f"{setting}: must hold {wanted}, got none in {shown_uri(uri)} "
        f"({found or 'no file'}). {hint}"
    )


def read_listed(source: Store, row: Mapping[str, object]) -> bytes | Reason:
    """Return the bytes of a file that was listed, or why they are not to be had.

    Args:
        source: Holds it.
        row: Its path (text form), size_bytes and change_mark, as listed.

    Returns:
        A reason where it is gone, was changed since, or is a link that leads nowhere.
    """
    try:
        data, mark = source.read_marked(decode_name(str(row["path"])))
    except NotFoundError:
        is_link = row["change_mark"] == BROKEN_LINK
        return Reason.BROKEN_LINK if is_link else Reason.VANISHED
    is_same = (len(data), mark) == (row["size_bytes"], row["change_mark"])
    return data if is_same else Reason.CHANGED


def check_links(rows: Sequence[tuple[str, int, str, str]], *, limit: float) -> None:
    """Refuse at once what could only fail once all images are read.

    Args:
        rows: Path, length, change mark and class of each file.
        limit: Share of links that may lead nowhere.

    Raises:
        DataError: There are more.
    """
    broken = [path for path, _, mark, _ in rows if mark == BROKEN_LINK]
    if len(broken) > limit * len(rows):
        message = (
            f"data.max_unreadable_fraction: at most {limit:g} of {len(rows)} files may "
            f"be unreadable, got {len(broken)} links to files that are not there: "
            f"{first_few(broken)}. {HOW_TO_PULL}, or raise the limit."
        )
        raise DataError(message)
