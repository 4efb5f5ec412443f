"""The audit of anybody's split: copies and families that lie on both sides of it.

Knows a CSV of paths and splits and a folder of images; needs no catalogue, no root and
no classes, so that a split of any data set can be judged.
"""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lcc.config.data import DataSettings, FamilySettings
from lcc.data.candidates import find_candidates
from lcc.data.columns import read_column
from lcc.data.digest import encode_name
from lcc.data.edges import Edge
from lcc.data.families import join_families
from lcc.data.fingerprint import GLOBAL_DIMENSIONS, extract_features, feature_dtype
from lcc.data.hashing import RecordWriter, hash_image
from lcc.data.leaks import FAMILY, GROUP, PICTURE, Leak, SplitAudit
from lcc.data.task import Counter as Progress
from lcc.data.task import single_threaded
from lcc.data.verify import verify_pair, verify_pairs
from lcc.errors import DataError, NotFoundError

Codes = NDArray[np.int64]
TILE_PX = 32  # tiles are not wanted here, and this costs least
BLOCK_PAIRS = 1024


def audit_split(
    split_csv: Path,
    images: Path,
    settings: DataSettings,
    *,
    progress: Callable[[int], Progress],
) -> SplitAudit:
    """Look for identical pictures, families and overlaps across the splits of a CSV.

    Args:
        split_csv: Columns `path` and `split`; the splits may have any names.
        images: Folder that the paths start from.
        settings: How images are read, and how kin is found.
        progress: Starts a counter of so many units.

    Raises:
        NotFoundError: The CSV, or an image that it names, is not there.
        DataError: The CSV has other columns, one split, or a path without any.
    """
    splits = _read_splits(split_csv)
    files = _find_files(splits, images, split_csv=split_csv)
    with tempfile.TemporaryDirectory(prefix="lcc-audit-") as scratch, single_threaded():
        pictures = _Pictures(Path(scratch), settings)
        counter = progress(2 * len(files))  # each image is read once and linked once
        for path, file in files.items():
            pictures.add(path, file)
            counter.advance()
        joined = pictures.join(counter)
    return _judge(split_csv.name, splits, pictures, joined)


def _read_splits(split_csv: Path) -> dict[str, str]:
    if not split_csv.is_file():
        message = f"{split_csv}: not found. Name a CSV with the columns path and split."
        raise NotFoundError(message)
    splits = read_column(split_csv, column="split", field=str(split_csv))
    empty = sorted(path for path, split in splits.items() if not split)
    if empty:
        message = (
            f"{split_csv}: must give every path a split, got none for "
            f"{encode_name(empty[0])} and {len(empty) - 1} more. Fill the column."
        )
        raise DataError(message)
    if len(set(splits.values())) < 2:  # noqa: PLR2004 - nothing to leak between
        found = ", ".join(sorted(set(splits.values()))) or "none"
        message = f"{split_csv}: must have at least two splits, got {found}. Add rows."
        raise DataError(message)
    return dict(sorted(splits.items()))


def _find_files(
    splits: dict[str, str], images: Path, *, split_csv: Path
) -> dict[str, Path]:
    files = {path: images / path for path in splits}
    missing = [path for path, file in files.items() if not file.is_file()]
    if missing:
        message = (
            f"{split_csv}: every path must be a file below {images}, got "
            f"{len(missing)} of {len(files)} that are not, e.g. "
            f"{encode_name(missing[0])}. Pass --images FOLDER."
        )
        raise NotFoundError(message)
    return files


class _Pictures:
    """Distinct pictures: features in a file, so that memory holds descriptors alone."""

    def __init__(self, scratch: Path, settings: DataSettings) -> None:
        self.paths: dict[str, list[str]] = {}  # digest of the pixels → its files
        self.unreadable: list[tuple[str, str]] = []
        self._settings = settings
        self._features = RecordWriter(scratch / "features")
        self._vectors: list[NDArray[np.float16]] = []

    def add(self, path: str, file: Path) -> None:
        """Read one image."""
        image = hash_image(
            file.read_bytes(),
            size_px=TILE_PX,
            max_megapixels=self._settings.max_megapixels,
            extract=self._extract,
        )
        if image.features is None:
            self.unreadable.append((path, str(image.facts["reason"])))
            return
        digest = str(image.facts["pixel_sha256"])
        if digest not in self.paths:
            record, vector = image.features
            self._features.write(np.asarray(record))
            self._vectors.append(vector)
        self.paths.setdefault(digest, []).append(path)

    def join(self, counter: Progress) -> tuple[Codes, Codes]:
        """Return the family and the group of each distinct picture."""
        count = len(self._vectors)
        if not count:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        families = self._settings.families
        dtype = feature_dtype(families.num_keypoints)
        records = np.memmap(self._features.close(), dtype, "r", shape=(count,))
        vectors = np.array(self._vectors).reshape(-1, GLOBAL_DIMENSIONS)
        pairs = find_candidates(vectors, num_neighbours=families.num_neighbours)
        edges = _verify(pairs, records, families, counter=counter)

        def verify(a: int, b: int) -> Edge | None:
            return verify_pair(a, b, features=records.__getitem__, settings=families)

        joined = join_families(edges, vectors, verify=verify, settings=families)
        return joined.family, joined.group

    def _extract(
        self, pixels: NDArray[np.uint8]
    ) -> tuple[np.void, NDArray[np.float16]]:
        return extract_features(
            pixels, num_keypoints=self._settings.families.num_keypoints
        )


def _verify(
    pairs: Codes,
    records: NDArray[np.void],
    settings: FamilySettings,
    *,
    counter: Progress,
) -> object:
    import pyarrow as pa

    tables = [verify_pairs([], records.__getitem__, settings=settings)]
    shown = 0
    for start in range(0, len(pairs), BLOCK_PAIRS):
        block = pairs[start : start + BLOCK_PAIRS]
        tables.append(
            verify_pairs(block.tolist(), records.__getitem__, settings=settings)
        )
        done = (start + len(block)) * len(records) // len(pairs)
        counter.advance(done - shown)
        shown = done
    return pa.concat_tables(tables)


def _judge(
    name: str,
    splits: dict[str, str],
    pictures: _Pictures,
    joined: tuple[Codes, Codes],
) -> SplitAudit:
    sets = list(pictures.paths.values())
    family, group = joined
    leaks: list[Leak] = []
    known: set[tuple[str, ...]] = set()  # a leak is reported once, by its closest tie
    for kind, codes in ((PICTURE, range(len(sets))), (FAMILY, family), (GROUP, group)):
        for leak in _leaks(kind, codes, sets, splits=splits):
            if leak.paths not in known:
                leaks.append(leak)
                known.add(leak.paths)
    touched = {path for leak in leaks for path in leak.paths}
    return SplitAudit(
        name=name,
        counts=dict(sorted(Counter(splits.values()).items())),
        unreadable=tuple(pictures.unreadable),
        leaks=tuple(leaks),
        touched=Counter(splits[path] for path in sorted(touched)),
    )


def _leaks(
    kind: str,
    codes: Sequence[int] | Codes,
    sets: Sequence[list[str]],
    *,
    splits: dict[str, str],
) -> Iterator[Leak]:
    members: dict[int, list[str]] = defaultdict(list)
    for code, paths in zip(codes, sets, strict=True):
        members[int(code)] += paths
    for paths in members.values():
        where = tuple(sorted({splits[path] for path in paths}))
        if len(where) > 1:
            yield Leak(kind=kind, splits=where, paths=tuple(sorted(paths)))
