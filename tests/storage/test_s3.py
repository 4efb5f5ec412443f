"""What only a network can show: refusals, absence, trouble that passes."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lcc.config.storage import StorageSettings
from lcc.errors import ConfigError, DataError, RefusedLoginError, UnavailableError
from lcc.storage.s3 import S3Store
from tests.conftest import Server, free_port

pytestmark = pytest.mark.usefixtures("s3_server")


def test_a_missing_bucket_is_named(tmp_path: Path):
    store = S3Store("s3://no-such-bucket/study", StorageSettings())

    with pytest.raises(ConfigError, match="bucket no-such-bucket must exist"):
        store.read("x")
    with pytest.raises(ConfigError, match="bucket no-such-bucket must exist"):
        list(store.list_objects())
    with pytest.raises(ConfigError, match="bucket no-such-bucket must exist"):
        store.exists("x")  # HEAD answers 404 to a missing bucket and a missing object
    with pytest.raises(ConfigError, match="bucket no-such-bucket must exist"):
        store.fetch("x", tmp_path)


def test_refused_keys_are_named(s3_bucket: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    store = S3Store(f"s3://{s3_bucket}", StorageSettings())

    with pytest.raises(RefusedLoginError, match="these keys may not do this"):
        store.write("x", b"")


def test_absent_keys_are_named(s3_bucket: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = S3Store(f"s3://{s3_bucket}", StorageSettings())

    with pytest.raises(ConfigError, match="needs keys, got none"):
        store.read("x")


def test_an_endpoint_that_is_away_is_temporary():
    endpoint = f"http://127.0.0.1:{free_port()}"
    settings = StorageSettings(endpoint_url=endpoint, max_attempts=2)

    with pytest.raises(UnavailableError, match=endpoint):
        S3Store("s3://lab/study", settings).read("x")


def test_a_uri_without_bucket_is_refused():
    with pytest.raises(ConfigError, match="must name a bucket"):
        S3Store("s3:///study", StorageSettings())


class _Trouble(BaseHTTPRequestHandler):
    """Answer 503 to the first tries, then let the request through."""

    num_tries = 0
    num_failures = 2
    status = 503
    stored: bytes | None = None

    def do_GET(self) -> None:
        type(self).num_tries += 1
        failed = self.num_tries <= self.num_failures
        if failed and self.status == 200:  # a body that breaks off
            self._answer(200, b"ti", length=4)
            self.connection.shutdown(socket.SHUT_RDWR)
        elif failed:
            self._answer(self.status, b"")
        else:
            self._answer(200, self.stored or b"tile")

    def do_PUT(self) -> None:
        """Store, but answer 500 to the first try; then the object exists."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(500 if type(self).stored is None else 412, b"")
        type(self).stored = type(self).stored or body

    def _answer(self, status: int, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(body)))
        self.send_header("ETag", '"mark"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def troubled_endpoint() -> Iterator[str]:
    # A real server cannot be made to answer 503 twice and then well.
    _Trouble.num_tries, _Trouble.num_failures = 0, 2
    _Trouble.status, _Trouble.stored = 503, None
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Trouble)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_trouble_that_passes_is_retried(troubled_endpoint: str):
    settings = StorageSettings(endpoint_url=troubled_endpoint, max_attempts=3)

    assert S3Store("s3://lab/study", settings).read("x") == b"tile"
    assert _Trouble.num_tries == 3


def test_trouble_that_stays_ends_as_temporary(troubled_endpoint: str):
    settings = StorageSettings(endpoint_url=troubled_endpoint, max_attempts=2)

    with pytest.raises(UnavailableError, match="503"):
        S3Store("s3://lab/study", settings).read("x")


def test_large_objects_go_up_in_parts(s3_server: Server, s3_bucket: str, tmp_path):
    import boto3

    file = tmp_path / "large"
    file.write_bytes(bytes((16 << 20) + 1))

    S3Store(f"s3://{s3_bucket}", StorageSettings()).upload("large", file)

    client = boto3.client("s3", endpoint_url=s3_server.url)
    etag = client.head_object(Bucket=s3_bucket, Key="large")["ETag"]
    assert etag.strip('"').endswith("-2")


def test_a_body_that_breaks_off_is_read_again(troubled_endpoint: str):
    _Trouble.status = 200
    settings = StorageSettings(endpoint_url=troubled_endpoint, max_attempts=3)

    assert S3Store("s3://lab/study", settings).read("x") == b"tile"
    assert _Trouble.num_tries == 3


@pytest.mark.parametrize("status", [301, 400, 405])
def test_an_answer_that_will_not_change_is_not_called_temporary(
    troubled_endpoint: str, status: int
):
    _Trouble.status = status
    settings = StorageSettings(endpoint_url=troubled_endpoint, max_attempts=2)

    with pytest.raises(ConfigError, match="must accept the request"):
        S3Store("s3://lab/study", settings).read("x")


@pytest.mark.parametrize(("data", "wrote"), [(b"mine", True), (b"other", False)])
def test_a_create_whose_first_answer_was_lost_knows_its_own_bytes(
    troubled_endpoint: str, data: bytes, *, wrote: bool
):
    _Trouble.num_failures = 0
    _Trouble.stored = None if wrote else b"mine"
    settings = StorageSettings(endpoint_url=troubled_endpoint, max_attempts=3)

    assert S3Store("s3://lab/study", settings).create("x", data) is wrote


def test_half_a_pair_of_keys_is_named(s3_bucket: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(ConfigError, match="needs keys"):
        S3Store(f"s3://{s3_bucket}", StorageSettings()).read("x")


def test_a_bucket_name_that_cannot_be_is_the_users_mistake():
    with pytest.raises(ConfigError, match="must be a valid address"):
        S3Store("s3://My Bucket/study", StorageSettings()).read("x")


def test_a_name_that_is_not_utf8_is_named(s3_bucket: str):
    with pytest.raises(DataError, match="takes UTF-8 names"):
        S3Store(f"s3://{s3_bucket}", StorageSettings()).write("t-\udcff", b"")


def test_an_object_above_the_root_is_not_fetched(s3_bucket: str, tmp_path: Path):
    with pytest.raises(DataError, match="must lie below the root"):
        S3Store(f"s3://{s3_bucket}", StorageSettings()).fetch("../../x", tmp_path)
