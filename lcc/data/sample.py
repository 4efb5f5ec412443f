"""Draw a synthetic set of stained tissue as LC25000 was made: sources, then copies.

The classes differ by structure: glands around a lumen (`lung_aca`), thin walls around
air (`lung_n`), sheets with keratin pearls (`lung_scc`). A part of each source shows
stroma alone, as in any class. Stain, light and the share of white differ from source to
source and are handed down to its copies, so that colour tells the source, hardly the
class: a random split looks far better than one by family.
"""

import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lcc.data.work import ProgressCounter

CLASSES = ("lung_aca", "lung_n", "lung_scc")
CANVAS = 1.5  # sides of the source in sides of a tile: room for rotation and crop
MAX_ROTATION_DEGREES = 25.0  # as LC25000 was augmented
MAX_SHIFT = 0.01  # of the side: those of LC25000 keep their centre
MAX_STROMA = 0.4  # of a source: with more, some show nothing of their class
JPEG_QUALITY = 92
TEST_SHARE = 0.2  # of a random split
# Optical densities of haematoxylin and eosin in RGB. Source: Ruifrok and Johnston,
# Quantification of histochemical staining by color deconvolution, 2001, table 2.
STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])

Plane = NDArray[np.float32]


def write_sample(
    folder: Path,
    *,
    num_sources: int = 64,
    num_copies: int = 14,
    size_px: int = 96,
    seed: int = 0,
    progress: Callable[[int], ProgressCounter] | None = None,
) -> int:
    """Draw the set: `num_sources` sources a class, `num_copies` tiles of each.

    Every class also gets exact copies of some files and re-saved copies of others, as
    real sets have. The same arguments write the same bytes.

    Args:
        folder: One folder per class is made in it.
        num_sources: Source tiles per class.
        num_copies: Augmented tiles per source.
        size_px: Side of a tile.
        seed: Of everything random.
        progress: Starts a counter of so many sources.

    Returns:
        Files written.
    """
    counter = progress(len(CLASSES) * num_sources) if progress else None
    count = 0
    for label in CLASSES:
        (folder / label).mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng([seed, CLASSES.index(label)])
        numbers = generator.permutation(num_sources * num_copies)  # families interleave
        for source in range(num_sources):
            canvas = draw_source(label, size_px=round(size_px * CANVAS), seed=generator)
            for copy in range(num_copies):
                number = numbers[source * num_copies + copy] + 1
                path = folder / label / f"{label.replace('_', '')}{number}.jpeg"
                tile = augment_copy(canvas, size_px=size_px, seed=generator)
                count += _write_tile(path, tile, is_first=copy == 0, source=source)
            if counter:
                counter.advance()
    return count


def write_random_split(folder: Path, file: Path, *, seed: int = 0) -> None:
    """Write a CSV that puts every fifth tile of a class to the test at random.

    So most splits are made, and so copies of one source get to both sides.

    Args:
        folder: The drawn set.
        file: CSV with the columns path, split and label.
        seed: Of the draw.
    """
    from sklearn.model_selection import train_test_split

    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    labels = [path.parent.name for path in paths]
    _, test = train_test_split(
        paths, test_size=TEST_SHARE, stratify=labels, random_state=seed
    )
    held_out = set(test)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("path", "split", "label"))
        for path, label in zip(paths, labels, strict=True):
            split = "test" if path in held_out else "train"
            writer.writerow((path.relative_to(folder).as_posix(), split, label))


def _write_tile(
    path: Path, tile: NDArray[np.uint8], *, is_first: bool, source: int
) -> int:
    """Write a tile; of every eighth source the first also copied, or re-saved."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    picture = cv2.cvtColor(tile, cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".jpeg", picture, quality)[1]
    path.write_bytes(encoded.tobytes())
    if is_first and source % 8 == 1:
        path.with_stem(f"{path.stem} (1)").write_bytes(encoded.tobytes())
        return 2
    if is_first and source % 8 == 2:  # noqa: PLR2004 - the next one
        pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
        saved = cv2.imencode(".png", pixels)[1]
        path.with_suffix(".png").write_bytes(saved.tobytes())
        return 2
    return 1


def augment_copy(
    canvas: NDArray[np.uint8], *, size_px: int, seed: np.random.Generator
) -> NDArray[np.uint8]:
    """Return one copy: rotated to ±25°, perhaps mirrored, cropped a little.

    Args:
        canvas: (side, side, 3) uint8 RGB, the source with a margin.
        size_px: Side of the copy.
        seed: Generator of the draw.
    """
    side = canvas.shape[0]
    angle = seed.uniform(-MAX_ROTATION_DEGREES, MAX_ROTATION_DEGREES)
    zoom = seed.uniform(0.92, 1.08)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, zoom)
    matrix[:, 2] += (
        size_px / 2 - side / 2 + seed.uniform(-MAX_SHIFT, MAX_SHIFT, 2) * size_px
    )
    flags = cv2.INTER_AREA | cv2.INTER_LINEAR
    tile = cv2.warpAffine(
        canvas, matrix, (size_px, size_px), flags=flags, borderMode=cv2.BORDER_REFLECT
    )
    for axis in (0, 1):
        if seed.random() < 0.5:  # noqa: PLR2004 - a coin
            tile = np.flip(tile, axis)
    return np.ascontiguousarray(tile)


def draw_source(
    label: str, *, size_px: int, seed: np.random.Generator
) -> NDArray[np.uint8]:
    """Return one source, (size_px, size_px, 3) uint8 RGB.

    Args:
        label: One of `CLASSES`.
        size_px: Side.
        seed: Generator of the draw.
    """
    structure: dict[str, Callable[[_Canvas], None]] = {
        "lung_aca": _draw_glands,
        "lung_n": _draw_alveoli,
        "lung_scc": _draw_sheets,
    }
    canvas = _Canvas(size_px, seed)
    blank = canvas.amounts.copy()
    _draw_stroma(canvas)
    stroma, canvas.amounts = canvas.amounts, blank
    structure[label](canvas)
    canvas.cover(stroma)
    return canvas.stained()


class _Canvas:
    """Amounts of the two stains and of air on a plane, and the pens that draw them."""

    def __init__(self, side: int, seed: np.random.Generator) -> None:
        self.side = side
        self.seed = seed
        # Nuisances of the source, drawn alike for every class: they are its colour.
        self.white_fraction = seed.uniform(0.08, 0.38)
        self.num_nuclei = int(seed.uniform(120, 260))
        self.nucleus_px = side * seed.uniform(0.011, 0.017)
        self.stroma_fraction = seed.uniform(0, MAX_STROMA)
        self.amounts = np.stack(
            [
                0.08 + 0.1 * self.noise(3),
                0.45 + 0.5 * self.noise(6) + 0.35 * self.noise(2),
                np.zeros((side, side), np.float32),
            ]
        )

    @property
    def haematoxylin(self) -> Plane:
        """Amount of haematoxylin, drawn on in place."""
        return np.asarray(self.amounts[0], np.float32)

    @property
    def eosin(self) -> Plane:
        """Amount of eosin, drawn on in place."""
        return np.asarray(self.amounts[1], np.float32)

    @property
    def air(self) -> Plane:
        """Share of air, 0–1, drawn on in place."""
        return np.asarray(self.amounts[2], np.float32)

    def cover(self, amounts: Plane) -> None:
        """Lay other tissue over a part of this one, in patches."""
        spread = self.noise(0.08 * self.side)
        is_covered = spread < np.quantile(spread, self.stroma_fraction)
        self.amounts = np.where(is_covered, amounts, self.amounts)

    def noise(self, grain_px: float) -> Plane:
        """Return smooth noise, 0–1, of one grain."""
        grains = self.seed.random((self.side, self.side), np.float32)
        plane = cv2.GaussianBlur(grains, (0, 0), grain_px)
        low, high = plane.min(), plane.max()
        return np.asarray((plane - low) / (high - low), np.float32)

    def nucleus(self, x: float, y: float, angle: float) -> None:
        """Draw one nucleus: an ellipse, darker at its rim, with chromatin."""
        seed, size = self.seed, self.nucleus_px
        axes = (
            2 * size * seed.uniform(1.0, 1.7),
            2 * size * seed.uniform(0.7, 1.0),
        )
        depth = seed.uniform(0.7, 1.25)
        box = ((float(x), float(y)), axes, float(np.degrees(angle)))
        cv2.ellipse(self.haematoxylin, box, depth * 0.8, -1, cv2.LINE_AA)
        cv2.ellipse(self.haematoxylin, box, depth, 1, cv2.LINE_AA)

    def scatter(self, where: NDArray[np.bool_]) -> None:
        """Draw nuclei at random points of a mask."""
        y, x = np.nonzero(where)
        if not len(x):
            return
        for point in self.seed.integers(0, len(x), self.num_nuclei):
            self.nucleus(x[point], y[point], self.seed.uniform(0, np.pi))

    def stained(self) -> NDArray[np.uint8]:
        """Return the picture: stain strengths, hue and light differ by source."""
        seed = self.seed
        air = cv2.GaussianBlur(self.air, (0, 0), 0.8)[..., None]
        amounts = np.stack([self.haematoxylin, self.eosin], axis=-1) * (1 - air)
        amounts = amounts * np.asarray(seed.uniform([0.75, 0.4], [1.5, 1.2]))
        stains = STAINS * seed.uniform(0.75, 1.3, STAINS.shape)
        light = seed.uniform([225, 218, 225], [252, 248, 252])
        picture = light * np.exp(-amounts @ stains)
        picture += seed.normal(0, 2.5, picture.shape)
        return np.clip(picture, 0, 255).astype(np.uint8)


def _draw_glands(canvas: _Canvas) -> None:
    """Rings of nuclei that stand around a lumen, stroma between."""
    seed, side = canvas.seed, canvas.side
    num_glands = int(seed.integers(4, 9))
    radius = side * np.sqrt(canvas.white_fraction / num_glands / np.pi) * 1.1
    for _ in range(num_glands):
        x, y = seed.uniform(0.05, 0.95, 2) * side
        wobble = seed.uniform(0.75, 1.25, 9)
        turns = np.linspace(0, 2 * np.pi, 90, endpoint=False)
        reach = radius * np.interp(turns / (2 * np.pi) * 9, range(9), wobble, period=9)
        lumen = np.stack([x + reach * np.cos(turns), y + reach * np.sin(turns)], 1)
        cv2.fillPoly(canvas.air, [np.rint(lumen).astype(np.int32)], 1.0)
        for step in range(
            0, 90, max(2, round(90 * 2.4 * canvas.nucleus_px / 6 / radius))
        ):
            out = reach[step] + canvas.nucleus_px * seed.uniform(1.6, 2.6)
            angle = turns[step]
            canvas.nucleus(x + out * np.cos(angle), y + out * np.sin(angle), angle)
    canvas.num_nuclei //= 3
    canvas.scatter(canvas.air < 0.5)  # noqa: PLR2004 - not air


def _draw_alveoli(canvas: _Canvas) -> None:
    """Air spaces of all sizes between walls that carry the nuclei."""
    seed, side = canvas.seed, canvas.side
    sites = seed.uniform(0, side, (int(seed.integers(16, 40)), 2))
    y, x = np.mgrid[:side, :side]
    shift = 0.12 * side * (canvas.noise(5) - 0.5)
    distances = np.hypot(
        x[None] + shift - sites[:, 0, None, None],
        y[None] + shift - sites[:, 1, None, None],
    )
    nearest = np.partition(distances, 1, axis=0)[:2]
    depth = nearest[1] - nearest[0]  # 0 on a wall
    air = depth > np.quantile(depth, 1 - canvas.white_fraction)
    canvas.air[air] = 1.0
    wall = depth < np.quantile(depth, 0.25)
    canvas.scatter(wall & ~air)


def _draw_sheets(canvas: _Canvas) -> None:
    """Packed nuclei and whorls of keratin."""
    seed, side = canvas.seed, canvas.side
    y, x = np.mgrid[:side, :side]
    for _ in range(int(seed.integers(2, 5))):
        cx, cy = seed.uniform(0.1, 0.9, 2) * side
        away = np.hypot(x - cx, y - cy) + 0.05 * side * canvas.noise(4)
        reach = side * seed.uniform(0.08, 0.16)
        rings = 0.5 + 0.5 * np.cos(away / (side * 0.012))
        inside = np.clip((reach - away) / (0.03 * side), 0, 1)
        canvas.amounts[1] += (inside * (0.25 + 0.5 * rings)).astype(np.float32)
        canvas.amounts[0] *= (1 - 0.8 * inside).astype(np.float32)
    _draw_stroma(canvas)


def _draw_stroma(canvas: _Canvas) -> None:
    """Nuclei anywhere, and tears that are as white as any lumen."""
    stretch = canvas.noise(8) + 0.5 * canvas.noise(3)
    tear = stretch > np.quantile(stretch, 1 - canvas.white_fraction)
    canvas.air[tear] = 1.0
    canvas.scatter(~tear)
