"""Settings of predictions on new images: `lcc-launch predict new-tiles/ --local`."""

from pydantic import Field

from lcc.config.section import Section


class PredictSettings(Section):
    """What a trained model says of images without labels, a row each."""

    source: str | None = Field(
        default=None,
        min_length=1,
        description="Folder, s3:// URI or pvc://CLAIM/FOLDER of the images, at any "
        "depth; folders are no classes here.",
    )
    model_run: str | None = Field(
        default=None,
        min_length=1,
        description="Whose model answers: a train run, champion, candidate, "
        "models:/NAME/VERSION or models:/NAME@ALIAS; by default the champion, where "
        "there is none the candidate. A run keeps the train run that it found.",
    )
    evaluation: str | None = Field(
        default=None,
        description="Evaluation of that model on its sealed test, which sets how sure "
        "it may be; by default the latest. Without any, probabilities are not "
        "calibrated and every image is answered.",
    )
    chosen_by: str | None = Field(
        default=None,
        description="How predict.model_run was found, for the summary; set by the "
        "launcher.",
    )
    resize: bool = Field(
        default=False,
        description="Answer images that are larger than the training images, scaled "
        "down as a whole; else they get no answer.",
    )
    max_unreadable_fraction: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of images that may get no answer, as they are unreadable "
        "or larger than the training images; with more the run fails, once all others "
        "are answered and written.",
    )
    shard_images: int = Field(
        default=256,
        ge=1,
        le=100_000,
        description="Images of a shard, which a process does in one go; what a killed "
        "process had not finished of its shard is done again.",
    )
