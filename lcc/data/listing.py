"""List the image files of a source, sorted, without opening any.

Knows folders and names of classes; not what is inside a file.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePosixPath

import pyarrow as pa

from lcc.config.data import DataSettings
from lcc.data.digest import digest_rows, encode_name
from lcc.data.parquet import from_parquet, to_parquet
from lcc.errors import DataError
from lcc.storage import layout
from lcc.storage.store import ObjectInfo, Store
from lcc.storage.uri import local_path, scheme_of

logger = logging.getLogger(__name__)
# Files that lie beside images and are none. Anything else in a class folder is listed,
# and what turns out to be no image is counted as unreadable.
SIDE_FILES = (
    ".csv", ".db", ".htm", ".html", ".ini", ".json", ".jsonl", ".log", ".md",
    ".parquet", ".pdf", ".py", ".sha256", ".tsv", ".txt", ".xlsx", ".xml", ".yaml",
    ".yml", ".zip",
)  # fmt: skip
SIDE_FOLDERS = frozenset({"__MACOSX"})  # what macOS adds to an archive
MIN_CLASSES = 2
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
    """

    source: str
    table: pa.Table

    @property
    def digest(self) -> str:
        """SHA-256 of source and rows; differs when any file was changed."""
        columns = self.table.to_pydict().values()
        return digest_rows([(self.source,), *zip(*columns, strict=True)])

    def __len__(self) -> int:
        """Return the number of files."""
        return int(self.table.num_rows)


def list_source(store: Store, settings: DataSettings, *, skip: str = "") -> Listing:
    """List the images of a source: the class of each is the folder it lies in.

    Hidden files, side files (`.csv`, `.txt` …), files outside a class folder and those
    of classes that were not chosen are left out and counted in the log.

    Args:
        store: The source.
        settings: `classes` chooses folders, by name or by path, and names the classes.
        skip: Prefix of keys that are not input: a root that lies inside the source.

    Raises:
        DataError: There is no such folder, no class folder, only one class, or
            `classes` names a folder that is not there.
    """
    _check_folder(store.uri)
    counts: Counter[str] = Counter()
    found = [entry for entry in store.list_objects() if _is_image(entry, skip, counts)]
    _check_classes(store.uri, settings.classes, found)
    rows = list(_rows(found, settings.classes, counts))
    labels = sorted({str(row[-1]) for row in rows})
    if len(labels) < MIN_CLASSES:
        raise DataError(_too_few(store.uri, labels))
    logger.info(
        "event=listed source=%s images=%d classes=%s left_out=%s",
        store.uri, len(rows), ",".join(labels), dict(sorted(counts.items())),
    )  # fmt: skip
    columns = zip(*sorted(rows), strict=True)
    table = pa.table(dict(zip(SCHEMA.names, columns, strict=True)), schema=SCHEMA)
    return Listing(source=store.uri, table=table)


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


def _check_folder(uri: str) -> None:
    if scheme_of(uri) == "file" and not local_path(uri).is_dir():
        message = (
            f"data.source: must be a folder, got {local_path(uri)}, which is none. "
            "Check the path."
        )
        raise DataError(message)


def why_no_image(path: PurePosixPath) -> str | None:
    """Return why a file is none of the images it lies beside, None if it may be one.

    Example:
        >>> why_no_image(PurePosixPath("lung_n/notes.txt"))
        'side_file'
    """
    if any(part.startswith(".") or part in SIDE_FOLDERS for part in path.parts):
        return "hidden"
    return "side_file" if path.suffix.lower() in SIDE_FILES else None


def _is_image(entry: ObjectInfo, skip: str, counts: Counter[str]) -> bool:
    path = PurePosixPath(entry.key)
    if skip and entry.key.startswith(skip):
        counts["results"] += 1
    elif reason := why_no_image(path):
        counts[reason] += 1
    elif len(path.parts) == 1:
        counts["outside_class_folder"] += 1
    else:
        return True
    return False


def _rows(
    found: list[ObjectInfo], classes: Mapping[str, str] | None, counts: Counter[str]
) -> Iterator[tuple[str, int, str, str]]:
    for entry in found:
        label = _label(entry.key, classes)
        if label is None:
            counts["class_not_chosen"] += 1
        else:
            path = encode_name(entry.key)
            yield path, entry.size_bytes, entry.change_mark, label


def _label(key: str, classes: Mapping[str, str] | None) -> str | None:
    folder = PurePosixPath(key).parent
    if classes is None:
        return encode_name(folder.name)
    return classes.get(encode_name(str(folder)), classes.get(encode_name(folder.name)))


def _check_classes(
    uri: str, classes: Mapping[str, str] | None, found: list[ObjectInfo]
) -> None:
    folders = {PurePosixPath(entry.key).parent for entry in found}
    if not folders:
        message = (
            f"data.source: must hold one folder of images per class, got none in "
            f"{uri}. Put the images of each class into a folder of its name."
        )
        raise DataError(message)
    names = sorted({encode_name(text) for f in folders for text in (f.name, str(f))})
    faults = []
    for folder in sorted(set(classes or ()) - set(names)):
        near = get_close_matches(folder, names, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Folders: {', '.join(names)}."
        faults.append(
            f"data.classes: must name folders of {uri}, got {folder}, which holds no "
            f"images. {hint}"
        )
    if faults:
        raise DataError("\n".join(faults))


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
