"""Store objects in an S3 bucket, or in any store that speaks its protocol.

The only user of boto3, whose are retries with jitter, multi-part uploads and parallel
range reads; what an error means is in `s3_errors`.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
)

from lcc.config.storage import StorageSettings
from lcc.errors import ConfigError, LccError, NotFoundError
from lcc.storage import s3_errors
from lcc.storage.local import FULL
from lcc.storage.store import ObjectInfo, check_key

PART_BYTES = 16 << 20  # above it an object goes up in parts, and comes down in ranges
NUM_THREADS = 8  # saturates a 10 Gbit/s link at 16 MiB a part; pool is sized to it
# Faults that reach no endpoint, or get no answer; the first that fits counts.
OWN_FAULTS: tuple[tuple[tuple[type[Exception], ...], Callable[..., LccError]], ...] = (
    (
        (NoCredentialsError, PartialCredentialsError, ProfileNotFound, SSOError),
        s3_errors.no_keys,
    ),
    ((ParamValidationError,), s3_errors.bad_address),
    ((UnicodeEncodeError,), s3_errors.bad_name),
    ((Boto3Error, BotoCoreError, OSError), s3_errors.unavailable),
    (
        (ValueError,),
        s3_errors.bad_endpoint,
    ),  # botocore's of a malformed endpoint
)
FAULTS = (ClientError, *(kind for kinds, _ in OWN_FAULTS for kind in kinds))


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
            near = f"Did you mean s3://{rest}? " if (rest := prefix.strip("/")) else ""
            message = f"{uri}: must name a bucket. {near}Use s3://bucket/prefix."
            raise ConfigError(message)
        self.prefix = prefix.rstrip("/")
        self.settings = settings
        self.endpoint = settings.endpoint_url or "the S3 endpoint"

    @property
    def uri(self) -> str:
        """Root as `s3://bucket/prefix`."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def read(self, key: str) -> bytes:
        """Return the whole object."""
        return self._read(key)[0]

    def read_marked(self, key: str) -> tuple[bytes, str]:
        """Return the whole object, and the change mark of these very bytes."""
        return self._read(key)

    def read_range(self, key: str, *, start: int, length: int) -> bytes:
        """Return at most `length` bytes from offset `start`."""
        if length == 0:
            return b""
        try:
            return self._read(key, Range=f"bytes={start}-{start + length - 1}")[0]
        except s3_errors.BeyondEndError:
            return b""

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
        except s3_errors.AlreadyExistsError as err:
            # A try whose answer was lost may have written it: then the bytes are these.
            return err.num_retries > 0 and self.read(key) == data
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
        check_key(key)
        target = folder / self.bucket / self._key(key)
        if target.exists():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=target.parent, delete=False) as temporary:
            copy = Path(temporary.name)
        try:
            with self._translating(key), self._absence_of(key):
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
            with self._translating(key), self._absence_of(key):
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

    def broken_links(self) -> Iterator[str]:
        """Yield nothing: a bucket has no links."""
        return iter(())

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens where there is none."""
        with self._translating(key):
            self._client.delete_object(Bucket=self.bucket, Key=self._key(key))

    def end_stale_uploads(self, *, before: datetime) -> int:
        """End uploads in parts that a killed process left open below the root.

        Args:
            before: Those begun before this moment, which nobody works on any more.

        Returns:
            How many were ended; their parts took room that no listing shows.
        """
        stale = []
        with self._translating(""):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self.bucket, Prefix=self._key("")
            )
            for page in pages:
                stale += [u for u in page.get("Uploads", ()) if u["Initiated"] < before]
            for upload in stale:
                self._client.abort_multipart_upload(
                    Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
        return len(stale)

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

    def _read(self, key: str, **options: str) -> tuple[bytes, str]:
        """Get an object; botocore retries the request, this a body that breaks off."""
        for attempt in range(1, self.settings.max_attempts + 1):
            with self._translating(key):
                answer = self._client.get_object(
                    Bucket=self.bucket, Key=self._key(key), **options
                )
                try:
                    return bytes(answer["Body"].read()), _change_mark(answer)
                except BotoCoreError:
                    if attempt == self.settings.max_attempts:
                        raise
            time.sleep(random.uniform(0, min(2**attempt / 10, 5)))  # noqa: S311 - jitter
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    @contextmanager
    def _absence_of(self, key: str) -> Iterator[None]:
        """Tell a missing bucket from a missing object: HEAD answers 404 to both."""
        try:
            yield
        except ClientError as err:
            if s3_errors.is_404(err.response) and not self._has_bucket:
                raise s3_errors.no_bucket(self._uri(key)) from err
            raise

    @cached_property
    def _has_bucket(self) -> bool:
        try:
            self._client.head_bucket(Bucket=self.bucket)
        except ClientError as err:
            return not s3_errors.is_404(err.response)  # 403: it is there
        return True

    @contextmanager
    def _translating(self, key: str) -> Iterator[None]:
        try:
            yield
        except FAULTS as err:
            raise self._error_of(err, key) from err

    def _error_of(self, err: Exception, key: str) -> LccError:
        if isinstance(err, OSError) and err.errno in FULL:
            return s3_errors.no_room(uri=self._uri(key), reason=err)
        # A failed transfer keeps the answer as its context.
        cause = err.__context__ if isinstance(err, Boto3Error) else err
        if isinstance(cause, ClientError):
            return s3_errors.error_of(
                cause.response, uri=self._uri(key), endpoint=self.endpoint
            )
        make = next(make for kinds, make in OWN_FAULTS if isinstance(err, kinds))
        return make(uri=self._uri(key), endpoint=self.endpoint, reason=err)

    def _uri(self, key: str) -> str:
        return f"{self.uri}/{key}".rstrip("/")


def _change_mark(answer: dict[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')
