"""Tell whether a JPEG is whole, and how it means its inks.

Knows markers and what libjpeg does where data are missing: it fills with grey and says
nothing that Pillow or OpenCV would pass on.
"""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

END = b"\xff\xd9"
START_OF_SCAN = 0xDA
STANDALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), 0xF7}
LOSSY = {0xC0, 0xC1, 0xC2}  # that libjpeg decodes with Huffman's codes
FILL = 128  # grey value of blocks that are not there
# Codes of blocks that a decoder takes where it lacks some, and skips where it has all.
PROBE = b"\x55" * 64


def cut_after_end(data: bytes) -> bytes | None:
    r"""Return a JPEG without what follows its end, None where its end is missing.

    The end marker cannot occur inside coded pixels; it does in the preview that a
    header may hold, so that it counts only behind the start of the first scan.

    Example:
        >>> cut_after_end(b"\xff\xd8\xff\xda\x00\x02..\xff\xd9junk")[-4:]
        b'..\xff\xd9'
    """
    if data.endswith(END) and data.count(END) == 1:
        return data
    start = _first_scan(data)
    end = data.find(END, start) if start is not None else -1
    return data[: end + len(END)] if end >= 0 else None


def _first_scan(data: bytes) -> int | None:
    found = (place for marker, place in _segments(data) if marker == START_OF_SCAN)
    return next(found, None)


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield marker and place of each segment, up to the first scan."""
    place = 2
    while place + 4 <= len(data) and data[place] == END[0]:
        marker = data[place + 1]
        if marker == END[0]:  # fill byte
            place += 1
            continue
        yield marker, place
        if marker == START_OF_SCAN:
            return
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        place += 2 if marker in STANDALONE else 2 + length


def has_eight_bits(data: bytes) -> bool:
    """Return whether a JPEG is of the usual kind: eight bits, with loss."""
    frames = [(m, place) for m, place in _segments(data) if m in FRAMES]
    return all(m in LOSSY and data[place + 4] == 8 for m, place in frames)  # noqa: PLR2004


def lacks_blocks(data: bytes, pixels: NDArray[Any], image: Image.Image) -> bool:
    """Return whether a JPEG that has its end ends before its pixels do.

    Only a picture whose last pixel is the fill, or that comes in several scans or in
    inks, is looked at more closely: further codes before the end change the picture if
    it lacks some, and nothing otherwise.

    Args:
        data: The file, up to its end marker.
        pixels: As decoded, before any conversion.
        image: Its header.
    """
    is_filled = bool((np.atleast_1d(pixels[-1, -1]) == FILL).all())
    is_usual = image.mode in {"L", "RGB"} and _num_scans(data) == 1
    if is_usual and not is_filled:
        return False
    probe = Image.open(io.BytesIO(data[: -len(END)] + PROBE + END), formats=("JPEG",))
    try:
        return not np.array_equal(np.asarray(probe), pixels)
    except (OSError, SyntaxError, ValueError):
        return True


def _num_scans(data: bytes) -> int:
    start = _first_scan(data) or 0
    return data.count(bytes([END[0], START_OF_SCAN]), start)


def with_true_inks(image: Image.Image) -> Image.Image:
    """Return a JPEG of four inks with 255 as full ink.

    With Adobe's marker the values are inverted, without it they are not; Pillow inverts
    both.

    Source: libjpeg's libjpeg.txt, "Special color spaces".
    """
    return image if "adobe" in image.info else ImageChops.invert(image)
