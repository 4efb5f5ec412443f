"""One contract, run against a folder and against a real S3 server."""

import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from lcc.errors import ConfigError, NotFoundError, UnavailableError
from lcc.storage.local import TEMPORARY_PREFIX
from lcc.storage.store import Store
from lcc.storage.uri import local_path, open_store

AWKWARD = "a folder/çlass, with\nnewline/100% #1?.jpeg"
LARGE_BYTES = (16 << 20) * 2 + 12_345  # three parts


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "file":
        return open_store(str(tmp_path / "a root"))
    bucket = request.getfixturevalue("s3_bucket")
    return open_store(f"s3://{bucket}/a prefix/study")


def test_what_was_written_is_read_back(store: Store):
    store.write(AWKWARD, b"tile")

    assert store.read(AWKWARD) == b"tile"
    assert store.exists(AWKWARD)


def test_bytes_come_with_the_change_mark_of_the_listing(store: Store):
    store.write("tile", b"tile")

    found = store.read_marked("tile")

    assert found == (b"tile", next(store.list_objects("tile")).change_mark)


def test_writing_again_replaces_the_object(store: Store):
    store.write("latest.json", b"first, and longer")

    store.write("latest.json", b"second")

    assert store.read("latest.json") == b"second"


def test_create_writes_once_and_says_who_wrote(store: Store):
    first = store.create("runs/x/settings.yaml", b"first")
    second = store.create("runs/x/settings.yaml", b"second")

    assert (first, second) == (True, False)
    assert store.read("runs/x/settings.yaml") == b"first"


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        pytest.param(0, 4, b"0123", id="head"),
        pytest.param(6, 2, b"67", id="middle"),
        pytest.param(8, 100, b"89", id="beyond the end"),
        pytest.param(3, 0, b"", id="nothing"),
        pytest.param(10, 3, b"", id="from the end"),
        pytest.param(99, 3, b"", id="far out"),
    ],
)
def test_a_range_is_cut_out(store: Store, start: int, length: int, expected: bytes):
    store.write("part", b"0123456789")

    assert store.read_range("part", start=start, length=length) == expected


def test_an_absorbed_file_is_the_object_and_gone(store: Store, tmp_path: Path):
    file = tmp_path / "part"
    file.write_bytes(b"tiles")
    store.write("work/part", b"old")

    store.absorb("work/part", file)

    assert store.read("work/part") == b"tiles"
    assert not file.exists()


def test_a_file_of_another_file_system_is_absorbed(tmp_path: Path):
    if not Path("/dev/shm").is_dir():  # noqa: S108 - a tmpfs, where there is one
        pytest.skip("no second file system: /dev/shm is missing")
    store = open_store(str(tmp_path / "root"))
    with tempfile.NamedTemporaryFile(dir="/dev/shm", delete=False) as file:
        file.write(b"tiles")

    store.absorb("work/part", Path(file.name))

    assert store.read("work/part") == b"tiles"
    assert not Path(file.name).exists()


def test_nothing_is_absorbed_where_one_cannot_write(tmp_path: Path):
    (tmp_path / "root").write_text("a file")
    part = tmp_path / "part"
    part.write_bytes(b"tiles")

    with pytest.raises(ConfigError, match="must be a folder one can write to"):
        open_store(str(tmp_path / "root")).absorb("work/part", part)

    assert part.read_bytes() == b"tiles"


@pytest.mark.parametrize("verb", ["read", "read_range", "fetch"])
def test_a_missing_object_is_not_found(store: Store, tmp_path: Path, verb: str):
    call = {
        "read": lambda: store.read("no/such"),
        "read_range": lambda: store.read_range("no/such", start=0, length=1),
        "fetch": lambda: store.fetch("no/such", tmp_path / "scratch"),
    }[verb]

    with pytest.raises(NotFoundError, match="no/such: not found"):
        call()


def test_a_listing_is_sorted_and_cut_by_prefix(store: Store):
    for key in ("b/2", "b/10", "b-1", "a/x", "b/é"):
        store.write(key, key.encode())

    found = list(store.list_objects("b/"))

    assert [item.key for item in found] == ["b/10", "b/2", "b/é"]
    assert [item.size_bytes for item in found] == [4, 3, 4]
    assert [item.key for item in store.list_objects()] == sorted(
        ["b/2", "b/10", "b-1", "a/x", "b/é"]
    )


def test_a_change_moves_the_change_mark(store: Store):
    store.write("tile", b"one")
    (before,) = store.list_objects("tile")

    store.write("tile", b"two")

    (after,) = store.list_objects("tile")
    assert before.change_mark != after.change_mark


def test_deleting_twice_is_as_good_as_once(store: Store):
    store.write("x", b"x")

    store.delete("x")
    store.delete("x")

    assert not store.exists("x")


def test_a_large_file_survives_the_way_up_and_down(store: Store, tmp_path: Path):
    file = tmp_path / "large"
    file.write_bytes(os.urandom(LARGE_BYTES))

    store.upload("tiles/large", file)
    copy = store.fetch("tiles/large", tmp_path / "scratch")

    assert copy.read_bytes() == file.read_bytes()
    assert store.fetch("tiles/large", tmp_path / "scratch") == copy


def _create(uri: str, content: bytes) -> bool:
    return open_store(uri).create("race", content)


def test_of_many_processes_that_create_one_object_one_wins(store: Store):
    contents = [f"process {number}".encode() for number in range(6)]

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        wins = list(pool.map(_create, [store.uri] * len(contents), contents))

    assert sum(wins) == 1
    assert store.read("race") == contents[wins.index(True)]


def test_what_a_killed_process_left_half_written_is_ended_a_day_later(
    store: Store, tmp_path: Path, request: pytest.FixtureRequest
):
    if store.uri.startswith("file"):
        folder = local_path(store.uri) / "runs"
        folder.mkdir(parents=True)
        (folder / f"{TEMPORARY_PREFIX}abc").write_bytes(b"half a model")
    else:
        bucket = request.getfixturevalue("s3_bucket")
        key = "a prefix/study/runs/model.keras"
        boto3.client("s3").create_multipart_upload(Bucket=bucket, Key=key)
    now = datetime.now(UTC)

    ended = [
        store.end_stale_uploads(before=moment)
        for moment in (now - timedelta(days=1), now + timedelta(days=1), now)
    ]

    assert ended == [0, 1, 0]


def test_an_upload_that_fails_leaves_nothing_open(
    s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = open_store(f"s3://{s3_bucket}/study")
    file = tmp_path / "large"
    file.write_bytes(bytes(LARGE_BYTES))
    client = store._client  # type: ignore[attr-defined]

    def refuse(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://away")

    monkeypatch.setattr(client, "upload_part", refuse)
    with pytest.raises(UnavailableError):
        store.upload("large", file)

    assert store.end_stale_uploads(before=datetime.now(UTC) + timedelta(days=1)) == 0
