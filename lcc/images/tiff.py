"""Tell what the pages of a TIFF are: one picture, its pyramid, a slide, a stack.

Knows tags; decodes nothing.
"""

from collections.abc import Iterator

from PIL import Image

from lcc.images.reasons import Reason

SUBFILE, PHOTOMETRIC, DESCRIPTION, SOFTWARE = 254, 262, 270, 305
BITS, MAX_SAMPLE, WHITE_IS_ZERO = 258, 281, 0
NDPI = 65420  # Hamamatsu's own tag. Source: OpenSlide, "Hamamatsu format"
REDUCED = 1  # bit of SUBFILE: a smaller copy of another page
MAX_PAGES = 64  # that are looked at: a pyramid has fewer
SLIDE_WORDS = ("Aperio", "DPUfsImport", "SCANNER_ID", "<scn", "iScan", "Ventana")


def why_not_one_picture(image: Image.Image) -> Reason | None:
    """Return why a TIFF of several pages is no tile, None where the first page is one.

    The first page counts where all others are smaller copies of it (a pyramid or a
    preview), marked as such or of its shape.

    Args:
        image: At its first page, to which it is brought back.
    """
    if is_slide(image):
        return Reason.WHOLE_SLIDE
    first = image.size
    is_pyramid = all(
        _is_copy(size, first, is_reduced=is_reduced)
        for size, is_reduced in _further_pages(image)
    )
    image.seek(0)
    return None if is_pyramid else Reason.SEVERAL_PAGES


def is_slide(image: Image.Image) -> bool:
    """Return whether a scanner of whole slides wrote a TIFF."""
    tags = image.tag_v2  # type: ignore[attr-defined] # of a TIFF
    text = f"{tags.get(DESCRIPTION, '')} {tags.get(SOFTWARE, '')}"
    return NDPI in tags or any(word in text for word in SLIDE_WORDS)


def _further_pages(image: Image.Image) -> Iterator[tuple[tuple[int, int], bool]]:
    for page in range(1, min(image.n_frames, MAX_PAGES)):  # type: ignore[attr-defined]
        image.seek(page)
        flags = image.tag_v2.get(SUBFILE, 0)  # type: ignore[attr-defined]
        yield image.size, bool(flags & REDUCED)


def _is_copy(
    size: tuple[int, int], first: tuple[int, int], *, is_reduced: bool
) -> bool:
    (width, height), (full_width, full_height) = size, first
    if width > full_width or height > full_height or size == first:
        return False
    # A pyramid rounds each side up or down.
    skew = abs(width * full_height - height * full_width)
    return is_reduced or skew <= max(full_width, full_height)
