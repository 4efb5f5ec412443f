"""TIFF files as instruments write them: pages, planes, depths, BigTIFF."""

import struct
from dataclasses import dataclass, field

import numpy as np

SHORT, LONG, ASCII = 3, 4, 2
SIZES = {SHORT: 2, LONG: 4, ASCII: 1, 16: 8}


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page: (height, width[, channels]) uint8 or uint16, and further tags."""

    pixels: np.ndarray
    planar: bool = False
    photometric: int | None = None
    tags: dict[int, int | str] = field(default_factory=dict)


def a_tiff(*pages: Page, big: bool = False) -> bytes:
    """Return an uncompressed little-endian TIFF, or a BigTIFF."""
    start = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if big else b""
    data = bytearray(start or struct.pack("<2sHI", b"II", 42, 8))
    link = 8 if big else 4  # where the offset of the next page is to be written
    for page in pages:
        strips = _strips(page)
        offsets = []
        for strip in strips:
            offsets.append(len(data))
            data += strip + b"\0" * (len(strip) % 2)
        entries = _entries(page, offsets, [len(strip) for strip in strips])
        blobs = {}
        for tag, (kind, values) in entries.items():
            packed = _packed(kind, values)
            if len(packed) > (8 if big else 4):
                blobs[tag] = len(data)
                data += packed + b"\0" * (len(packed) % 2)
        word = "<Q" if big else "<I"
        struct.pack_into(word, data, link, len(data))
        data += struct.pack("<Q" if big else "<H", len(entries))
        for tag, (kind, values) in sorted(entries.items()):
            data += struct.pack("<HH", tag, kind) + struct.pack(word, len(values))
            width = 8 if big else 4
            inline = _packed(kind, values)[:width].ljust(width, b"\0")
            data += struct.pack(word, blobs[tag]) if tag in blobs else inline
        link = len(data)
        data += struct.pack(word, 0)
    return bytes(data)


def _strips(page: Page) -> list[bytes]:
    little = page.pixels.astype(page.pixels.dtype.newbyteorder("<"))
    if page.planar:
        return [little[:, :, channel].tobytes() for channel in range(little.shape[2])]
    return [little.tobytes()]


def _entries(page: Page, offsets: list[int], lengths: list[int]) -> dict:
    height, width = page.pixels.shape[:2]
    channels = page.pixels.shape[2] if page.pixels.ndim > 2 else 1
    bits = page.pixels.dtype.itemsize * 8
    photometric = page.photometric
    if photometric is None:
        photometric = 2 if channels >= 3 else 1
    entries = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [bits] * channels),
        259: (SHORT, [1]),
        262: (SHORT, [photometric]),
        273: (LONG, offsets),
        277: (SHORT, [channels]),
        278: (LONG, [height]),
        279: (LONG, lengths),
        284: (SHORT, [2 if page.planar else 1]),
    }
    for tag, value in page.tags.items():
        text = isinstance(value, str)
        entries[tag] = (ASCII, value.encode() + b"\0") if text else (LONG, [value])
    return entries


def _packed(kind: int, values) -> bytes:
    if kind == ASCII:
        return bytes(values)
    return struct.pack(f"<{len(values)}{'H' if kind == SHORT else 'I'}", *values)
