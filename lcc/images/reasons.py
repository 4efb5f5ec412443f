"""Words for why a file is not used, what was converted, and what to do about it.

Knows reasons; not how they are found out.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a file cannot be read as an image."""

    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    TRUNCATED = "truncated"
    ANIMATED = "animated"
    SEVERAL_PAGES = "several_pages"
    WHOLE_SLIDE = "whole_slide"
    DICOM = "dicom"
    AVIF_OR_HEIC = "avif_or_heic"
    OTHER_FORMAT = "other_format"
    POINTER = "pointer_file"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported_pixels"
    BROKEN_LINK = "broken_link"
    VANISHED = "vanished"
    CHANGED = "changed"


TRANSIENT = frozenset(
    {Reason.VANISHED, Reason.CHANGED}
)  # of a moment, not of the bytes


class Conversion(StrEnum):
    """How the pixels of a file became 8-bit RGB."""

    GREY = "grey"
    PALETTE = "palette"
    ALPHA = "alpha"
    ALPHA_IGNORED = "alpha_ignored"
    ALPHA_OVER_PICTURE = "alpha_over_picture"
    SIXTEEN_BIT = "sixteen_bit"
    FOURTEEN_BIT = "fourteen_bit"
    TWELVE_BIT = "twelve_bit"
    TEN_BIT = "ten_bit"
    EIGHT_IN_SIXTEEN = "eight_bit_in_sixteen"
    CMYK = "cmyk"
    PROFILE = "colour_profile"
    PROFILE_IGNORED = "colour_profile_ignored"
    COLOUR_SPACE = "colour_space"
    PYRAMID = "pyramid"
    TURNED = "turned"


PULL = "fetch what the links mean: dvc pull, or git annex get ."
SLIDE = (
    "cut tiles, e.g. with OpenSlide's deepzoom_tile.py or QuPath (Export tiles), and "
    "prepare their folder"
)
ADVICE = {  # what to do about a file that was left out, by its reason
    Reason.EMPTY: "holds no byte: copy it again",
    Reason.NOT_AN_IMAGE: "no picture by its bytes: remove it, or copy it again",
    Reason.TRUNCATED: "ends too early: copy it again from where it is whole",
    Reason.ANIMATED: "moves: save the one frame that counts as PNG",
    Reason.SEVERAL_PAGES: "several pictures in one file: save each page as a file of "
    "its own, e.g. tiffsplit",
    Reason.WHOLE_SLIDE: f"a whole slide (SVS, NDPI, a large pyramid …): {SLIDE}",
    Reason.DICOM: f"DICOM is not read: {SLIDE}; OpenSlide 4 reads DICOM slides",
    Reason.AVIF_OR_HEIC: "AVIF and HEIC are not read: save as PNG, e.g. magick a.heic "
    "a.png, or heif-convert",
    Reason.OTHER_FORMAT: "a format that is not read: save it as PNG or TIFF",
    Reason.POINTER: "stands for a file that is elsewhere: git lfs pull, or git annex "
    "get .",
    Reason.TOO_LARGE: f"above data.max_megapixels: raise it, or {SLIDE}",
    Reason.UNSUPPORTED: "pixels that have no black and white (32 bit, floating point) "
    "or no RGB: save as 8-bit RGB",
    Reason.BROKEN_LINK: f"a link to a file that is not there: {PULL}",
    Reason.VANISHED: "was removed before it was read: run it again",
    Reason.CHANGED: "was changed before it was read: run it again",
    "larger_than_training_images": "the model knows smaller images: cut it into tiles "
    "of their size, or pass --resize",
    "broken_folder_link": f"a link to a folder that is not there: {PULL}",
    "hidden": "its name begins with a dot",
    "litter": "left behind by a system, a share or a program",
    "archive": "an archive: unpack it beside, if it holds images",
    "array_file": "many pictures in one file, or none: if these are the images, write "
    "each as PNG",
    "side_file": "no image by its name",
    "mask": "masks beside images",
    "outside_class_folder": "lies above the folders of classes",
    "class_not_chosen": "its class is not in data.classes",
    "no_label": "data.labels_csv has no row for it",
    "other_path": "data.class_pattern does not fit its path",
    "same_bytes": "a copy of an image that is kept",
    "same_pixels": "saved anew from the pixels of an image that is kept",
    "same_pixels_other_label": "the same pixels lie in another class too, so that none "
    "is kept: give each picture one label",
}


def advice_on(reason: str) -> str:
    """Return what a reason means and what to do.

    Example:
        >>> advice_on("empty")
        'holds no byte: copy it again'
    """
    return ADVICE.get(reason, "")
