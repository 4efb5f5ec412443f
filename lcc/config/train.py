"""Settings of training: `lcc-launch train --gpus 4 --epochs 30`."""

from enum import StrEnum

from pydantic import Field

from lcc.config.section import Section


class Device(StrEnum):
    """What a replica runs on."""

    GPU = "gpu"  # launch.gpus physical devices; none at launch.gpus 0
    CPU = "cpu"  # launch.gpus logical devices of the CPU


class ClassBalance(StrEnum):
    """How unequal class counts are met."""

    NONE = "none"
    WEIGHTS = "weights"  # each example weighs inversely to its class count
    SAMPLING = "sampling"  # each class is drawn equally often


class AugmentationSettings(Section):
    """Random changes of training tiles, never of validation or test tiles."""

    enabled: bool = Field(default=True, description="Augment training tiles.")
    rotation_degrees: float = Field(
        default=25.0, ge=0, le=180, description="Largest rotation, either way."
    )
    zoom_fraction: float = Field(
        default=0.1, ge=0, lt=1, description="Scale is drawn from 1 ± this."
    )
    horizontal_flip: bool = Field(default=True, description="Mirror left to right.")
    vertical_flip: bool = Field(default=True, description="Mirror top to bottom.")
    shift_fraction: float = Field(
        default=0.05, ge=0, lt=1, description="Largest shift, as share of the side."
    )
    shear_degrees: float = Field(
        default=5.0, ge=0, le=45, description="Largest shear angle, either way."
    )
    stain_fraction: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Strength of haematoxylin and eosin is drawn from 1 ± this.",
    )


class TrainSettings(Section):
    """The loop: how long, how fast, how regular, and when to stop."""

    device: Device = Field(
        default=Device.GPU, description="What launch.gpus counts: GPUs or logical CPUs."
    )
    batch_size: int = Field(
        default=32, ge=1, le=65_536, description="Global batch, over all replicas."
    )
    epochs: int = Field(default=30, ge=1, le=10_000, description="Most epochs.")
    learning_rate: float = Field(default=1e-3, gt=0, le=10, description="Adam's first.")
    weight_decay: float = Field(
        default=0.0, ge=0, le=1, description="Decoupled weight decay of kernels."
    )
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="Of the labels."
    )
    class_balance: ClassBalance = Field(
        default=ClassBalance.WEIGHTS, description="How unequal class counts are met."
    )
    early_stopping_patience: int | None = Field(
        default=8, ge=1, description="Epochs without gain before stopping; none: never."
    )
    reduce_lr_patience: int | None = Field(
        default=3, ge=1, description="Epochs without gain before a lower rate."
    )
    reduce_lr_factor: float = Field(
        default=0.3, gt=0, lt=1, description="Factor of each lowering."
    )
    checkpoint_minutes: float = Field(
        default=10.0, gt=0, description="Longest time between two checkpoints."
    )
    mixed_precision: bool = Field(default=False, description="float16 on GPUs.")
    xla: bool = Field(default=False, description="Compile the replica's pass.")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Weights and shuffling.")
    augmentation: AugmentationSettings = Field(default_factory=AugmentationSettings)
