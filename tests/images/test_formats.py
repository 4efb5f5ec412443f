"""Images as instruments and archives make them: right or said, never silently wrong."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from lcc.images.decode import Decoded, decode_image
from lcc.images.reasons import ADVICE, Conversion, Reason
from tests.builders.pictures import a_file, a_picture, encoded, reason_of
from tests.builders.tiffs import Page, a_tiff

APERIO = "Aperio Image Library v12.0.15\\n46000x32914 (256x256) JPEG/RGB Q=70"
BIG = a_picture(size_px=96)


def small(size_px: int, seed: int = 0) -> np.ndarray:
    return a_picture(seed, size_px=size_px)


def png16(samples: np.ndarray) -> bytes:
    """Return a 16-bit PNG of grey, RGB or RGBA."""
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}
    if samples.ndim > 2:
        samples = samples[:, :, order[samples.shape[2]]]
    return cv2.imencode(".png", samples)[1].tobytes()


def tiff16(samples: np.ndarray) -> bytes:
    return a_tiff(Page(pixels=samples))


def jp2(samples: np.ndarray) -> bytes:
    return encoded(Image.fromarray(samples), "JPEG2000")


def without(data: bytes, marker: int) -> bytes:
    """Return a JPEG without its segments of one marker."""
    start = data.find(bytes([0xFF, marker]))
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    return data[:start] + data[start + 2 + length :]


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def a_profile(red: tuple[float, float]) -> bytes:
    """Return an RGB profile whose red lies elsewhere than that of sRGB."""
    profile = bytearray(
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    )
    place = profile.find(b"rXYZ")
    offset = int.from_bytes(profile[place + 4 : place + 8], "big")
    for number, value in enumerate((*red, 0.02)):
        fixed = int(value * 65536).to_bytes(4, "big")
        profile[offset + 8 + 4 * number : offset + 12 + 4 * number] = fixed
    return bytes(profile)


WIDE = a_profile((0.61, 0.31))  # as Adobe RGB's red


# More than eight bits


@pytest.mark.parametrize(
    ("bits", "conversion"),
    [
        (8, Conversion.EIGHT_IN_SIXTEEN),
        (10, Conversion.TEN_BIT),
        (12, Conversion.TWELVE_BIT),
        (14, Conversion.FOURTEEN_BIT),
        (16, Conversion.SIXTEEN_BIT),
    ],
)
@pytest.mark.parametrize("write", [png16, tiff16])
def test_samples_of_fewer_bits_than_their_container_are_not_black(
    bits, conversion, write
):
    colours = a_picture()
    samples = colours.astype(np.uint16) << (bits - 8)

    decoded = decode_image(write(samples))

    assert np.array_equal(decoded.pixels, colours)
    assert decoded.conversions == (conversion,)


@pytest.mark.parametrize("write", [png16, tiff16, jp2])
def test_grey_of_twelve_bits_is_scaled_and_repeated(write):
    grey = a_picture()[:, :, 0]

    decoded = decode_image(write(grey.astype(np.uint16) << 4))

    assert np.array_equal(decoded.pixels, np.stack([grey] * 3, axis=-1))
    assert decoded.conversions == (Conversion.TWELVE_BIT, Conversion.GREY)


@pytest.mark.parametrize("largest", [4095, 65535])
def test_a_deep_pgm_is_scaled_by_the_depth_that_it_names(largest):
    dark = np.full((8, 8), largest // 4, ">u2")

    decoded = decode_image(f"P5 8 8 {largest}\n".encode() + dark.tobytes())

    assert decoded.pixels[0, 0, 0] == 63
    assert decoded.conversions == (Conversion.SIXTEEN_BIT, Conversion.GREY)


def test_two_tiles_of_a_camera_keep_the_ratio_of_their_brightness():
    bright = np.full((16, 16, 3), 4000, np.uint16)
    dark = np.full((16, 16, 3), 2100, np.uint16)

    found = [decode_image(png16(samples)).pixels[0, 0, 0] for samples in (bright, dark)]

    assert found == [4000 >> 4, 2100 >> 4]


def test_opaque_alpha_does_not_make_twelve_bits_sixteen():
    colours = a_picture().astype(np.uint16) << 4
    samples = np.dstack([colours, np.full((48, 48), 65535, np.uint16)])

    decoded = decode_image(png16(samples))

    assert np.array_equal(decoded.pixels, a_picture())
    assert decoded.conversions == (Conversion.TWELVE_BIT, Conversion.ALPHA)


@pytest.mark.parametrize("bits", [12, 16])
def test_half_opaque_stays_half_opaque(bits):
    samples = np.full((8, 8, 4), (1 << bits) - 1, np.uint16)
    samples[:, :, :3] //= 5
    samples[0, 0, :3] = (1 << bits) - 1
    samples[:, :, 3] = 1 << (bits - 1)

    decoded = decode_image(png16(samples))

    assert abs(int(decoded.pixels[4, 4, 0]) - (51 + 255) // 2) < 2


def test_deep_grey_whose_zero_is_white_is_turned_over():
    grey = a_picture()[:, :, 0]
    page = Page(pixels=(255 - grey).astype(np.uint16) << 8, photometric=0)

    decoded = decode_image(a_tiff(page))

    assert np.array_equal(decoded.pixels[:, :, 0], grey)


def test_a_declared_depth_counts():
    dark = np.full((16, 16), 900, np.uint16)

    decoded = decode_image(a_tiff(Page(pixels=dark, tags={281: 4095})))

    assert decoded.pixels[0, 0, 0] == 900 >> 4
    assert Conversion.TWELVE_BIT in decoded.conversions


def test_deep_planes_are_refused_and_not_mixed_up():
    page = Page(pixels=a_picture().astype(np.uint16) << 8, planar=True)

    assert reason_of(a_tiff(page)) is Reason.UNSUPPORTED


# TIFF


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(a_tiff(Page(pixels=BIG)), id="plain"),
        pytest.param(a_tiff(Page(pixels=BIG), big=True), id="BigTIFF"),
        pytest.param(a_tiff(Page(pixels=BIG, planar=True)), id="planes"),
        pytest.param(a_tiff(Page(pixels=BIG, planar=True), big=True), id="both"),
        pytest.param(encoded(Image.fromarray(BIG), "TIFF", compression="tiff_lzw"),
                     id="compressed"),
    ],
)  # fmt: skip
def test_a_tiff_of_one_page_is_read(data: bytes):
    assert decode_image(data).conversions == ()
    assert np.array_equal(decode_image(data).pixels, BIG)


@pytest.mark.parametrize("flag", [0, 1])
def test_of_a_pyramid_the_full_picture_counts(flag):
    levels = [Page(pixels=small(s), tags={254: flag}) for s in (48, 24)]

    decoded = decode_image(a_tiff(Page(pixels=BIG), *levels))

    assert np.array_equal(decoded.pixels, BIG)
    assert decoded.conversions == (Conversion.PYRAMID,)


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        pytest.param([Page(pixels=BIG), Page(pixels=small(96, 1))],
                     Reason.SEVERAL_PAGES, id="a stack"),
        pytest.param([Page(pixels=small(24)), Page(pixels=BIG)],
                     Reason.SEVERAL_PAGES, id="a preview first"),
        pytest.param([Page(pixels=BIG), Page(pixels=BIG[:20])],
                     Reason.SEVERAL_PAGES, id="pages of other shapes"),
        pytest.param([Page(pixels=BIG, tags={270: APERIO}), Page(pixels=small(24))],
                     Reason.WHOLE_SLIDE, id="SVS"),
        pytest.param([Page(pixels=BIG, tags={65420: 1}), Page(pixels=small(24))],
                     Reason.WHOLE_SLIDE, id="NDPI"),
    ],
)  # fmt: skip
def test_what_several_pages_are_is_said(pages, reason):
    assert reason_of(a_tiff(*pages)) is reason


def test_a_pyramid_above_the_limit_is_a_slide():
    data = a_tiff(Page(pixels=BIG), Page(pixels=small(48), tags={254: 1}))

    assert reason_of(data, max_megapixels=0.005) is Reason.WHOLE_SLIDE


@pytest.mark.parametrize("channels", [2, 5])
def test_channels_that_are_no_colours_are_said_so(channels):
    pixels = np.dstack([BIG, BIG])[:, :, :channels]

    assert reason_of(a_tiff(Page(pixels=pixels))) is Reason.UNSUPPORTED


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_tiff_is_turned_once(orientation, depth):
    wide = np.ascontiguousarray(a_picture()[:30])
    samples = wide.astype(np.uint16) << 8 if depth == 16 else wide

    decoded = decode_image(a_tiff(Page(pixels=samples, tags={274: orientation})))

    assert np.array_equal(decoded.pixels, turned(wide, orientation))
    assert decoded.conversions[0] is Conversion.TURNED


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = orientation
    return np.asarray(ImageOps.exif_transpose(image))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_exif_turns_once(form):
    wide = np.ascontiguousarray(a_picture()[:32])
    exif = Image.Exif()
    options = {"lossless": True} if form == "WEBP" else {}
    straight = decode_image(encoded(Image.fromarray(wide), form, **options)).pixels
    exif[0x0112] = 6

    decoded = decode_image(encoded(Image.fromarray(wide), form, exif=exif, **options))

    assert np.array_equal(decoded.pixels, turned(straight, 6))


def test_a_deep_png_is_turned_once():
    wide = np.ascontiguousarray(a_picture()[:32])
    exif = Image.Exif()
    exif[0x0112] = 6
    grey = Image.fromarray(wide[:, :, 0].astype(np.uint16) << 8)

    decoded = decode_image(encoded(grey, "PNG", exif=exif))

    assert np.array_equal(decoded.pixels[:, :, 0], turned(wide, 6)[:, :, 0])


# Colour


def cmyk_file() -> bytes:
    return encoded(Image.new("CMYK", (40, 40), (0, 255, 255, 0)), "JPEG", quality=95)


def is_red(decoded: Decoded) -> bool:
    return bool(np.abs(decoded.pixels.mean((0, 1)) - (255, 0, 0)).max() < 6)


def test_inks_with_adobes_marker_are_inverted():
    assert is_red(decode_image(cmyk_file()))


def test_inks_without_adobes_marker_are_not():
    inverted = Image.new("CMYK", (40, 40), (255, 0, 0, 255))
    data = without(encoded(inverted, "JPEG", quality=95), 0xEE)

    assert b"Adobe" not in data
    assert is_red(decode_image(data))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_profile_is_applied_and_said(form):
    image = Image.new("RGB", (40, 40), (200, 60, 60))
    plain = decode_image(encoded(image, form)).pixels.astype(int)

    decoded = decode_image(encoded(image, form, icc_profile=WIDE))

    assert decoded.conversions == (Conversion.PROFILE,)
    assert np.abs(decoded.pixels - plain).max() > 10


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_profile_that_is_srgb_moves_no_pixel(form):
    image = Image.fromarray(a_picture())

    decoded = decode_image(encoded(image, form, icc_profile=SRGB))

    assert decoded.conversions == ()
    assert np.array_equal(decoded.pixels, decode_image(encoded(image, form)).pixels)


@pytest.mark.parametrize(
    "profile", [pytest.param(b"broken", id="broken"), pytest.param(SRGB, id="of RGB")]
)
def test_a_profile_that_does_not_fit_is_ignored_and_said(profile):
    grey = a_picture()[:, :, 0]

    decoded = decode_image(encoded(Image.fromarray(grey), icc_profile=profile))

    assert np.array_equal(decoded.pixels[:, :, 0], grey)
    assert decoded.conversions == (Conversion.GREY, Conversion.PROFILE_IGNORED)


def test_a_profile_of_a_transparent_picture_leaves_white_white():
    layer = np.dstack(
        [np.full((40, 40, 3), (200, 60, 60), np.uint8), np.zeros((40, 40))]
    )
    layer[:20, :, 3] = 255

    decoded = decode_image(
        encoded(Image.fromarray(layer.astype(np.uint8)), icc_profile=WIDE)
    )

    assert decoded.conversions == (Conversion.PROFILE, Conversion.ALPHA)
    assert (decoded.pixels[20:] == 255).all()


def test_one_bit_is_black_and_white():
    mask = a_picture()[:, :, 0] > 128

    decoded = decode_image(encoded(Image.fromarray(mask)))

    assert np.array_equal(decoded.pixels[:, :, 0], mask * np.uint8(255))
    assert decoded.conversions == (Conversion.GREY,)


def test_a_picture_that_is_wholly_transparent_is_not_made_white():
    layer = np.dstack([a_picture(), np.zeros((48, 48), np.uint8)])

    decoded = decode_image(encoded(Image.fromarray(layer)))

    assert np.array_equal(decoded.pixels, a_picture())
    assert decoded.conversions == (Conversion.ALPHA_IGNORED,)


# Formats


def test_lossless_jpeg_2000_gives_the_pixels_back():
    assert np.array_equal(decode_image(jp2(BIG)).pixels, BIG)


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_half_a_jpeg_2000_is_said_so(share):
    data = jp2(BIG)

    assert reason_of(data[: int(len(data) * share)]) is Reason.TRUNCATED


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"\0\0\0\x1cftypavif" + bytes(99), Reason.AVIF_OR_HEIC, id="AVIF"),
        pytest.param(b"\0\0\0\x1cftypheic" + bytes(99), Reason.AVIF_OR_HEIC, id="HEIC"),
        pytest.param(bytes(128) + b"DICM" + bytes(99), Reason.DICOM, id="DICOM"),
        pytest.param(b"ZISRAWFILE" + bytes(99), Reason.WHOLE_SLIDE, id="CZI"),
        pytest.param(b"8BPS" + bytes(99), Reason.OTHER_FORMAT, id="Photoshop"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", Reason.POINTER,
                     id="Git LFS"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_named(data: bytes, reason: Reason):
    assert reason_of(data) is reason


def test_avif_is_not_read_even_where_pillow_could():
    sink = io.BytesIO()
    Image.fromarray(BIG).save(sink, "AVIF")

    assert reason_of(sink.getvalue()) is Reason.AVIF_OR_HEIC


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_says_what_to_do(reason: Reason):
    assert ADVICE[reason]


# JPEGs that are not whole


def jpeg(**options) -> bytes:
    return encoded(Image.fromarray(BIG), "JPEG", quality=90, **options)


KINDS = [
    pytest.param({}, id="baseline"),
    pytest.param({"subsampling": 0}, id="full colour"),
    pytest.param({"progressive": True}, id="progressive"),
    pytest.param({"restart_marker_blocks": 4}, id="restart markers"),
]


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("share", [0.4, 0.7, 0.95])
def test_half_a_jpeg_with_an_end_marker_is_said_so(options, share):
    data = jpeg(**options)

    assert reason_of(data[: int(len(data) * share)] + b"\xff\xd9") is Reason.TRUNCATED


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("tail", [b"\0" * 5000, b"\xff" * 5000, b"junk" * 1000])
def test_half_a_jpeg_with_a_tail_is_said_so(options, tail):
    data = jpeg(**options)

    assert reason_of(data[: len(data) // 2] + tail) is Reason.TRUNCATED


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("tail", [b"", b"\0" * 5000, b"junk", jpeg()])
def test_a_whole_jpeg_is_read_whatever_follows(options, tail):
    data = jpeg(**options)

    decoded = decode_image(data + tail)

    assert np.array_equal(decoded.pixels, np.asarray(Image.open(io.BytesIO(data))))
    assert decoded.conversions == ()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_picture_of_the_fill_colour_is_whole(mode):
    flat = Image.new(mode, (40, 40), 128 if mode == "L" else (128,) * len(mode))

    assert decode_image(encoded(flat, "JPEG")).pixels.shape == (40, 40, 3)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_half_a_jpeg_of_another_mode_is_said_so(mode):
    data = encoded(Image.fromarray(BIG).convert(mode), "JPEG")

    assert reason_of(data[: len(data) // 2] + b"\xff\xd9") is Reason.TRUNCATED


def test_a_jpeg_of_twelve_bits_is_said_so():
    data = bytearray(jpeg())
    start = data.find(b"\xff\xc0")
    data[start + 1], data[start + 4] = 0xC1, 12

    assert reason_of(bytes(data)) is Reason.UNSUPPORTED


def test_a_preview_in_the_header_is_no_end():
    exif = Image.Exif()
    exif[0x9286] = jpeg().decode("latin-1")
    data = jpeg(exif=exif.tobytes())

    assert reason_of(data[:-400]) is Reason.TRUNCATED
    assert decode_image(data).conversions == ()


def test_half_a_webp_is_said_so():
    data = encoded(Image.fromarray(BIG), "WEBP")

    assert reason_of(data[: len(data) // 2]) is Reason.TRUNCATED


def test_plain_files_keep_their_pixels():
    assert np.array_equal(decode_image(a_file(BIG)).pixels, BIG)
