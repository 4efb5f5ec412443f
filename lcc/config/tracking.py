"""Settings of tracking: `MLFLOW_TRACKING_URI=http://… lcc-launch train --local`."""

from pydantic import Field

from lcc.config.section import Section


class TrackingSettings(Section):
    """Which MLflow server, experiment and registered model."""

    uri: str | None = Field(
        default=None,
        description="By default MLFLOW_TRACKING_URI, else SQLite under the root.",
    )
    experiment: str = Field(
        default="lcc", min_length=1, max_length=200, description="Experiment's name."
    )
    registered_model: str = Field(
        default="lcc-tile-classifier",
        min_length=1,
        max_length=200,
        description="Name in the model registry.",
    )
