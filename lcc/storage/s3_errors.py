"""The error that an answer of an S3 endpoint stands for: wrong, missing or temporary.

Knows codes and messages; not how a request is made (`s3`).
"""

from collections.abc import Mapping
from typing import Any

from lcc.errors import (
    ConfigError,
    DataError,
    LccError,
    NoRoomError,
    NotFoundError,
    RefusedLoginError,
    UnavailableError,
)

MISSING = {"404", "NoSuchKey", "NotFound"}
EXISTS = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
BEYOND_END = {"416", "InvalidRange"}
REFUSED = {"AccessDenied", "AllAccessDisabled", "ExpiredToken", "InvalidAccessKeyId"}
REFUSED_STATUS = {401, 403}
# Of these keys nobody knows any more, whatever they were allowed to do.
UNKNOWN_KEYS = {
    *("ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch"),
}
# Answers that the same request would get again: a wrong region, a key that is too long.
# 408, 429 and 5xx are temporary; so are these codes, which S3 sends with status 400.
PERMANENT_STATUS = {301, 307, 400, 405, 411, 414}
TEMPORARY = {"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException"}


class AlreadyExistsError(LccError):
    """An object was to be created and exists; never leaves the store.

    Args:
        uri: URI of the object.
        num_retries: Tries before this answer; the first may have written the object.
    """

    def __init__(self, uri: str, num_retries: int) -> None:
        self.num_retries = num_retries
        super().__init__(f"{uri}: exists already.")


class BeyondEndError(LccError):
    """A range starts at or after the end of the object; never leaves the store."""


def error_of(response: Mapping[str, Any], *, uri: str, endpoint: str) -> LccError:
    """Return the error that an answer stands for.

    Args:
        response: The answer as botocore parses it.
        uri: URI of the object.
        endpoint: Who answered, for messages.
    """
    error, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
    code, status = str(error.get("Code", "")), metadata.get("HTTPStatusCode", 0)
    reason = f"{code} {error.get('Message', '')}".strip()
    if code in EXISTS:
        return AlreadyExistsError(uri, metadata.get("RetryAttempts", 0))
    if code in REFUSED or status in REFUSED_STATUS:
        return _refused(uri, code=code)
    if status in PERMANENT_STATUS and code not in TEMPORARY:
        return _not_accepted(uri, endpoint=endpoint, reason=reason)
    return _absent(uri, code=code) or unavailable(
        uri=uri, endpoint=endpoint, reason=reason
    )


def is_404(response: Mapping[str, Any]) -> bool:
    """Return whether nothing is there: HEAD has no body that would say what."""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return bool(status == 404)  # noqa: PLR2004 - HTTP


def _absent(uri: str, *, code: str) -> LccError | None:
    if code in MISSING:
        return NotFoundError(f"{uri}: not found. Check the URI.")
    if code in BEYOND_END:
        return BeyondEndError(uri)
    return no_bucket(uri) if code == "NoSuchBucket" else None


def _refused(uri: str, *, code: str) -> ConfigError:
    message = (
        f"{uri}: these keys may not do this, got {code}. Check "
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy."
    )
    kind = RefusedLoginError if code in UNKNOWN_KEYS else ConfigError
    return kind(message)


def _not_accepted(uri: str, *, endpoint: str, reason: str) -> ConfigError:
    message = (
        f"{uri}: {endpoint} must accept the request, got {reason}. Check the "
        "bucket, the key and storage.region."
    )
    return ConfigError(message)


def no_bucket(uri: str) -> ConfigError:
    """Return the error of a bucket that is not there."""
    bucket = uri.removeprefix("s3://").partition("/")[0]
    message = (
        f"storage: bucket {bucket} must exist, got none. Make it, or pass another URI."
    )
    return ConfigError(message)


def no_keys(*, uri: str, endpoint: str, reason: object) -> ConfigError:
    """Return the error of a request that could not be signed."""
    message = (
        f"{uri}: {endpoint} needs keys, got none: {reason}. Set AWS_ACCESS_KEY_ID "
        "and AWS_SECRET_ACCESS_KEY, or give this machine an identity."
    )
    return ConfigError(message)


def bad_address(*, uri: str, endpoint: str, reason: object) -> ConfigError:
    """Return the error of a bucket or key that S3 cannot have."""
    message = f"{uri}: must be a valid address at {endpoint}, got {reason}"
    return ConfigError(message)


def bad_name(*, uri: str, endpoint: str, reason: object) -> DataError:
    """Return the error of a name that is not text."""
    message = f"{uri!r}: {endpoint} takes UTF-8 names, got {reason}. Rename the file."
    return DataError(message)


def bad_endpoint(*, uri: str, endpoint: str, reason: object) -> ConfigError:
    """Return the error of an endpoint that is no URL."""
    message = (
        f"storage.endpoint_url: must be a URL for {uri}, got {endpoint}: {reason}. "
        "Use http://host:port."
    )
    return ConfigError(message)


def no_room(*, uri: str, reason: object) -> NoRoomError:
    """Return the error of a copy that this machine's disk cannot hold."""
    return NoRoomError(
        f"{uri}: its copy on this machine needs room, got {reason}. Free some, or set "
        "TMPDIR to a larger disk; on a cluster raise cluster.resources' scratch."
    )


def unavailable(*, uri: str, endpoint: str, reason: object) -> UnavailableError:
    """Return the error of an endpoint that does not answer."""
    return UnavailableError(
        f"{uri}: {endpoint} must answer, got {reason}. Check the endpoint "
        "(storage.endpoint_url, AWS_ENDPOINT_URL_S3) and try again; finished "
        "shards are kept."
    )
