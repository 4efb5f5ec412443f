"""Digests of files, pixels and rows, and any file name as text.

Knows bytes; nothing of images or tables.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigests:
    """Digests of the raw bytes of one file, before any decoding."""

    md5: str
    sha256: str


def digest_file(data: bytes) -> FileDigests:
    """Return MD5 and SHA-256 of the bytes as they are.

    Example:
        >>> digest_file(b"").md5
        'd41d8cd98f00b204e9800998ecf8427e'
    """
    return FileDigests(
        md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_pixels(pixels: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of decoded pixels and their shape.

    Two files with equal pixels have equal digests, whatever their format.

    Args:
        pixels: (height, width, 3) uint8, RGB, at full size.
    """
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def digest_rows(rows: Iterable[Iterable[object]]) -> str:
    """Return the SHA-256 of rows in their order, one line of JSON each.

    Example:
        >>> digest_rows([("a", 1)]) == digest_rows(iter([["a", 1]]))
        True
    """
    digest = hashlib.sha256()
    for row in rows:
        line = json.dumps(list(row), separators=(",", ":"), ensure_ascii=True)
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def encode_name(name: str) -> str:
    r"""Return a file name as text that any table holds, reversibly.

    A byte that is not UTF-8 becomes `\xNN`, a backslash `\x5c`; all else stays.

    Args:
        name: As `os.fsdecode` gives it, with surrogate escapes.

    Example:
        >>> encode_name("caf\udce9/a b.png")
        'caf\\xe9/a b.png'
    """
    escaped = name.replace("\\", "\\x5c")
    return escaped.encode("utf-8", "surrogateescape").decode(
        "utf-8", "backslashreplace"
    )


def decode_name(text: str) -> str:
    r"""Return the file name that `encode_name` made the text from.

    Example:
        >>> decode_name(encode_name("caf\udce9\\.png")) == "caf\udce9\\.png"
        True
    """
    parts = re.split(rb"\\x([0-9a-f]{2})", text.encode("utf-8", "surrogateescape"))
    parts[1::2] = [bytes.fromhex(part.decode()) for part in parts[1::2]]
    return b"".join(parts).decode("utf-8", "surrogateescape")
