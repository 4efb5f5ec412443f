"""What only a network can show: refusals, absence, trouble that passes."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lcc.config.storage import StorageSettings
from lcc.errors import ConfigError, UnavailableError
from lcc.storage.s3 import S3Store
from tests.conftest import Server, free_port

pytestmark = pytest.mark.usefixtures("s3_server")


def test_a_missing_bucket_is_named():
    store = S3Store("s3://no-such-bucket/study", StorageSettings())

    with pytest.raises(ConfigError, match="bucket no-such-bucket must exist"):
        store.read("x")
    with pytest.raises(ConfigError, match="bucket no-such-bucket must exist"):
        list(store.list_objects())


def test_refused_keys_are_named(s3_bucket: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    store = S3Store(f"s3://{s3_bucket}", StorageSettings())

    with pytest.raises(ConfigError, match="these keys may not do this"):
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

    def do_GET(self) -> None:
        type(self).num_tries += 1
        failed = self.num_tries <= self.num_failures
        body = b"" if failed else b"tile"
        self.send_response(503 if failed else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def troubled_endpoint() -> Iterator[str]:
    # A real server cannot be made to answer 503 twice and then well.
    _Trouble.num_tries = 0
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
