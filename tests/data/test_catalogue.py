"""The table that later stages read."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from lcc.config.data import DataSettings
from lcc.data.catalogue import (
    SCHEMA,
    add_axes,
    digest_table,
    read_catalogue,
    read_split_rules,
    write_catalogue,
)
from lcc.data.parquet import from_parquet, to_parquet
from lcc.errors import DataError, NotFoundError
from lcc.storage import layout
from lcc.storage.local import LocalStore
from lcc.storage.pointers import write_latest

ROWS = (
    {
        "path": "n/1",
        "label": "n",
        "status": "kept",
        "split": "train",
        "fold": 1,
        "record": 0,
    },
    {"path": "n/2", "label": "n", "status": "duplicate", "record": 1},
    {"path": "s/1", "label": "s", "status": "kept", "split": "test", "record": 2},
    {"path": "s/2", "label": "s", "status": "unreadable"},
)


def a_table(**first) -> pa.Table:
    return pa.Table.from_pylist([ROWS[0] | first, *ROWS[1:]], schema=SCHEMA)


def write(store: LocalStore, table: pa.Table) -> str:
    catalogue = write_catalogue(store, table, name="tiles")
    write_latest(store, catalogue.name, catalogue.digest)
    return catalogue.digest


def test_the_latest_is_read_unless_told(tmp_path: Path):
    store = LocalStore(tmp_path)
    old, new = write(store, a_table(fold=0)), write(store, a_table())

    assert read_catalogue(store, name="tiles").digest == new
    assert read_catalogue(store, name="tiles", digest=old[:8]).digest == old


def test_rows_and_codes_are_of_kept_images(tmp_path: Path):
    store = LocalStore(tmp_path)
    write(store, a_table())

    catalogue = read_catalogue(store, name="tiles")

    assert catalogue.class_names == ("n", "s")
    assert catalogue.rows().tolist() == [0, 2]
    assert catalogue.rows("test").tolist() == [2]
    assert catalogue.labels.tolist() == [0, -1, 1, -1]
    assert catalogue.folds.tolist() == [1, -1, -1, -1]
    assert catalogue.records.tolist() == [0, 1, 2, -1]
    assert catalogue.families.tolist() == [-1] * 4
    assert catalogue.groups.tolist() == [-1] * 4
    assert catalogue.paths == ["n/1", "n/2", "s/1", "s/2"]


def test_the_digest_covers_every_column_but_the_record():
    digest = digest_table(a_table())

    assert digest_table(a_table(record=9)) == digest
    assert digest_table(a_table(split="test")) != digest


def test_the_rules_of_a_split_are_read_by_a_few_digits(tmp_path: Path):
    store = LocalStore(tmp_path)
    digest = write(store, a_table())
    rules = {"never_split": ["family", "patient"]}
    store.write(layout.splits("tiles", digest), json.dumps({"rules": rules}).encode())

    for digits in (digest[:8], None):
        data = DataSettings(name="tiles", catalogue=digits)
        assert read_split_rules(store, data) == rules


def test_axes_are_columns_of_texts_and_make_the_digest(tmp_path: Path):
    store = LocalStore(tmp_path)
    table = add_axes(a_table(), {"site": ["Bern", "", "Basel", None]})

    written = write_catalogue(store, table, name="tiles")

    again = read_catalogue(store, name="tiles", digest=written.digest)
    assert again.axes == {"site": ["Bern", None, "Basel", None]}
    other = add_axes(a_table(), {"site": ["Bern", "", "Bern", None]})
    assert len({digest_table(t) for t in (a_table(), table, other)}) == 3


def test_no_catalogue_says_what_to_run(tmp_path: Path):
    with pytest.raises(NotFoundError, match="or run first: lcc-launch prepare SOURCE"):
        read_catalogue(LocalStore(tmp_path), name="tiles")


def test_an_unknown_digest_is_said_so(tmp_path: Path):
    store = LocalStore(tmp_path)
    write(store, a_table())

    with pytest.raises(
        NotFoundError, match="must be a catalogue of tiles, got 00000000"
    ):
        read_catalogue(store, name="tiles", digest="0" * 8)


def test_digits_must_begin_one_digest(tmp_path: Path):
    store = LocalStore(tmp_path)
    for fold in range(20):  # two of 20 begin with the same of 16 digits
        write(store, a_table(fold=fold))
    first = [
        path.name[0] for path in (tmp_path / "datasets/tiles/catalogues").iterdir()
    ]
    shared = next(digit for digit in first if first.count(digit) > 1)

    with pytest.raises(DataError, match="Give more digits"):
        read_catalogue(store, name="tiles", digest=shared)


def test_a_catalogue_of_another_format_is_refused(tmp_path: Path):
    store = LocalStore(tmp_path)
    key = layout.catalogue("tiles", write(store, a_table()))
    other = from_parquet(store.read(key)).replace_schema_metadata({"format": "99"})
    store.write(key, to_parquet(other))

    with pytest.raises(DataError, match=r"format must be .*, got 99"):
        read_catalogue(store, name="tiles")


def test_a_catalogue_of_another_format_is_mended_by_writing_it_anew(tmp_path: Path):
    store = LocalStore(tmp_path)
    key = layout.catalogue("tiles", write(store, a_table()))
    other = from_parquet(store.read(key)).replace_schema_metadata({"format": "1"})
    store.write(key, to_parquet(other))

    digest = write(store, a_table())

    assert read_catalogue(store, name="tiles").digest == digest


def test_a_pointer_of_another_format_is_refused(tmp_path: Path):
    store = LocalStore(tmp_path)
    document = {"catalogue": write(store, a_table()), "format": 99}
    store.write(layout.latest("tiles"), json.dumps(document).encode())

    with pytest.raises(DataError, match=r"format must be .*, got 99"):
        read_catalogue(store, name="tiles")
