"""Settings of a launch: `lcc-launch train --gpus 4`, `lcc-launch train --local`."""

from enum import StrEnum

from pydantic import Field

from lcc.config.section import Section


class BackendName(StrEnum):
    """Where steps run."""

    LOCAL = "local"  # processes on this machine
    KUBERNETES = "kubernetes"  # Jobs of a cluster


class LaunchSettings(Section):
    """Where steps run, and how many at once."""

    backend: BackendName = Field(
        default=BackendName.KUBERNETES,
        description="local or kubernetes; --local for short.",
    )
    gpus: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Replicas per training process (train.device).",
    )
    pods: int = Field(default=1, ge=1, le=64, description="Processes of one training.")
    parallelism: int | None = Field(
        default=None,
        ge=1,
        description="Processes of one step at once; by default one per CPU core.",
    )
    pipeline: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9-]{1,63}$",
        description="Id of the pipeline run that this run belongs to.",
    )
