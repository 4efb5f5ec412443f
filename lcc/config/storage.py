"""Settings of the object store: `lcc-launch prepare tiles/ --root s3://bucket/study`."""

from pydantic import Field

from lcc.config.section import Section


class StorageSettings(Section):
    """Where every result lies, and how an S3 endpoint is reached.

    Keys come from the environment (`AWS_ACCESS_KEY_ID` …) or the machine's own
    identity, never from a settings file.
    """

    root: str | None = Field(
        default=None,
        description="Root URI of all results: a folder, file:///… or s3://bucket/prefix.",
    )
    endpoint_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="S3 endpoint; none means the one of the AWS environment.",
    )
    region: str | None = Field(default=None, description="S3 region.")
    max_attempts: int = Field(
        default=5, ge=1, le=20, description="Tries of one request before giving up."
    )
    timeout_seconds: float = Field(
        default=30.0, gt=0, le=600, description="Longest wait for one answer."
    )
