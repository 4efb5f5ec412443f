"""Every file becomes RGB pixels or a reason."""

import io
import zlib
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from lcc.images.decode import UnreadableError, decode_image
from lcc.images.reasons import Conversion, Reason
from tests.builders.pictures import a_file, a_picture, encoded, reason_of


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body).to_bytes(4, "big")
        return len(body).to_bytes(4, "big") + kind + body + check

    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size + bytes([8, 2, 0, 0, 0]))
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_plain_jpegs_have_the_same_pixels_in_both_decoders(subsampling):
    data = encoded(Image.fromarray(a_picture()), "JPEG", subsampling=subsampling)

    decoded = decode_image(data)

    assert np.array_equal(decoded.pixels, np.asarray(Image.open(io.BytesIO(data))))
    assert decoded.conversions == ()


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".webp"])
def test_lossless_formats_give_the_pixels_back(suffix):
    pixels = a_picture()
    options = {"lossless": True} if suffix == ".webp" else {}
    form = suffix[1:].upper()

    decoded = decode_image(encoded(Image.fromarray(pixels), form, **options))

    assert np.array_equal(decoded.pixels, pixels)


def test_grey_is_repeated():
    grey = a_picture()[:, :, 0]

    decoded = decode_image(a_file(grey))

    assert np.array_equal(decoded.pixels, np.stack([grey] * 3, axis=-1))
    assert decoded.conversions == (Conversion.GREY,)


def test_alpha_is_laid_on_white():
    pixels = np.dstack([a_picture(), np.zeros((48, 48), np.uint8)])
    pixels[:, :24, 3] = 255

    decoded = decode_image(encoded(Image.fromarray(pixels)))

    assert np.array_equal(decoded.pixels[:, :24], pixels[:, :24, :3])
    assert (decoded.pixels[:, 24:] == 255).all()
    assert decoded.conversions == (Conversion.ALPHA_OVER_PICTURE,)


@pytest.mark.parametrize("below", [0, 255])
def test_transparency_over_one_colour_hides_nothing(below):
    pixels = np.dstack([a_picture(), np.full((48, 48), 255, np.uint8)])
    pixels[:, 24:] = (below, below, below, 0)

    decoded = decode_image(encoded(Image.fromarray(pixels)))

    assert (decoded.pixels[:, 24:] == 255).all()
    assert decoded.conversions == (Conversion.ALPHA,)


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bit_is_scaled_to_eight(channels):
    pixels = np.linspace(0, 65535, 48 * 48 * channels).astype(np.uint16)
    pixels = pixels.reshape((48, 48, 3) if channels == 3 else (48, 48))

    decoded = decode_image(a_file(pixels))

    high = (pixels >> 8).astype(np.uint8)
    expected = high if channels == 3 else np.stack([high] * 3, axis=-1)
    assert np.array_equal(decoded.pixels, expected)
    assert Conversion.SIXTEEN_BIT in decoded.conversions


def test_cmyk_is_converted():
    red = Image.new("CMYK", (40, 40), (0, 255, 255, 0))

    decoded = decode_image(encoded(red, "JPEG", quality=95))

    assert decoded.conversions == (Conversion.CMYK,)
    assert np.abs(decoded.pixels.mean((0, 1)) - (255, 0, 0)).max() < 6


def test_a_palette_is_looked_up():
    image = Image.fromarray(a_picture()).convert("P")

    decoded = decode_image(encoded(image))

    assert np.array_equal(decoded.pixels, np.asarray(image.convert("RGB")))
    assert decoded.conversions == (Conversion.PALETTE,)


def test_a_transparent_palette_is_laid_on_white():
    image = Image.new("P", (40, 40), 0)
    image.putpalette([10, 20, 30])

    decoded = decode_image(encoded(image, transparency=0))

    assert (decoded.pixels == 255).all()
    assert decoded.conversions == (Conversion.PALETTE, Conversion.ALPHA)


def test_other_colour_spaces_are_converted():
    image = Image.fromarray(a_picture()).convert("LAB")

    decoded = decode_image(encoded(image, "TIFF"))

    assert decoded.conversions == (Conversion.COLOUR_SPACE,)


def test_exif_orientation_is_applied():
    pixels = a_picture()
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down

    decoded = decode_image(encoded(Image.fromarray(pixels), "PNG", exif=exif))

    assert np.array_equal(decoded.pixels, pixels[::-1, ::-1])
    assert decoded.conversions == (Conversion.TURNED,)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_truncated_file_is_never_half_an_image(form, share):
    options = {"compression": "tiff_lzw"} if form == "TIFF" else {}
    whole = encoded(Image.fromarray(a_picture(size_px=96)), form, **options)

    reason = reason_of(whole[: int(len(whole) * share)])

    assert reason in {Reason.TRUNCATED, Reason.NOT_AN_IMAGE}


def test_a_jpeg_without_its_end_is_truncated():
    whole = encoded(Image.fromarray(a_picture()), "JPEG")

    assert reason_of(whole[:-2]) is Reason.TRUNCATED


def test_bytes_after_the_end_of_a_jpeg_do_no_harm():
    whole = encoded(Image.fromarray(a_picture()), "JPEG")

    decoded = decode_image(whole + bytes(100))

    assert np.array_equal(decoded.pixels, decode_image(whole).pixels)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"hello, I am a text\n" * 50, id="text"),
        pytest.param(b"\xff\xd8\xff\xe0" + bytes(200), id="jpeg start, then zeros"),
        pytest.param(b"%PDF-1.7\n" + bytes(500), id="pdf"),
        pytest.param(bytes(1000), id="zeros"),
    ],
)
def test_what_is_no_image_is_said_so(data):
    assert reason_of(data) is Reason.NOT_AN_IMAGE


def test_an_empty_file_is_said_so():
    assert reason_of(b"") is Reason.EMPTY


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_animations_are_not_tiles(form):
    frames = [Image.fromarray(a_picture(seed)) for seed in range(2)]
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:])

    assert reason_of(data) is Reason.ANIMATED


def test_a_still_gif_is_a_tile():
    assert decode_image(encoded(Image.fromarray(a_picture()), "GIF")).pixels.shape == (
        48,
        48,
        3,
    )


def test_a_huge_image_is_refused_by_its_header():
    assert reason_of(png_header(40_000, 40_000)) is Reason.TOO_LARGE


def test_the_limit_is_a_setting():
    data = a_file(a_picture())

    assert reason_of(data, max_megapixels=0.002) is Reason.TOO_LARGE


def test_floating_point_pixels_have_no_white():
    image = Image.fromarray(np.ones((8, 8), np.float32))

    assert reason_of(encoded(image, "TIFF")) is Reason.UNSUPPORTED


def test_a_jpeg_whose_pixels_are_garbage_does_not_crash():
    data = bytearray(encoded(Image.fromarray(a_picture()), "JPEG"))
    data[200:-2] = bytes(len(data) - 202)

    found = []
    with suppress(UnreadableError):  # which of the two is libjpeg's business
        found.append(decode_image(bytes(data)).pixels.shape)

    assert found in ([], [(48, 48, 3)])
