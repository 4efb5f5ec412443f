"""Turn samples of more than eight bits into eight, by the depth that they really have.

Cameras put 10, 12 or 14 bits into 16, and the high byte alone is then black. A file is
scaled by its *depth*, the least of 8, 10, 12, 14 and 16 bits that holds its largest
sample, and not by its range: two tiles of one slide keep the ratio of their brightness,
and an empty tile stays white. A set is not looked at as a whole, for then one more file
could change the pixels of all; a set whose files differ in depth is said.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lcc.images.reasons import Conversion
from lcc.images.tiff import BITS, MAX_SAMPLE, PHOTOMETRIC, WHITE_IS_ZERO

DEPTHS = {
    8: Conversion.EIGHT_IN_SIXTEEN,
    10: Conversion.TEN_BIT,
    12: Conversion.TWELVE_BIT,
    14: Conversion.FOURTEEN_BIT,
    16: Conversion.SIXTEEN_BIT,
}
CODESTREAM = b"\xff\x4f\xff\x51"  # start and size of a JPEG 2000
PRECISION_PLACE = 42  # of the first component. Source: ISO 15444-1, A.5.1
Deep = NDArray[np.uint16]  # (height, width) or (height, width, channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shallow:
    """A picture brought to eight bits.

    Attributes:
        image: Grey or RGB, with alpha where the file has it.
        conversion: The depth that it had.
    """

    image: Image.Image
    conversion: Conversion


def is_deep(image: Image.Image, data: bytes) -> bool:
    """Return whether a file's samples have more than eight bits.

    Args:
        image: As opened, before its pixels are loaded.
        data: The file.
    """
    if image.format == "JPEG2000":
        return precision_of(data) > 8  # noqa: PLR2004 - bits of a byte
    if image.format == "PPM":
        return image.mode == "I"
    if image.format == "TIFF":
        return int(np.max(image.tag_v2.get(BITS, 1))) > 8  # type: ignore[attr-defined] # noqa: PLR2004
    return image.mode.startswith("I;16") or ";16" in str(getattr(image, "tile", ""))


def precision_of(data: bytes) -> int:
    """Return the bits of a sample that a JPEG 2000 declares; 8 where it is unclear."""
    start = data.find(CODESTREAM)
    if start < 0 or len(data) <= start + PRECISION_PLACE:
        return 8
    return (data[start + PRECISION_PLACE] & 0x7F) + 1


def to_eight_bits(image: Image.Image, data: bytes) -> Shallow | None:
    """Return a deep picture with eight bits, None where its samples cannot be read.

    Args:
        image: Loaded, so that the file is known to be whole.
        data: The file.
    """
    samples = _samples(image, data)
    if samples is None:
        return None
    bands = image.getbands()
    num_colours = len(bands) - ("A" in bands)
    colours, alpha = samples[:, :, :num_colours], samples[:, :, num_colours:]
    depth = _declared(image, data) or _depth(colours)
    reduced = _reduce(colours, depth)
    if _is_inverted(image):
        reduced = 255 - reduced
    if alpha.size:
        opaque = depth if alpha.max() < 1 << depth else 16  # as colours, or in full
        reduced = np.dstack([reduced, _reduce(alpha, opaque)])
    name = next(DEPTHS[known] for known in DEPTHS if known >= depth)
    pixels = reduced[:, :, 0] if reduced.shape[2] == 1 else reduced
    return Shallow(image=Image.fromarray(np.ascontiguousarray(pixels)), conversion=name)


def _depth(samples: Deep) -> int:
    """Return the least usual depth that holds the largest sample."""
    bits = int(samples.max()).bit_length()
    return next(depth for depth in DEPTHS if depth >= bits)


def _reduce(samples: Deep, depth: int) -> NDArray[np.uint8]:
    eight = np.minimum(samples >> (depth - 8), 255)
    return np.asarray(eight, dtype=np.uint8)


def _declared(image: Image.Image, data: bytes) -> int | None:
    """Return the depth that a file names, None for the 16 bits of its container.

    Pillow has scaled a PPM by the depth that it names.
    """
    if image.format == "PPM":
        return 16
    if image.format == "JPEG2000":
        bits = precision_of(data)
    elif image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined] # of a TIFF
        largest = np.max(tags.get(MAX_SAMPLE, 0xFFFF))
        bits = min(int(np.max(tags.get(BITS, 16))), int(largest).bit_length())
    else:
        return None
    return bits if 8 <= bits < 16 else None  # noqa: PLR2004 - bits of one and two bytes


def _samples(image: Image.Image, data: bytes) -> Deep | None:
    """Return (height, width, channels) as the file has them, in Pillow's order."""
    if image.mode.startswith("I"):
        return np.asarray(image).astype(np.uint16)[:, :, np.newaxis]
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16:
        return None
    samples = _in_order(np.atleast_3d(found).astype(np.uint16), image.getbands())
    return samples if _agrees(samples, image, data) else None


def _in_order(samples: Deep, bands: tuple[str, ...]) -> Deep:
    """Return OpenCV's blue, green, red, alpha as the bands that Pillow has."""
    if bands[0] == "L" and samples.shape[2] > 1:
        return samples[:, :, [0, -1][: len(bands)]]
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(samples.shape[2], [0])
    return samples[:, :, order]


def _agrees(samples: Deep, image: Image.Image, data: bytes) -> bool:
    """Return whether Pillow has the high bytes of these samples, at the same places.

    Of 16-bit planes neither reads what the file holds, and each something else.
    """
    bits = precision_of(data) if image.format == "JPEG2000" else 16
    high = np.atleast_3d(np.asarray(image))
    return samples.shape == high.shape and np.array_equal(samples >> (bits - 8), high)


def _is_inverted(image: Image.Image) -> bool:
    """Return whether a TIFF's zero is white; Pillow sees to it in eight bits only."""
    if image.format != "TIFF" or not image.mode.startswith("I;16"):
        return False
    return bool(image.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO)  # type: ignore[attr-defined]
