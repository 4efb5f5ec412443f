"""Turn any picture of eight bits into sRGB: inks, profiles, palettes, transparency.

Knows colour spaces; not files.
"""

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from lcc.images.reasons import Conversion

WHITE = (255, 255, 255)
LATTICE = range(0, 256, 17)  # values of each channel that a profile is tried on
# A profile that moves no colour of the lattice by more is sRGB, whatever its name: its
# pixels are left as they are.
MAX_SHIFT = 2
# Less is no picture on white but a channel that means something else.
MIN_VISIBLE = 0.05
GREYS = {"1", "L", "LA", "La"}


def to_srgb(
    image: Image.Image, profile: bytes | None, conversions: list[Conversion]
) -> NDArray[np.uint8]:
    """Return (height, width, 3) sRGB; adds what was done to `conversions`.

    Args:
        image: Of eight bits or fewer.
        profile: ICC profile of the file, if there is one.
        conversions: Grows in the order of what is done.
    """
    conversions += _described(image.mode)
    if not image.has_transparency_data:
        return np.asarray(_coloured(image, profile, conversions), dtype=np.uint8)
    layer = image.convert("RGBA")
    opaque = image.getchannel("L") if image.mode == "LA" else layer.convert("RGB")
    colours = _coloured(opaque, profile, conversions)
    alpha = layer.getchannel("A")
    conversions.append(_described_alpha(np.asarray(alpha), np.asarray(colours)))
    if conversions[-1] is Conversion.ALPHA_IGNORED:
        return np.asarray(colours, dtype=np.uint8)
    colours.putalpha(alpha)
    return np.asarray(_on_white(colours).convert("RGB"), dtype=np.uint8)


def _described(mode: str) -> list[Conversion]:
    if mode in GREYS:
        return [Conversion.GREY]
    if mode in {"P", "PA"}:
        return [Conversion.PALETTE]
    if mode == "CMYK":
        return [Conversion.CMYK]
    is_rgb = mode in {"RGB", "RGBA", "RGBa", "RGBX"}
    return [] if is_rgb else [Conversion.COLOUR_SPACE]


def _coloured(
    image: Image.Image, profile: bytes | None, conversions: list[Conversion]
) -> Image.Image:
    if profile is None or image.mode == "LAB":  # which is a colour, whoever measured
        return image.convert("RGB")
    if image.mode not in {"L", "RGB", "CMYK"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    try:
        transform = _transform(profile, image.mode)
    except (ImageCms.PyCMSError, OSError, ValueError):  # broken, or of another space
        conversions.append(Conversion.PROFILE_IGNORED)
        return image.convert("RGB")
    if transform is None:
        return image.convert("RGB")
    conversions.append(Conversion.PROFILE)
    found = ImageCms.applyTransform(image, transform)
    return found if found is not None else image


def is_srgb(profile: bytes, mode: str = "RGB") -> bool:
    """Return whether a profile leaves pixels as they are; one that is broken does not.

    Args:
        profile: ICC profile.
        mode: Of the pixels, as Pillow calls it.
    """
    try:
        return _transform(profile, mode) is None
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False


@lru_cache(maxsize=32)  # a set has one or two
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return what turns a mode by its profile into sRGB, None where nothing moves."""
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if mode == "CMYK":
        return transform
    lattice = _lattice(mode)
    moved = ImageCms.applyTransform(lattice, transform)
    before = np.asarray(lattice.convert("RGB")).astype(int)
    shift = np.abs(np.asarray(moved).astype(int) - before).max()
    return None if shift <= MAX_SHIFT else transform


def _lattice(mode: str) -> Image.Image:
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[np.newaxis])
    values = np.array(LATTICE, np.uint8)
    grid = np.stack(np.meshgrid(values, values, values), axis=-1)
    return Image.fromarray(np.ascontiguousarray(grid.reshape(1, -1, 3)))


def _described_alpha(
    alpha: NDArray[np.uint8], colours: NDArray[np.uint8]
) -> Conversion:
    """Return what becomes of transparency, by what white would cover."""
    hidden = alpha < MIN_VISIBLE * 255
    below = colours[hidden]
    if not len(below) or (below == below[0]).all():
        return Conversion.ALPHA
    is_nearly_all = float(alpha.mean()) < MIN_VISIBLE * 255
    return Conversion.ALPHA_IGNORED if is_nearly_all else Conversion.ALPHA_OVER_PICTURE


def _on_white(layer: Image.Image) -> Image.Image:
    background = Image.new("RGBA", layer.size, (*WHITE, 255))
    return Image.alpha_composite(background, layer)
