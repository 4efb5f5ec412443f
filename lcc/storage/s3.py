"""Objects in an S3 bucket, or any store that speaks its protocol; the only boto3 here.

Retries with jitter, multi-part uploads and parallel range reads are boto3's; what is
ours is the meaning of each error.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from lcc.config.storage import StorageSettings
from lcc.errors import ConfigError, LccError, NotFoundError, UnavailableError
from lcc.storage.store import ObjectInfo

PART_BYTES = 16 << 20  # above it an object goes up in parts, and comes down in ranges
NUM_THREADS = 8  # saturates a 10 Gbit/s link at 16 MiB a part; pool is sized to it
MISSING = {"404", "NoSuchKey", "NotFound"}
REFUSED = {
    "401",
    "403",
    "AccessDenied",
    "AllAccessDisabled",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
}
EXISTS = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}


class S3Store:
    """A `Store` on `s3://bucket/prefix`.

    Keys come from the environment or the machine's own identity, as boto3 finds them.

    Args:
        uri: `s3://bucket/prefix`.
        settings: Endpoint, region, tries and time-out.

    Raises:
        ConfigError: The URI names no bucket.
    """

    def __init__(self, uri: str, settings: StorageSettings) -> None:
        self.bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        if not self.bucket:
            message = f"{uri}: must name a bucket. Use s3://bucket/prefix."
            raise ConfigError(message)
        self.prefix = prefix.rstrip("/")
        self.settings = settings

    @property
    def uri(self) -> str:
        """Root as `s3://bucket/prefix`."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def read(self, key: str) -> bytes:
        """Return the whole object."""
        with self._translating(key):
            answer = self._client.get_object(Bucket=self.bucket, Key=self._key(key))
            return bytes(answer["Body"].read())

    def read_marked(self, key: str) -> tuple[bytes, str]:
        """Return the whole object, and the change mark of these very bytes."""
        with self._translating(key):
            answer = self._client.get_object(Bucket=self.bucket, Key=self._key(key))
            return bytes(answer["Body"].read()), _change_mark(answer)

    def read_range(self, key: str, *, start: int, length: int) -> bytes:
        """Return at most `length` bytes from offset `start`."""
        if length == 0:
            return b""
        with self._translating(key):
            answer = self._client.get_object(
                Bucket=self.bucket,
                Key=self._key(key),
                Range=f"bytes={start}-{start + length - 1}",
            )
            return bytes(answer["Body"].read())

    def write(self, key: str, data: bytes) -> None:
        """Write the object whole, replacing what was there."""
        with self._translating(key):
            self._client.put_object(Bucket=self.bucket, Key=self._key(key), Body=data)

    def create(self, key: str, data: bytes) -> bool:
        """Write the object unless one exists; return whether this call wrote it."""
        try:
            with self._translating(key):
                self._client.put_object(
                    Bucket=self.bucket, Key=self._key(key), Body=data, IfNoneMatch="*"
                )
        except _AlreadyExistsError:
            return False
        return True

    def upload(self, key: str, path: Path) -> None:
        """Write a file as one object, in parallel parts above 16 MiB."""
        with self._translating(key):
            self._client.upload_file(
                str(path), self.bucket, self._key(key), Config=self._transfer
            )

    def absorb(self, key: str, path: Path) -> None:
        """Upload a file and remove it."""
        self.upload(key, path)
        path.unlink()

    def fetch(self, key: str, folder: Path) -> Path:
        """Copy the object below `folder`, in parallel ranges; return the copy."""
        target = folder / self.bucket / self._key(key)
        if target.exists():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=target.parent, delete=False) as temporary:
            copy = Path(temporary.name)
        try:
            with self._translating(key):
                self._client.download_file(
                    self.bucket, self._key(key), str(copy), Config=self._transfer
                )
            copy.replace(target)
        finally:
            copy.unlink(missing_ok=True)
        return target

    def exists(self, key: str) -> bool:
        """Return whether the object is there."""
        try:
            with self._translating(key):
                self._client.head_object(Bucket=self.bucket, Key=self._key(key))
        except NotFoundError:
            return False
        return True

    def list_objects(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose key starts with `prefix`, sorted by code points."""
        found = []
        with self._translating(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self._key(prefix)
            )
            for page in pages:
                found += page.get("Contents", ())
        skip = len(self._key(""))
        for entry in sorted(found, key=lambda entry: str(entry["Key"])):
            if not entry["Key"].endswith("/"):  # the marker of an empty folder
                yield ObjectInfo(
                    key=entry["Key"][skip:],
                    size_bytes=entry["Size"],
                    change_mark=_change_mark(entry),
                )

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens where there is none."""
        with self._translating(key):
            self._client.delete_object(Bucket=self.bucket, Key=self._key(key))

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    @cached_property
    def _client(self) -> Any:
        config = Config(
            retries={
                "mode": "standard",
                "total_max_attempts": self.settings.max_attempts,
            },
            connect_timeout=min(self.settings.timeout_seconds, 10.0),
            read_timeout=self.settings.timeout_seconds,
            max_pool_connections=NUM_THREADS,
            # Path style where an endpoint is named: few on-premise stores have the
            # wildcard DNS that bucket.host needs.
            s3={"addressing_style": "path" if self.settings.endpoint_url else "auto"},
        )
        with self._translating(""):
            return boto3.session.Session().client(
                "s3",
                endpoint_url=self.settings.endpoint_url,
                region_name=self.settings.region,
                config=config,
            )

    @property
    def _transfer(self) -> TransferConfig:
        return TransferConfig(
            multipart_threshold=PART_BYTES,
            multipart_chunksize=PART_BYTES,
            max_concurrency=NUM_THREADS,
        )

    @contextmanager
    def _translating(self, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as err:
            raise self._meaning(err, key) from err
        except NoCredentialsError as err:
            message = (
                f"{self.uri}: needs keys, got none. Set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or give this machine an identity."
            )
            raise ConfigError(message) from err
        except Boto3Error as err:  # of a transfer; the cause is in its context
            cause = err.__context__
            if isinstance(cause, ClientError):
                raise self._meaning(cause, key) from err
            raise self._unavailable(err) from err
        except (BotoCoreError, OSError) as err:
            raise self._unavailable(err) from err
        except ValueError as err:  # botocore's answer to a malformed endpoint
            message = f"storage.endpoint_url: {err}. Use http://host:port."
            raise ConfigError(message) from err

    def _meaning(self, err: ClientError, key: str) -> LccError:
        code = str(err.response.get("Error", {}).get("Code", ""))
        place = f"{self.uri}/{key}".rstrip("/")
        if code in MISSING:
            return NotFoundError(f"{place}: not found. Check the URI.")
        if code in EXISTS:
            return _AlreadyExistsError(f"{place}: exists already.")
        if code == "NoSuchBucket":
            message = (
                f"storage: bucket {self.bucket} must exist, got none. Make it, or pass "
                "another URI."
            )
            return ConfigError(message)
        if code in REFUSED:
            message = (
                f"{place}: these keys may not do this, got {code}. Check "
                "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy."
            )
            return ConfigError(message)
        return self._unavailable(err)

    def _unavailable(self, err: Exception) -> UnavailableError:
        endpoint = self.settings.endpoint_url or "the S3 endpoint"
        return UnavailableError(
            f"{self.uri}: {endpoint} must answer, got {err}. Check the endpoint "
            "(storage.endpoint_url, AWS_ENDPOINT_URL_S3) and try again; finished "
            "parts are kept."
        )


def _change_mark(answer: dict[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')


class _AlreadyExistsError(LccError):
    """A create-only write met an object; never leaves this file."""
