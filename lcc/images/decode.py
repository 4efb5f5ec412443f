"""Decode an image file to sRGB pixels, or say why that is impossible.

Knows the order of checks and decoders; not where bytes come from. Pillow reads the
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

from lcc.images.colour import is_srgb, to_srgb
from lcc.images.depth import is_deep, to_eight_bits
from lcc.images.formats import why_not_opened
from lcc.images.jpeg import cut_after_end, lacks_blocks, with_true_inks
from lcc.images.reasons import Conversion, Reason
from lcc.images.tiff import why_not_one_picture

# Raised when the same file may decode to other pixels: shards of before are made anew.
RULES = 2
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
ORIENTATION = 0x0112  # EXIF tag; 1 is upright. Source: EXIF 2.32, 4.6.4
USUAL = {  # compressions of a TIFF; Pillow may lack any other
    "raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "jpeg",
    "group3", "group4", "tiff_ccitt",
}  # fmt: skip
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
    """Decode a file to 8-bit sRGB.

    Grey is repeated, a palette looked up, alpha laid on white, more than eight bits
    brought to eight by their real depth, inks and other colour spaces and profiles
    converted, and an orientation applied, so that the pixels are what a viewer shows.
    Of a pyramid the full picture counts. A truncated file is never half an image.

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
        conversions = _check(image, max_megapixels=max_megapixels)
        if image.format in {"JPEG", "MPO"}:
            data = _whole_jpeg(data, image)
        if _is_plain(image):
            return Decoded(pixels=_decode_jpeg(data, image), conversions=())
        return _decode_any(image, data, conversions)


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except BROKEN as err:
        raise UnreadableError(why_not_opened(data)) from err


def _check(image: Image.Image, *, max_megapixels: float) -> list[Conversion]:
    """Refuse what is no single picture of a bearable size, by its header."""
    conversions = _check_pages(image)
    width, height = image.size
    if width * height > max_megapixels * 1e6:
        is_pyramid = Conversion.PYRAMID in conversions
        reason = Reason.WHOLE_SLIDE if is_pyramid else Reason.TOO_LARGE
        raise UnreadableError(reason, image.size)
    return conversions


def _check_pages(image: Image.Image) -> list[Conversion]:
    try:
        num_pages = getattr(image, "n_frames", 1)
        # A camera's JPEG may have its preview behind it.
        if num_pages == 1 or image.format == "MPO":
            return []
        is_tiff = image.format == "TIFF"
        reason = why_not_one_picture(image) if is_tiff else Reason.ANIMATED
    except BROKEN as err:
        raise UnreadableError(Reason.TRUNCATED, image.size) from err
    if reason is not None:
        raise UnreadableError(reason, image.size)
    return [Conversion.PYRAMID]


def _whole_jpeg(data: bytes, image: Image.Image) -> bytes:
    """Return a JPEG up to its end; what was cut short may decode without a word."""
    whole = cut_after_end(data)
    if whole is None:
        raise UnreadableError(Reason.TRUNCATED, image.size)
    return whole


def _is_plain(image: Image.Image) -> bool:
    """Whether this is an upright JPEG in sRGB."""
    profile = image.info.get("icc_profile")
    return (
        image.format == "JPEG"
        and image.mode == "RGB"
        and _orientation(image) == 1
        and (profile is None or is_srgb(profile))
    )


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except BROKEN:
        return 1


def _decode_jpeg(data: bytes, image: Image.Image) -> Image8:
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None or lacks_blocks(data, pixels, image):
        raise UnreadableError(Reason.TRUNCATED, image.size)
    return np.asarray(pixels, dtype=np.uint8)


def _decode_any(
    image: Image.Image, data: bytes, conversions: list[Conversion]
) -> Decoded:
    was_deep, is_turned = is_deep(image, data), _orientation(image) != 1
    profile = image.info.get("icc_profile")
    _load(image, data)
    orientation = _orientation(image)  # Pillow has turned a TIFF by now
    conversions += [Conversion.TURNED] if is_turned else []
    if was_deep:
        image = _shallow(image, data, conversions)
    elif image.mode.startswith(("I", "F")):
        # 32 bit: nobody says what is black and what is white
        raise UnreadableError(Reason.UNSUPPORTED, image.size)
    if image.format == "JPEG" and image.mode == "CMYK":
        image = with_true_inks(image)
    pixels = to_srgb(_upright(image, orientation), profile, conversions)
    return Decoded(pixels=pixels, conversions=tuple(conversions))


def _load(image: Image.Image, data: bytes) -> None:
    try:
        image.load()
    except BROKEN as err:
        is_rare = image.format == "TIFF" and image.info.get("compression") not in USUAL
        reason = Reason.UNSUPPORTED if is_rare else Reason.TRUNCATED
        raise UnreadableError(reason, image.size) from err
    is_jpeg = image.format in {"JPEG", "MPO"}
    if is_jpeg and lacks_blocks(data, np.asarray(image), image):
        raise UnreadableError(Reason.TRUNCATED, image.size)


def _shallow(
    image: Image.Image, data: bytes, conversions: list[Conversion]
) -> Image.Image:
    found = to_eight_bits(image, data)
    if found is None:
        raise UnreadableError(Reason.UNSUPPORTED, image.size)
    conversions.append(found.conversion)
    return found.image


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    if orientation == 1:
        return image
    image.getexif()[ORIENTATION] = orientation
    try:
        return ImageOps.exif_transpose(image)
    except BROKEN as err:
        raise UnreadableError(Reason.TRUNCATED, image.size) from err
