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
        # A step then waits for patience_minutes, and says so: soon, not after minutes.
        default=2,
        ge=1,
        le=20,
        description="Tries of one request until the store counts as away.",
    )
    timeout_seconds: float = Field(
        default=20.0, gt=0, le=600, description="Longest wait for one answer."
    )
    patience_minutes: float = Field(
        default=10.0,
        ge=0,
        le=10_080,
        description="How long a run waits for a store that is away, each time.",
    )
