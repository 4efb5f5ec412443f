"""Small pictures, their files, and folders of them."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from lcc.images.decode import UnreadableError, decode_image
from lcc.images.reasons import Reason

LABELS = ("lung_aca", "lung_n", "lung_scc")


def a_picture(seed: int = 0, *, size_px: int = 48) -> np.ndarray:
    """Return smooth noise, (size, size, 3) uint8 RGB: like nothing else."""
    generator = np.random.default_rng(seed)
    noise = generator.integers(0, 256, (size_px, size_px, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.5)
    low, high = smooth.min(), smooth.max()
    return ((smooth - low) / (high - low) * 255).astype(np.uint8)


def a_file(pixels: np.ndarray, *, suffix: str = ".png") -> bytes:
    """Return an encoded image."""
    order = cv2.COLOR_RGB2BGR if pixels.ndim == 3 else None
    encoded = cv2.imencode(
        suffix, pixels if order is None else cv2.cvtColor(pixels, order)
    )
    return encoded[1].tobytes()


def encoded(image: Image.Image, form: str = "PNG", **options) -> bytes:
    """Return an image as Pillow writes it."""
    sink = io.BytesIO()
    image.save(sink, format=form, **options)
    return sink.getvalue()


def reason_of(data: bytes, **options) -> Reason:
    """Return why a file cannot be read, which it must not be."""
    with pytest.raises(UnreadableError) as caught:
        decode_image(data, **options)
    return caught.value.reason


def a_folder(folder: Path, *, num_images: int = 10, labels=LABELS) -> Path:
    """Make a folder per class of unrelated pictures."""
    for code, label in enumerate(labels):
        (folder / label).mkdir(parents=True)
        for number in range(num_images):
            content = a_file(a_picture(1000 * code + number))
            (folder / label / f"tile {number:03d}.png").write_bytes(content)
    return folder
