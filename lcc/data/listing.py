"""List the image files of a source with their classes, sorted, without opening any.

Knows which files are listed and which are left out, and why; not how folders are taken
for classes (`classes`), nor what is inside a file.
"""

import json
import logging
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pyarrow as pa

from lcc.config.data import DataSettings
from lcc.config.settings import Settings
from lcc.data.classes import MIN_CLASSES
from lcc.data.digest import digest_rows, encode_name
from lcc.data.folders import find_mask_folders
from lcc.data.labelling import label_images
from lcc.data.labels import read_labels
from lcc.data.litter import ARCHIVES, archive_ending
from lcc.data.litter import why_no_image as why_no_image  # noqa: PLC0414 - audit's, too
from lcc.data.parquet import from_parquet, to_parquet
from lcc.data.table import first_few
from lcc.errors import DataError
from lcc.storage import layout
from lcc.storage.store import ObjectInfo, Store
from lcc.storage.uri import absolute_uri, local_path, scheme_of

logger = logging.getLogger(__name__)
BROKEN_LINK = "broken link"  # in place of a change mark
HOW_TO_PULL = "Fetch what they mean (dvc pull, git annex get .)"
BROKEN_FOLDER = "broken_folder_link"  # by its name: nobody can look
SCHEMA = pa.schema(
    {
        "path": pa.string(),
        "size_bytes": pa.int64(),
        "change_mark": pa.string(),
        "label": pa.string(),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The image files of a source, sorted by path.

    Attributes:
        source: URI that paths are relative to.
        table: Columns path (text form), size_bytes, change_mark, label.
        left_out: Path and reason of each file that is no image of a class, sorted;
            none of a listing that was read back.
        notes: Lines on how classes were told; none of a listing that was read back.
        tree: Levels of the folders, where the class is one of them.
    """

    source: str
    table: pa.Table
    left_out: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)
    tree: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of source and rows; differs when any file was changed."""
        columns = self.table.to_pydict().values()
        return digest_rows([(self.source,), *zip(*columns, strict=True)])

    def __len__(self) -> int:
        """Return the number of files."""
        return int(self.table.num_rows)


def list_as_set(source: Store, settings: Settings, scratch: Path) -> Listing:
    """List the images of a source as all settings say; see `list_source`.

    Args:
        source: The store of the images.
        settings: Of the run; the root may lie inside the source.
        scratch: Folder for a copy of the user's labels.
    """
    root = absolute_uri(settings.storage.root or "")
    return list_source(
        source,
        settings.data,
        skip=results_prefix(source.uri, root),
        labels=read_labels(settings, scratch),
    )


def list_source(
    store: Store,
    settings: DataSettings,
    *,
    skip: str = "",
    labels: Mapping[str, str] | None = None,
) -> Listing:
    """List the images of a source with their classes.

    A class comes from the user's labels, from `class_pattern`, or from a folder: the
    one that `classes` names, the one at `class_level`, or the level that alone makes
    sense. Hidden files, litter, side files (`.csv`, `.txt` …), masks beside their
    images and files without a class are left out, each with its reason. A link that
    leads nowhere is listed: what reads it says so.

    Args:
        store: The source.
        settings: How classes are told and chosen.
        skip: Prefix of keys that are not input: a root that lies inside the source.
        labels: Path → label of the user's CSV, if there is one.

    Raises:
        DataError: There is no such folder, no class or only one, several levels of
            folders may be the classes, or `classes` names what is not there.
    """
    _check_kind(store.uri)
    left_out: list[tuple[str, str]] = []
    found = _without_masks(list(_candidates(store, skip, left_out)), left_out)
    if not found:
        raise DataError(_no_images(store.uri, left_out))
    keys = [entry.key for entry in found]
    labelling = label_images(store.uri, settings, keys, labels)
    rows = []
    for entry in found:
        path, label = encode_name(entry.key), labelling.label_of(entry.key)
        if label is None:
            left_out.append((path, labelling.why_none))
        else:
            rows.append((path, entry.size_bytes, entry.change_mark, label))
    _check_links(rows, limit=settings.max_unreadable_fraction)
    names = sorted({row[-1] for row in rows})
    if len(names) < MIN_CLASSES:
        raise DataError(_too_few(store.uri, names))
    counts = Counter(reason for _, reason in left_out)
    logger.info(
        "event=listed source=%s images=%d classes=%s left_out=%s",
        store.uri, len(rows), ",".join(names), dict(sorted(counts.items())),
    )  # fmt: skip
    columns = zip(*sorted(rows), strict=True)
    return Listing(
        source=store.uri,
        table=pa.table(dict(zip(SCHEMA.names, columns, strict=True)), schema=SCHEMA),
        left_out=tuple(sorted(left_out)),
        notes=(*labelling.notes, *_twins(names)),
        tree=labelling.tree,
    )


def write_listing(store: Store, listing: Listing, *, name: str) -> str:
    """Write a listing under its digest and return the digest.

    Raises:
        DataError: The name belongs to another source.
    """
    note = json.dumps({"source": listing.source}, sort_keys=True).encode()
    if not store.create(layout.dataset_source(name), note):
        _check_source(store, listing.source, name=name)
    digest = listing.digest
    table = listing.table.replace_schema_metadata({"source": listing.source})
    store.create(layout.listing(name, digest), to_parquet(table))
    return digest


def read_listing(store: Store, *, name: str, digest: str) -> Listing:
    """Read a listing that `write_listing` wrote."""
    table = from_parquet(store.read(layout.listing(name, digest)))
    source = (table.schema.metadata or {})[b"source"].decode()
    return Listing(source=source, table=table.replace_schema_metadata(None))


def results_prefix(source: str, root: str) -> str:
    """Return the prefix of keys of a source that lie below the root; else nothing.

    Example:
        >>> results_prefix("file:///tiles", "file:///tiles/lcc-study")
        'lcc-study/'
    """
    inside = root.startswith(f"{source}/")
    return root.removeprefix(f"{source}/") + "/" if inside else ""


def _check_kind(uri: str) -> None:
    """Refuse a source that is no folder; an archive with the command that unpacks it.

    Raises:
        DataError: It is none.
    """
    if scheme_of(uri) != "file" or local_path(uri).is_dir():
        return
    path = local_path(uri)
    if path.is_file() and archive_ending(path.name):
        message = f"data.source: must be a folder, got the archive {path}. "
        raise DataError(message + how_to_unpack(path))
    found = "a file" if path.is_file() else "none"
    message = (
        f"data.source: must be a folder, got {path}, which is {found}. Check the path."
    )
    raise DataError(message)


def how_to_unpack(archive: Path) -> str:
    """Return the command that unpacks an archive beside itself.

    Example:
        >>> how_to_unpack(Path("/lungs.zip"))
        'Unpack it: unzip -q /lungs.zip -d /lungs; then name that folder.'
    """
    ending = archive_ending(archive.name) or ""
    folder = archive.with_name(archive.name[: -len(ending)])
    command = ARCHIVES[ending].format(
        archive=shlex.quote(str(archive)), folder=shlex.quote(str(folder))
    )
    if command.startswith("tar"):  # it makes no folder
        command = f"mkdir -p {shlex.quote(str(folder))} && {command}"
    return f"Unpack it: {command}; then name that folder."


def _candidates(
    store: Store, skip: str, left_out: list[tuple[str, str]]
) -> Iterator[ObjectInfo]:
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
        if reason is None and entry.change_mark == BROKEN_LINK and not path.suffix:
            reason = BROKEN_FOLDER
        if reason is None:
            yield entry
        else:
            left_out.append((encode_name(entry.key), reason))


def _without_masks(
    found: list[ObjectInfo], left_out: list[tuple[str, str]]
) -> list[ObjectInfo]:
    folders = {PurePosixPath(entry.key).parts[:-1] for entry in found}
    masks = find_mask_folders(folders)
    if not masks:
        return found
    kept = []
    for entry in found:
        parts = PurePosixPath(entry.key).parts
        if any(parts[:depth] in masks for depth in range(1, len(parts))):
            left_out.append((encode_name(entry.key), "mask"))
        else:
            kept.append(entry)
    return kept


def _no_images(uri: str, left_out: list[tuple[str, str]]) -> str:
    counts = Counter(reason for _, reason in left_out)
    found = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    archives = [path for path, reason in left_out if reason == "archive"]
    if archives and scheme_of(uri) == "file":
        hint = how_to_unpack(local_path(uri) / archives[0])
    else:
        hint = "Put the images of each class into a folder of its name."
    return (
        f"data.source: must hold one folder of images per class, got none in {uri} "
        f"({found or 'no file'}). {hint}"
    )


def _twins(names: list[str]) -> Iterator[str]:
    """Yield a note for each two classes whose names differ by case or spaces alone."""
    plain: dict[str, list[str]] = {}
    for name in names:
        plain.setdefault("".join(name.casefold().split()), []).append(name)
    for found in plain.values():
        if len(found) > 1:
            yield (
                f"{' and '.join(found)}: two classes whose names differ by case or "
                "spaces alone; if they are one, join them by data.classes"
            )


def _check_links(rows: list[tuple[str, int, str, str]], *, limit: float) -> None:
    """Refuse at once what could only fail once all images are read."""
    broken = [path for path, _, mark, _ in rows if mark == BROKEN_LINK]
    if len(broken) > limit * len(rows):
        message = (
            f"data.max_unreadable_fraction: at most {limit:g} of {len(rows)} files may "
            f"be unreadable, got {len(broken)} links to files that are not there: "
            f"{first_few(broken)}. {HOW_TO_PULL}, or raise the limit."
        )
        raise DataError(message)


def _too_few(uri: str, labels: list[str]) -> str:
    return (
        f"data.source: must hold at least {MIN_CLASSES} classes, got {len(labels)} "
        f"({', '.join(labels)}) in {uri}. Name the folder above the class folders, or "
        "choose more classes in data.classes."
    )


def _check_source(store: Store, source: str, *, name: str) -> None:
    known = json.loads(store.read(layout.dataset_source(name)))["source"]
    if known != source:
        message = (
            f"data.name: {name} must stay with its source {known}, got {source}. Pass "
            "--name with another name."
        )
        raise DataError(message)
