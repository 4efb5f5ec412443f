"""The table of images that every later stage reads: one row per file of the source.

Knows columns, their digest and how the table is stored; not how families or splits were
found.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lcc.config.commands import command_line
from lcc.config.data import DataSettings
from lcc.data.digest import digest_rows
from lcc.data.parquet import from_parquet, to_parquet
from lcc.errors import DataError, NotFoundError
from lcc.storage import layout
from lcc.storage.pointers import check_version, read_latest, source_words
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri

SCHEMA = pa.schema(
    {
        "path": pa.string(),
        "size_bytes": pa.int64(),
        "md5": pa.string(),
        "sha256": pa.string(),
        "pixel_sha256": pa.string(),
        "width_px": pa.int64(),
        "height_px": pa.int64(),
        "label": pa.string(),
        "status": pa.string(),
        "reason": pa.string(),
        "duplicate_of": pa.string(),
        "family": pa.int64(),
        "group": pa.int64(),
        "split": pa.string(),
        "fold": pa.int64(),
        "record": pa.int64(),
    }
)
# The record number follows from the rows; all else makes the catalogue what it is.
DIGEST_COLUMNS = tuple(name for name in SCHEMA.names if name != "record")
AXIS = "axis_"  # begins the name of a column that a user brought
Codes = NDArray[np.int64]


class ImageStatus(StrEnum):
    """Whether a listed file is training material, or why it is none."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"
    CONFLICT = "conflict"


class Split(StrEnum):
    """Where an image belongs; training and validation are the development part."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All listed files, sorted by path; only kept rows are training material.

    Attributes:
        name: Data set.
        digest: SHA-256 of the rows; the same for the same images, wherever they lie and
            however many processes read them.
        table: Columns of `SCHEMA`, then one of texts for each axis.
    """

    name: str
    digest: str
    table: pa.Table

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Labels, sorted."""
        return tuple(sorted(pc.unique(self.table["label"]).to_pylist()))

    @cached_property
    def paths(self) -> list[str]:
        """Paths in text form (`lcc.data.digest.decode_name` gives the file name)."""
        return [str(path) for path in self.table["path"].to_pylist()]

    @cached_property
    def labels(self) -> Codes:
        """(n,) index into `class_names`, -1 where the image is not kept."""
        codes = {name: code for code, name in enumerate(self.class_names)}
        pairs = zip(
            self.table["label"].to_pylist(),
            self.table["status"].to_pylist(),
            strict=True,
        )
        found = [
            codes[label] if status == ImageStatus.KEPT else -1
            for label, status in pairs
        ]
        return np.array(found, dtype=np.int64)

    @cached_property
    def families(self) -> Codes:
        """(n,) family numbers, -1 for unreadable files."""
        return self._numbers("family")

    @cached_property
    def groups(self) -> Codes:
        """(n,) group numbers, -1 for unreadable files."""
        return self._numbers("group")

    @cached_property
    def folds(self) -> Codes:
        """(n,) fold numbers, -1 outside the development part."""
        return self._numbers("fold")

    @cached_property
    def records(self) -> Codes:
        """(n,) record numbers of the packed tiles, -1 where there is none."""
        return self._numbers("record")

    @cached_property
    def axes(self) -> dict[str, list[str | None]]:
        """Patient, slide, site …: axis → value of each file, None where unknown."""
        return {
            name.removeprefix(AXIS): self.table[name].to_pylist()
            for name in _axis_columns(self.table)
        }

    def rows(self, split: str | None = None) -> Codes:
        """Return the rows of kept images, all or those of one split, in table order."""
        chosen = pc.equal(self.table["status"], ImageStatus.KEPT.value)
        if split is not None:
            chosen = pc.and_(chosen, pc.equal(self.table["split"], str(split)))
        mask = pc.fill_null(chosen, fill_value=False).to_numpy(zero_copy_only=False)
        return np.flatnonzero(mask).astype(np.int64)

    def _numbers(self, column: str) -> Codes:
        filled = pc.fill_null(self.table[column], -1)
        return np.asarray(filled.to_numpy(), dtype=np.int64)


def add_axes(table: pa.Table, axes: Mapping[str, Sequence[str | None]]) -> pa.Table:
    """Return a table with a column for each axis, its name after `axis_`.

    Args:
        table: Columns of `SCHEMA`.
        axes: Value of each row; an empty one becomes null.
    """
    for name, values in axes.items():
        texts = pa.array([value or None for value in values], pa.string())
        table = table.append_column(f"{AXIS}{name}", texts)
    return table


def _axis_columns(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if name.startswith(AXIS)]


def digest_table(table: pa.Table) -> str:
    """Return the digest of a catalogue's rows.

    One JSON line of column names, then one per row in path order, without `record`.
    """
    names = [*DIGEST_COLUMNS, *_axis_columns(table)]
    columns = [table[name].to_pylist() for name in names]
    return digest_rows([names, *zip(*columns, strict=True)])


def write_catalogue(store: Store, table: pa.Table, *, name: str) -> Catalogue:
    """Write a table under its digest; the caller points at it when all is written.

    Written again where it is there: it may note an older format.
    """
    catalogue = Catalogue(name=name, digest=digest_table(table), table=table)
    version = {"format": str(layout.FORMAT_VERSION)}
    content = to_parquet(table.replace_schema_metadata(version))
    store.write(layout.catalogue(name, catalogue.digest), content)
    return catalogue


def read_catalogue(store: Store, *, name: str, digest: str | None = None) -> Catalogue:
    """Read a catalogue.

    Args:
        store: The root.
        name: Data set.
        digest: Digest or its first digits; none means the latest.

    Raises:
        NotFoundError: There is none.
        DataError: Several begin with these digits, or another version wrote it.
    """
    if digest is None:
        found = read_latest(store, name)
    else:
        found = _full_digest(store, name, digest)
    key = layout.catalogue(name, found)
    table = from_parquet(store.read(key))
    version = (table.schema.metadata or {}).get(b"format", b"none").decode()
    check_version(shown_uri(store.uri, key), version)
    return Catalogue(name=name, digest=found, table=table.replace_schema_metadata(None))


def read_split_rules(store: Store, settings: DataSettings) -> dict[str, Any]:
    """Return what splits and folds were to keep, from the `splits.json` of a catalogue.

    Args:
        store: The root.
        settings: Name the data set, and the catalogue unless it is the latest.

    Raises:
        NotFoundError: There is none.
        DataError: Several begin with these digits.
    """
    name = settings.name or ""
    digest = settings.catalogue or read_latest(store, name)
    key = layout.splits(name, _full_digest(store, name, digest))
    return dict(json.loads(store.read(key))["rules"])


def _full_digest(store: Store, name: str, digits: str) -> str:
    entries = store.list_objects(layout.catalogues_prefix(name, digits))
    digests = (layout.catalogue_digest_of(entry.key) for entry in entries)
    found = sorted(digest for digest in digests if digest is not None)
    if not found:
        message = (
            f"data.catalogue: must be a catalogue of {name}, got {digits}, which is "
            "none. Leave it out for the latest, or make it: "
            f"{command_line('prepare', *source_words(store, name))}"
        )
        raise NotFoundError(message)
    if len(found) > 1:
        message = (
            f"data.catalogue: must begin one digest, got {digits} for {len(found)} "
            f"({', '.join(f[:12] for f in found)}). Give more digits."
        )
        raise DataError(message)
    return found[0]
