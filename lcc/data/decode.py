"""Decode an image file to RGB pixels, or say why that is impossible.

Knows image formats and what is converted; not where bytes come from. Pillow reads the
header and decodes whatever is unusual; the usual 8-bit RGB JPEG is decoded by OpenCV,
which is half as slow again in Pillow. Both sit on libjpeg-turbo: the pixels are equal.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from lcc.data.reasons import Conversion, Reason

# The header's size is checked against our own limit before a pixel is decoded.
Image.MAX_IMAGE_PIXELS = None
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "JPEG2000", "PPM")
BROKEN = (  # what Pillow raises on bytes that are not the image they claim to be
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)
END_OF_JPEG = b"\xff\xd9"
ORIENTATION = 0x0112  # EXIF tag; 1 is upright. Source: EXIF 2.32, 4.6.4
WHITE = (255, 255, 255)
Image8 = NDArray[np.uint8]  # (height, width, 3), RGB


class UnreadableError(Exception):
    """A file has no usable pixels; callers turn it into a reason, never into an exit.

    Args:
        reason: Why.
        size_px: Width and height, where the header told them.
    """

    def __init__(self, reason: Reason, size_px: tuple[int, int] | None = None) -> None:
        self.reason = reason
        self.size_px = size_px
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Pixels of one file.

    Attributes:
        pixels: (height, width, 3) uint8, RGB.
        conversions: What was done to get there, in order.
    """

    pixels: Image8
    conversions: tuple[Conversion, ...]


def decode_image(data: bytes, *, max_megapixels: float = 200.0) -> Decoded:
    """Decode a file to 8-bit RGB.

    Grey is repeated, a palette looked up, alpha laid on white, of 16 bit the high byte
    taken, other colour spaces converted, and an EXIF orientation applied, so that the
    pixels are what a viewer shows. A truncated file is never half an image.

    Args:
        data: The file.
        max_megapixels: A larger image is refused by its header, before decoding.

    Raises:
        UnreadableError: With the reason.
    """
    if not data:
        raise UnreadableError(Reason.EMPTY)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata
        image = _open(data)
        _check(image, max_megapixels=max_megapixels)
        if _is_plain(image, data):
            return Decoded(pixels=_decode_jpeg(data, image.size), conversions=())
        return _decode_any(image)


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except BROKEN as err:
        raise UnreadableError(Reason.NOT_AN_IMAGE) from err


def _check(image: Image.Image, *, max_megapixels: float) -> None:
    width, height = image.size
    if width * height > max_megapixels * 1e6:
        raise UnreadableError(Reason.TOO_LARGE, image.size)
    try:
        num_frames = getattr(image, "n_frames", 1)
    except BROKEN as err:
        raise UnreadableError(Reason.TRUNCATED, image.size) from err
    if num_frames > 1 and image.format != "MPO":  # a camera's JPEG with its preview
        raise UnreadableError(Reason.ANIMATED, image.size)


def _is_plain(image: Image.Image, data: bytes) -> bool:
    """Whether this is an upright RGB JPEG with its end.

    OpenCV fills what a truncated file lacks with grey and says nothing. The end marker
    cannot occur inside the coded pixels, so a file that ends in it is complete.
    """
    return (
        image.format == "JPEG"
        and image.mode == "RGB"
        and data.endswith(END_OF_JPEG)
        and _orientation(image) == 1
    )


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except BROKEN:
        return 1


def _decode_jpeg(data: bytes, size_px: tuple[int, int]) -> Image8:
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None:
        raise UnreadableError(Reason.TRUNCATED, size_px)
    return np.asarray(pixels, dtype=np.uint8)


def _decode_any(image: Image.Image) -> Decoded:
    is_deep = image.mode.startswith("I;16") or ";16" in str(getattr(image, "tile", ""))
    turned = _orientation(image) != 1
    try:
        image.load()
        if turned:
            image = ImageOps.exif_transpose(image)
    except BROKEN as err:
        raise UnreadableError(Reason.TRUNCATED, image.size) from err
    conversions = [Conversion.TURNED] if turned else []
    if is_deep:
        conversions.append(Conversion.SIXTEEN_BIT)
    pixels = _to_rgb(image, conversions)
    return Decoded(pixels=pixels, conversions=tuple(conversions))


def _to_rgb(image: Image.Image, conversions: list[Conversion]) -> Image8:
    """Return the pixels as RGB; adds what was done to `conversions`."""
    mode = image.mode
    if mode in {"I", "F"}:  # 32 bit: nobody says what is black and what is white
        raise UnreadableError(Reason.UNSUPPORTED, image.size)
    if mode.startswith("I;16"):
        conversions.append(Conversion.GREY)
        return _repeat((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if mode in {"1", "L", "LA", "La"}:
        conversions.append(Conversion.GREY)
    elif mode in {"P", "PA"}:
        conversions.append(Conversion.PALETTE)
    elif mode == "CMYK":
        conversions.append(Conversion.CMYK)
    elif mode not in {"RGB", "RGBA", "RGBa", "RGBX"}:
        conversions.append(Conversion.COLOUR_SPACE)
    if image.has_transparency_data:
        conversions.append(Conversion.ALPHA)
        image = _on_white(image)
    return np.asarray(image.convert("RGB"), dtype=np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    layer = image.convert("RGBA")
    background = Image.new("RGBA", layer.size, (*WHITE, 255))
    return Image.alpha_composite(background, layer)


def _repeat(grey: Image8) -> Image8:
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
