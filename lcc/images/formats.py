"""Tell what bytes are that no decoder here opens, so that a message can help.

Knows signatures; not pixels.
"""

import io

from PIL import TiffImagePlugin

from lcc.images.jpeg import has_eight_bits
from lcc.images.reasons import Reason

JPEG = b"\xff\xd8\xff"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# An installed Pillow may read AVIF or not; the same files must give the same catalogue
# on every machine, so that none does.
ISO_BRANDS = frozenset(
    {
        b"avif", b"avis", b"heic", b"heim", b"heis", b"heix", b"hevc", b"hevx",
        b"mif1", b"msf1",
    }
)  # fmt: skip
SIGNATURES = {
    b"version https://git-lfs": Reason.POINTER,
    b"/annex/objects/": Reason.POINTER,
    b"ZISRAWFILE": Reason.WHOLE_SLIDE,
    b"8BPS": Reason.OTHER_FORMAT,  # Photoshop
    b"\0\0\0\x0cJXL ": Reason.OTHER_FORMAT,
    b"v/1\x01": Reason.OTHER_FORMAT,  # OpenEXR
    b"#?RADIANCE": Reason.OTHER_FORMAT,
    b"SIMPLE  =": Reason.OTHER_FORMAT,  # FITS
    b"gimp xcf": Reason.OTHER_FORMAT,
    b"qoif": Reason.OTHER_FORMAT,
    b"<svg": Reason.OTHER_FORMAT,
    b"\x89HDF": Reason.OTHER_FORMAT,
    b"\x93NUMPY": Reason.OTHER_FORMAT,
}
DICOM_PLACE = slice(128, 132)  # Source: DICOM PS3.10, 7.1


def why_not_opened(data: bytes) -> Reason:
    r"""Return why no decoder opens a file.

    Example:
        >>> why_not_opened(b"\0\0\0\x20ftypheic").value
        'avif_or_heic'
    """
    if data[4:8] == b"ftyp" and data[8:12] in ISO_BRANDS:
        return Reason.AVIF_OR_HEIC
    if data[DICOM_PLACE] == b"DICM":
        return Reason.DICOM
    if data.startswith(TIFF):
        return _why_no_tiff(data)
    if data.startswith(JPEG) and not has_eight_bits(data):
        return Reason.UNSUPPORTED
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return Reason.TRUNCATED  # its decoder wants the whole file
    found = (reason for start, reason in SIGNATURES.items() if data.startswith(start))
    return next(found, Reason.NOT_AN_IMAGE)


def _why_no_tiff(data: bytes) -> Reason:
    """Return whether Pillow lacks a kind of pixels, or the file its end."""
    try:
        TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    except SyntaxError as err:
        is_known = not isinstance(err.__cause__, KeyError)  # of a table of kinds
        unknown_mode = str(err) == "unknown pixel mode"
        return Reason.UNSUPPORTED if unknown_mode or not is_known else Reason.TRUNCATED
    except Exception:  # whatever a broken header makes Pillow raise
        return Reason.TRUNCATED
    return Reason.UNSUPPORTED
