"""Settings of the model: `lcc-launch train --set model.backbone=resnet50`."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from lcc.config.section import Section


class Normalization(StrEnum):
    """How 0–255 pixels are scaled inside the model."""

    IMAGENET = "imagenet"  # what the ImageNet weights of the backbone were trained with
    UNIT = "unit"  # to [0, 1], as the original notebook did


def is_file_name(text: str) -> bool:
    """Return whether a backbone or weights is a file: a slash or a dot says so.

    Names of Keras have neither.

    Example:
        >>> is_file_name("resnet50"), is_file_name("../lite0.keras")
        (False, True)
    """
    return "/" in text or "." in text


SMALL = "small"  # our own network, trained from scratch
STANDARDIZE = "standardize"  # names the layer of the head that scales features


class ModelSettings(Section):
    """Backbone, head and how much of it is trained."""

    backbone: str = Field(
        default="resnet50",
        description="A name of keras.applications (resnet50 …); small, a network of a "
        "quarter million weights for a CPU; or the path or URI of a saved Keras model "
        "that turns RGB 0–255 images into a feature map.",
    )
    weights: str = Field(
        default="imagenet",
        description="imagenet, none, or the path or URI of a weights file; small takes "
        "none; for a saved backbone its own weights are kept.",
    )
    weights_sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="Digest that the weights (or saved backbone) file must have.",
    )
    normalization: Normalization = Field(
        default=Normalization.IMAGENET,
        description="Scaling of pixels in the model.",
    )
    frozen_stages: Annotated[int, Field(ge=0, le=5)] | Literal["all"] = Field(
        default=0,
        description="Stages of the backbone kept fixed, from the input: k ends where "
        "the stride exceeds 2^k. all: only the head is trained, on features made once.",
    )
    standardize: bool = Field(
        default=True,
        description="Scale pooled features by mean and variance of the training tiles.",
    )
    dropout: float = Field(
        default=0.2, ge=0, lt=1, description="Before the last layer."
    )
