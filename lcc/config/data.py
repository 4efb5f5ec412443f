"""Settings of the data set: `lcc-launch prepare tiles/ --set data.num_folds=5`."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from lcc.config.path_pattern import compile_pattern
from lcc.config.section import Section

FAMILY = "family"  # the axis that is found, not brought


class FamilySettings(Section):
    """How copies of one source tile are found; defaults come from geometry."""

    num_keypoints: int = Field(
        default=200, ge=32, le=2000, description="SIFT keypoints kept per image."
    )
    num_neighbours: int = Field(
        default=30, ge=1, le=500, description="Candidates looked up per image."
    )
    min_inliers: int = Field(
        default=8,
        ge=4,
        description="Matches one transform must explain; one in a million pairs of "
        "strangers has 8.",
    )
    min_correlation: float = Field(
        default=0.6,
        gt=0,
        lt=1,
        description="Correlation of grey values in the overlap after refinement.",
    )
    min_overlap_fraction: float = Field(
        default=0.82,
        gt=0,
        le=1,
        description="Share of the smaller tile that two of a family have in common; "
        "two squares about one centre, turned by up to 25°, share 0.83.",
    )
    index_memory_mib: int = Field(
        default=1024,
        ge=1,
        description="Memory of an index, MiB, 4 KiB an image in `link`; beyond it "
        "the images are searched block by block.",
    )
    num_planted: int = Field(
        default=300,
        ge=0,
        description="Copies that `prepare` makes of the set's own images and looks "
        "for: they tell what may go unseen.",
    )
    max_family_fraction: float = Field(
        default=0.02,
        gt=0,
        le=1,
        description="A family or group with a larger share of all pictures raises "
        "an alarm.",
    )


class DataSettings(Section):
    """Which images, which classes, how they are split."""

    source: str | None = Field(
        default=None,
        description="Folder, file:///… or s3://… with one folder per class.",
    )
    name: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$",
        description="Name of the data set; by default the last part of the source.",
    )
    catalogue: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{8,64}$",
        description="Digest of the catalogue to use; by default the latest.",
    )
    classes: dict[str, str] | None = Field(
        default=None,
        min_length=2,
        description="Folder or label → class name; chooses the classes. A folder is "
        "named at any level, by name or by path; what lies deeper counts first.",
    )
    class_level: int | None = Field(
        default=None,
        ge=-20,
        le=20,
        description="Which folders are the classes: 1 for those in the source, 2 for "
        "those in them …; -1 for the ones that hold the images, -2 for the ones above. "
        "Folders named after splits do not count. By default the level that alone "
        "can be.",
    )
    class_pattern: str | None = Field(
        default=None,
        description="Pattern that reads the class from each path, e.g. "
        "{patient}/{class}/*.png, or from each file name: {class}_{number}.png.",
    )
    labels_csv: str | None = Field(
        default=None,
        description="CSV with path,label: the class of each image, wherever it lies.",
    )
    tile_size_px: int = Field(
        default=224, ge=32, le=1024, description="Side of the packed training tiles."
    )
    num_shards: int = Field(
        default=8,
        ge=1,
        le=10_000,
        description="Shards of the images, hashed and linked in parallel.",
    )
    max_unreadable_fraction: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="More unreadable files than this share stop `prepare`.",
    )
    max_megapixels: float = Field(
        default=200.0, gt=0, description="A larger image is not decoded."
    )
    validation_fraction: float = Field(
        default=0.15, gt=0, lt=0.5, description="Share of the kept images."
    )
    test_fraction: float = Field(
        default=0.15, gt=0, lt=0.5, description="Share of the kept images; sealed."
    )
    num_folds: int = Field(
        default=5, ge=2, le=20, description="Folds inside the development part."
    )
    max_class_share_deviation: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="Largest difference of the share of a class, or of a value of "
        "data.balance_over, split to all images.",
    )
    split_csv: str | None = Field(
        default=None,
        description="CSV with path,split: the user's own; train, validation and test, "
        "or train and test alone.",
    )
    groups_csv: str | None = Field(
        default=None,
        description="CSV with path and what is known of each image: patient, slide, "
        "site, any names.",
    )
    columns_from_path: str | None = Field(
        default=None,
        description="Pattern that reads such columns from each path, e.g. "
        "{site}/{patient}/{slide}_{x}_{y}.png.",
    )
    never_split: tuple[str, ...] | None = Field(
        default=None,
        description="Columns whose values stay in one split and fold, and family, "
        "which always does; by default family and the one column of groups.",
    )
    balance_over: tuple[str, ...] = Field(
        default=(),
        description="Columns of whose values each split and fold has its share, as "
        "far as groups permit.",
    )
    leave_out: str | None = Field(
        default=None,
        description="Column of which one value is the test; a pipeline takes each in "
        "turn.",
    )
    test_value: str | None = Field(
        default=None,
        coerce_numbers_to_str=True,
        description="Value of data.leave_out whose images are the test.",
    )
    undivided: bool = Field(
        default=False,
        description="No split: all images are for judging a model that has never seen "
        "them; set by evaluate --data.",
    )
    seed: int = Field(
        default=0, ge=0, lt=2**32, description="Seed of splits and folds."
    )
    verdicts_csv: str | None = Field(
        default=None,
        description="CSV with a,b,verdict (same, different), by, why: pairs that "
        "somebody has looked at; by default verdicts.csv of the source.",
    )
    families: FamilySettings = Field(default_factory=FamilySettings)

    @field_validator("class_level")
    @classmethod
    def _count_from_one(cls, level: int | None) -> int | None:
        if level == 0:
            message = "must count from 1 or from -1, got 0. Use 1."
            raise ValueError(message)
        return level

    @field_validator("class_pattern")
    @classmethod
    def _hold_the_class(cls, pattern: str | None) -> str | None:
        if pattern is not None and "class" not in compile_pattern(pattern).groupindex:
            message = (
                f"must hold {{class}}, got {pattern}. Write it where the class stands "
                "in a path."
            )
            raise ValueError(message)
        return pattern

    @model_validator(mode="after")
    def _tell_classes_once(self) -> Self:
        names = ("class_level", "class_pattern", "labels_csv")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            message = (
                f"{' and '.join(given)}: must not be set together, got {len(given)}. "
                "Keep one."
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _leave_room_for_training(self) -> Self:
        held_out = self.validation_fraction + self.test_fraction
        if held_out > 0.8:  # noqa: PLR2004 - less than a fifth to train on is a mistake
            message = (
                "validation_fraction + test_fraction must leave at least 0.2 for "
                f"training, got {held_out:g}. Lower one of them."
            )
            raise ValueError(message)
        return self
