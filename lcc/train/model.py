"""The network: preprocessing, backbone and head on one flat graph.

Knows layers and weights; not data, devices or how it is trained. A saved model needs
nothing of this package to be loaded: every layer is one of Keras' own.
"""

import inspect
import warnings
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lcc.config.model import (
    SMALL,
    STANDARDIZE,
    ModelSettings,
    Normalization,
    is_file_name,
)
from lcc.config.storage import StorageSettings
from lcc.errors import ConfigError, UnavailableError
from lcc.storage.uri import fetch_file
from lcc.train.small import preprocess_input, small

PREPROCESSING = "preprocessing"
POOL = "pool"
MAX_STAGE = 5  # ResNet50 and most applications end at stride 32 = 2^5


def build_backbone(
    settings: ModelSettings,
    *,
    size_px: int,
    scratch: Path,
    storage: StorageSettings | None = None,
) -> keras.Model:
    """Return a model from images to pooled features, with its weights loaded.

    It takes (batch, size_px, size_px, 3) uint8 or float32, RGB, 0–255, and gives
    (batch, features) float32; preprocessing is applied inside. Frozen stages are not
    trainable.

    Args:
        settings: Backbone, weights, normalisation, frozen stages.
        size_px: Side of the images.
        scratch: Where remote files are copied to.
        storage: How remote files are reached.

    Raises:
        ConfigError: No such backbone, or weights of another digest or architecture.
        UnavailableError: The ImageNet weights cannot be downloaded.
    """
    if is_file_name(settings.backbone):
        features = _load_features(settings, size_px, scratch, storage)
    else:
        features = _build_application(settings, size_px, scratch, storage)
    _freeze(features, settings.frozen_stages)
    pooled = features.output
    if len(pooled.shape) > 2:  # noqa: PLR2004 - a feature map, not pooled yet
        pooled = keras.layers.GlobalAveragePooling2D(name=POOL, dtype="float32")(pooled)
    return keras.Model(features.inputs[0], pooled, name="backbone")


def add_head(
    backbone: keras.Model, settings: ModelSettings, *, num_classes: int, seed: int
) -> keras.Model:
    """Return the backbone with a softmax head, on the same flat graph."""
    return keras.Model(
        backbone.inputs[0],
        _head(backbone.output, settings, num_classes=num_classes, seed=seed),
        name="classifier",
    )


def build_head(
    num_features: int, settings: ModelSettings, *, num_classes: int, seed: int
) -> keras.Model:
    """Return the head alone: (batch, num_features) float32 to (batch, num_classes)."""
    features = keras.Input((num_features,), name="features")
    output = _head(features, settings, num_classes=num_classes, seed=seed)
    return keras.Model(features, output, name="head")


def set_standardization(model: keras.Model, features: NDArray[np.float32]) -> None:
    """Set mean and variance of the head's scaling from (n, num_features) features.

    Does nothing to a model without that layer.
    """
    names = [layer.name for layer in model.layers]
    if STANDARDIZE not in names:
        return
    mean = features.mean(axis=0, dtype=np.float64)
    variance = features.var(axis=0, dtype=np.float64)
    model.get_layer(STANDARDIZE).set_weights([mean, variance])


def is_pretrained(settings: ModelSettings) -> bool:
    """Return whether the backbone comes with trained weights.

    Features of random weights move too far in training to be scaled beforehand.
    """
    return settings.weights != "none" or is_file_name(settings.backbone)


def count_trainable(model: keras.Model) -> int:
    """Return the number of trainable parameters."""
    return int(sum(np.prod(variable.shape) for variable in model.trainable_variables))


def _head(
    features: Any, settings: ModelSettings, *, num_classes: int, seed: int
) -> Any:
    if settings.standardize and is_pretrained(settings):
        # A normalisation that is never trained: fixed mean and variance, one of Keras'
        # own layers, the same on every replica.
        features = keras.layers.BatchNormalization(
            center=False, scale=False, trainable=False, name=STANDARDIZE
        )(features)
    features = keras.layers.Dropout(settings.dropout, seed=seed)(features)
    # Zero weights: the first step is that of a linear probe, and 1,280 random inputs do
    # not first have to be unlearnt. Source: Kolesnikov et al., Big Transfer, 2020, 3.2.
    return keras.layers.Dense(
        num_classes,
        activation="softmax",
        kernel_initializer="zeros",
        dtype="float32",
        name="probabilities",
    )(features)


def _load_features(
    settings: ModelSettings,
    size_px: int,
    scratch: Path,
    storage: StorageSettings | None,
) -> keras.Model:
    """Return somebody's saved feature model; scaling is its own affair."""
    path = fetch_file(
        settings.backbone, scratch, settings=storage, sha256=settings.weights_sha256
    )
    try:
        model = keras.saving.load_model(path, compile=False)
    except (ValueError, OSError, TypeError) as err:
        message = (
            f"model.backbone: must be a saved Keras model, got {settings.backbone} "
            f"({_first_line(err)}). Save it with model.save(…keras)."
        )
        raise ConfigError(message) from err
    expected = (None, size_px, size_px, 3)
    if any(
        have is not None and have != want
        for have, want in zip(model.inputs[0].shape, expected, strict=True)
    ):
        message = (
            f"model.backbone: must take images of {size_px} px, got a model for "
            f"{tuple(model.inputs[0].shape[1:])}. Set data.tile_size_px to match."
        )
        raise ConfigError(message)
    return model


def _build_application(
    settings: ModelSettings,
    size_px: int,
    scratch: Path,
    storage: StorageSettings | None,
) -> keras.Model:
    """Return a model by its name, preprocessing before its first layer."""
    build, preprocess = _application(settings.backbone)
    images = keras.Input((size_px, size_px, 3), name="images")
    scaled = _preprocessing(images, preprocess, settings.normalization)
    try:
        # Weights are loaded into a model without our preprocessing layer below.
        model = build(include_top=False, weights=None, input_tensor=scaled)
    except ValueError as err:  # the application's own least size
        message = (
            f"data.tile_size_px: {settings.backbone} cannot take {size_px} "
            f"({_first_line(err)}). Use larger tiles or another model.backbone."
        )
        raise ConfigError(message) from err
    if settings.weights != "none":
        plain = build(
            include_top=False, weights=None, input_shape=(size_px, size_px, 3)
        )
        _load_weights(plain, build, settings, scratch, storage)
        own = [layer for layer in model.layers if layer.name != PREPROCESSING]
        for target, source in zip(own, plain.layers, strict=True):
            target.set_weights(source.get_weights())
    return model


def _load_weights(
    plain: keras.Model,
    build: Any,
    settings: ModelSettings,
    scratch: Path,
    storage: StorageSettings | None,
) -> None:
    if settings.weights == "imagenet":
        try:
            trained = build(include_top=False, weights="imagenet")
        except Exception as err:
            message = (
                f"model.weights: imagenet weights of {settings.backbone} must be "
                f"downloadable, got {_first_line(err)}. Let it reach them; or "
                "start again with --set model.weights=FILE, a file you have, or =none, "
                "to train from scratch."
            )
            raise UnavailableError(message) from err
        plain.set_weights(trained.get_weights())
        return
    path = fetch_file(
        settings.weights, scratch, settings=storage, sha256=settings.weights_sha256
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras' details; the error says enough
            plain.load_weights(path)
    except (ValueError, OSError, KeyError) as err:
        message = (
            f"model.weights: must be weights of {settings.backbone} without its top, "
            f"got {settings.weights} ({_first_line(err)}). Choose the backbone they "
            "were saved from."
        )
        raise ConfigError(message) from err


def _application(name: str) -> tuple[Any, Any]:
    """Return constructor and preprocess_input of an application by lower-case name."""
    modules = inspect.getmembers(keras.applications, inspect.ismodule)
    known: dict[str, tuple[Any, Any]] = {
        member.lower(): (build, module.preprocess_input)
        for _, module in modules
        for member, build in inspect.getmembers(module, inspect.isfunction)
        if member[0].isupper() and hasattr(module, "preprocess_input")
    }
    known[SMALL] = (small, preprocess_input)
    if name.lower() not in known:
        near = get_close_matches(name.lower(), known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        message = (
            "model.backbone: must be small, a name of keras.applications or a file, "
            f"got {name}.{hint} Use resnet50, or the path of a saved Keras model."
        )
        raise ConfigError(message)
    return known[name.lower()]


def _preprocessing(images: Any, preprocess: Any, normalization: Normalization) -> Any:
    """Return the images scaled by one fixed 1×1 convolution.

    Every application scales each pixel by an affine map (and may swap channels), so the
    map is read off its own `preprocess_input` at black and at the three primaries.
    """
    if normalization is Normalization.UNIT:
        matrix, offset = np.eye(3) / 255, np.zeros(3)
    else:
        probe = np.concatenate([np.zeros((1, 3)), np.eye(3) * 255])
        answer = np.asarray(preprocess(probe.reshape(1, 4, 1, 3).copy())).reshape(4, 3)
        offset = answer[0]
        matrix = (answer[1:] - offset) / 255
    layer = keras.layers.Conv2D(
        3, 1, trainable=False, dtype="float32", name=PREPROCESSING
    )
    scaled = layer(images)
    layer.set_weights([matrix.reshape(1, 1, 3, 3), offset])
    return scaled


def _freeze(model: keras.Model, stages: int | str) -> None:
    """Fix all layers up to the end of a stage: k ends where the stride exceeds 2^k."""
    if stages == "all":
        model.trainable = False
        return
    side = model.inputs[0].shape[1]
    for layer in model.layers:
        shape: tuple[int | None, ...] = tuple(getattr(layer.output, "shape", ()))
        if len(shape) == 4 and shape[1] and side:  # noqa: PLR2004 - a feature map
            stride = side / shape[1]
            if stride <= 2 ** int(stages) and int(stages) > 0:
                layer.trainable = False


def _first_line(err: Exception) -> str:
    return str(err).strip().partition("\n")[0]
