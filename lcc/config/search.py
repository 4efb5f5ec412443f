"""Settings of the search: `lcc-launch search --set search.grid.model.dropout=[0,1]`."""

from pydantic import Field

from lcc.config.section import Section

Choice = float | int | str | bool


class SearchSettings(Section):
    """The grid, and how its trials are shared out."""

    grid: dict[str, tuple[Choice, ...]] = Field(
        default_factory=dict,
        description="Settings path → values: {train.learning_rate: [0.01, 0.1]}; paths "
        "under model. and train. may vary. Empty: the pipeline does not search.",
    )
    trials_per_pod: int | None = Field(
        default=None,
        ge=1,
        description="Trials one process does in turn; by default shared out evenly.",
    )
    views: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Feature views per training tile where the backbone is frozen: the "
        "first unaltered, the others augmented.",
    )
    refit: bool = Field(
        default=False,
        description="Train the best point on training and validation together.",
    )
