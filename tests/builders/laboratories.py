"""Another laboratory: drawn tiles as a scanner of its own would give them."""

from pathlib import Path

import cv2
import numpy as np

from lcc.data.changes import close_view, mirror, rotate
from lcc.data.sample import write_sample

COLOURS = np.array([[0.85, 0.12, 0.0], [0.05, 0.8, 0.1], [0.05, 0.15, 0.9]])
ZOOM = 1.5


def scan_elsewhere(tile: np.ndarray) -> np.ndarray:
    """Return a tile in other colours, blurred, and 1.5 times as large.

    Args:
        tile: (side, side, 3) uint8.
    """
    side = len(tile)
    coloured = np.clip(tile.astype(np.float64) @ COLOURS.T + 8, 0, 255)
    blurred = cv2.GaussianBlur(coloured, (0, 0), 0.3 + side / 224).astype(np.uint8)
    inner = int(side / ZOOM)
    start = (side - inner) // 2
    part = blurred[start : start + inner, start : start + inner]
    return np.asarray(cv2.resize(part, (side, side), interpolation=cv2.INTER_CUBIC))


def another_laboratory(
    folder: Path, *, num_sources: int, num_copies: int, size_px: int, seed: int
) -> Path:
    """Draw tiles of other sources into a folder, as another laboratory scans them."""
    drawn = folder.with_name(f"{folder.name}-as-drawn")
    write_sample(
        drawn,
        num_sources=num_sources,
        num_copies=num_copies,
        size_px=size_px,
        seed=seed,
    )
    for file in sorted(drawn.rglob("*.jpeg")):
        copy = folder / file.relative_to(drawn).with_suffix(".png")
        copy.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(copy), scan_elsewhere(cv2.imread(str(file))))
    return folder


def plant_copies(folder: Path, source: Path, *, count: int) -> None:
    """Put turned and zoomed copies of tiles of another set into a set."""
    draw = np.random.default_rng(1)
    files = sorted(source.rglob("*.jpeg"))
    for number, row in enumerate(draw.choice(len(files), count, replace=False)):
        change = (rotate, close_view)[number % 2]
        copy = mirror(change(cv2.imread(str(files[row])), draw), draw)
        label = files[row].parent.name
        cv2.imwrite(str(folder / label / f"planted{number}.png"), copy)
