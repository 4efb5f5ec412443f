"""List the image files of a source with their classes, sorted, without opening any.

Knows the order of these acts and how a listing is kept; not which files may be images
(`sources`), nor how classes are told (`labelling`).
"""

import json
import logging
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from lcc.config.data import DataSettings
from lcc.config.settings import Settings
from lcc.data.digest import digest_rows, encode_name
from lcc.data.parquet import from_parquet, to_parquet
from lcc.errors import DataError
from lcc.listing.folder_tree import MIN_CLASSES
from lcc.listing.labelling import Labelling, label_images
from lcc.listing.labels import read_labels
from lcc.listing.sources import LeftOut, check_links, find_images
from lcc.storage import layout
from lcc.storage.store import ObjectInfo, Store
from lcc.storage.uri import absolute_uri, shown_uri

logger = logging.getLogger(__name__)
TABLES = (".csv", ".tsv")
MAX_TABLES = 5  # more are one for each slide or the like
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

    @property
    def class_names(self) -> tuple[str, ...]:
        """Labels, sorted."""
        return tuple(sorted(set(self.table["label"].to_pylist())))

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
    told = read_labels(settings, scratch)
    listing = list_source(
        source,
        settings.data,
        skip=results_prefix(source.uri, root),
        labels=told.by_path if told else None,
    )
    notes = told.notes if told else ()
    return replace(listing, notes=(*notes, *listing.notes))


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
    found, left_out = find_images(store, skip=skip)
    keys = [entry.key for entry in found]
    try:
        labelling = label_images(shown_uri(store.uri), settings, keys, labels)
    except DataError as err:
        hint = _hint_at_tables(store.uri, left_out) if labels is None else ""
        message = f"{err}{hint}"
        raise DataError(message) from err
    rows = sorted(_rows(found, labelling, left_out))
    check_links(rows, limit=settings.max_unreadable_fraction)
    names = sorted({row[-1] for row in rows})
    if len(names) < MIN_CLASSES:
        raise DataError(_too_few(shown_uri(store.uri), names))
    counts = Counter(reason for _, reason in left_out)
    logger.info(
        "event=listed source=%s images=%d classes=%s left_out=%s",
        store.uri, len(rows), ",".join(names), dict(sorted(counts.items())),
    )  # fmt: skip
    columns = zip(*rows, strict=True)
    return Listing(
        source=store.uri,
        table=pa.table(dict(zip(SCHEMA.names, columns, strict=True)), schema=SCHEMA),
        left_out=tuple(sorted(left_out)),
        notes=(*labelling.notes, *_twins(names)),
        tree=labelling.tree,
    )


def _rows(
    found: Iterable[ObjectInfo], labelling: Labelling, left_out: LeftOut
) -> Iterator[tuple[str, int, str, str]]:
    """Yield the rows of images that have a class; adds the others to `left_out`."""
    for entry in found:
        path, label = encode_name(entry.key), labelling.label_of(entry.key)
        if label is None:
            left_out.append((path, labelling.why_none))
        else:
            yield path, entry.size_bytes, entry.change_mark, label


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


def _hint_at_tables(uri: str, left_out: LeftOut) -> str:
    """Return which tables lie among the images: one may hold their labels."""
    tables = [path for path, _ in left_out if path.casefold().endswith(TABLES)]
    if not tables or len(tables) > MAX_TABLES:
        return ""
    folder = shown_uri(uri)
    given = (shlex.quote(f"data.labels_csv={folder}/{path}") for path in tables)
    lines = [f"\n  --set {text}" for text in given]
    return f"\nIf one of these holds path and label:{''.join(lines)}"


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
            f"data.name: {name} must stay with its source {shown_uri(known)}, got "
            f"{shown_uri(source)}. Pass "
            "--name with another name."
        )
        raise DataError(message)
