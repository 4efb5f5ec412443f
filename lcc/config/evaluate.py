"""Settings of the evaluation: `lcc-launch evaluate --set evaluate.baselines=false`."""

from typing import Literal

from pydantic import Field

from lcc.config.section import Section


def is_place(data: str) -> bool:
    """Return whether `evaluate.data` is a folder or URI, not a data set's name.

    Example:
        >>> is_place("./other"), is_place("s3://lab/other"), is_place("other")
        (True, True, False)
    """
    return data.startswith(".") or "/" in data or ":" in data


class EvaluateSettings(Section):
    """What is measured on the sealed test split, or on another data set."""

    model_run: str | None = Field(
        default=None,
        description="Run id of the train run to judge; by default alias candidate.",
    )
    data: str | None = Field(
        default=None,
        min_length=1,
        description="Another data set, which the model has never seen: a folder (with "
        "a slash, ./tiles), a URI, or the name of a prepared data set of the root.",
    )
    class_map: dict[str, str] = Field(
        default_factory=dict,
        description="Class of evaluate.data → class of the model; equal names need no "
        "entry.",
    )
    overlap: Literal["refuse", "leave_out"] = Field(
        default="refuse",
        description="What happens where evaluate.data shows tissue of the training "
        "catalogue: exit code 4, or those groups are left out and counted.",
    )
    sealed_run: str | None = Field(
        default=None,
        description="Evaluation of the sealed test that evaluate.data is held "
        "against; by default the model's latest.",
    )
    search_run: str | None = Field(
        default=None,
        description="Run id of the search that the report shows; set by a pipeline.",
    )
    turns: dict[str, str] | None = Field(
        default=None,
        min_length=2,
        description="Value of data.leave_out → run id of its evaluation, to be put "
        "together; set by a pipeline that takes each in turn.",
    )
    num_bootstrap: int = Field(
        default=2000, ge=100, le=100_000, description="Resamples of groups."
    )
    confidence: float = Field(
        default=0.95, gt=0.5, lt=1, description="Mass of each interval."
    )
    baselines: bool = Field(
        default=True, description="Judge three tiny models on pixels and colours too."
    )
    leak_premium: bool = Field(
        default=False,
        description="Train the same recipe on a random split too, labelled invalid.",
    )
    max_error: float = Field(
        default=0.01,
        ge=0,
        lt=0.5,
        description="Share of wrong answers that is borne: images that the model is "
        "less sure of are referred to a person.",
    )
    card: str | None = Field(
        default=None,
        description="YAML with what a person says of the model and its data, for the "
        "cards; promote --empty-card prints an empty one.",
    )
    margin: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="By how much macro F1 may be below for promote: below the champion "
        "at the lower end of the interval, below a baseline on the test.",
    )
    max_calibration_error: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="Largest expected calibration error on the test for promote, its "
        "bias taken off.",
    )
    max_unseen_siblings: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="Largest share of siblings that may go unseen for promote: the "
        "upper bound of planted copies.",
    )
    num_mistakes: int = Field(
        default=12, ge=0, le=200, description="Worst mistakes shown."
    )
    explain: bool = Field(
        default=True,
        description="Show what the model looked at in the worst mistakes and in some "
        "right answers.",
    )
    robustness: bool = Field(
        default=True,
        description="Judge the model on changed test images, too: colours, stains, "
        "blur, noise, JPEG, size, rotation.",
    )
    novelty: bool = Field(
        default=True,
        description="Tell images unlike the training images from the rest: measured on "
        "planted strangers, decided as unfamiliar.",
    )
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**32,
        description="Of bootstrap, baselines, changed images and planted strangers.",
    )
