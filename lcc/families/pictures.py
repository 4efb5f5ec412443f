"""Find the distinct pictures among any images, and verify the edges between them.

Knows bytes, pixels and features: features go to a file, so that memory holds
descriptors alone. Copies never reach the stage that compares pairs.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import NDArray

from lcc.config.data import DataSettings, FamilySettings
from lcc.data.catalogue import Codes
from lcc.data.digest import digest_pixels
from lcc.data.features import (
    GLOBAL_DIMENSIONS,
    Features,
    extract_features,
    feature_dtype,
)
from lcc.data.hashing import RecordWriter
from lcc.data.work import ProgressCounter, single_threaded
from lcc.families.candidates import find_candidates
from lcc.families.closer import CloserLook
from lcc.families.clustering import Clustering, join_families
from lcc.families.edges import Edge, tabulate_edges
from lcc.families.marks import Marks, find_marks, note_blank
from lcc.families.merging import SecondLook
from lcc.families.verdicts import Verdicts, apply_verdicts
from lcc.families.verification import BLOCK_PAIRS, find_edges
from lcc.images.decode import Image8, UnreadableError, decode_image

Image = str | Path | Image8
Content = tuple[str, Features | None]  # digest of the pixels, features of new ones
Read = Callable[[bytes | Image8], Content | str]


class Pictures:
    """Collects images and finds copies: by equal bytes, equal pixels, then by features.

    Args:
        scratch: Empty folder, for the features.
        settings: How images are read, and how families are found.
    """

    def __init__(self, scratch: Path, settings: DataSettings) -> None:
        self.unreadable: dict[int, str] = {}  # image → why it cannot be judged
        self.notes: tuple[str, ...] = ()  # on what could not be compared
        self._settings = settings
        self._content: list[int] = []  # of each image: the first one with its bytes
        self._picture: list[int] = []  # of each image: its picture, -1 if unreadable
        self._by_bytes: dict[str, int] = {}
        self._by_pixels: dict[str, int] = {}
        self._vectors: list[NDArray[np.float16]] = []
        self._images: list[Image] = []  # the first one of each picture
        self._features = RecordWriter(scratch / "features")

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._content)

    @property
    def content(self) -> Codes:
        """(n,) first image with the same bytes as each image."""
        return np.array(self._content, np.int64)

    @property
    def picture(self) -> Codes:
        """(n,) picture of each image, numbered by first image; -1 if unreadable."""
        return np.array(self._picture, np.int64)

    def add(
        self,
        images: Sequence[Image],
        *,
        run: Callable[[Read, Iterable[bytes | Image8]], Iterable[Content | str]] = map,
    ) -> None:
        """Add a few images; only the first of equal bytes is decoded.

        Args:
            images: Paths of files, or (height, width, 3) uint8 RGB.
            run: `map`, or that of threads.
        """
        new: dict[int, bytes | Image8] = {}
        for number, image in enumerate(images, len(self)):
            self._content.append(self._first_with_bytes(image, number, new))
        contents: dict[int, Content] = {}
        for number, found in zip(new, run(self._read, new.values()), strict=True):
            if isinstance(found, str):
                self.unreadable[number] = found
            else:
                contents[number] = found
        for number, image in enumerate(images, len(self._picture)):
            self._picture.append(self._picture_of(number, image, contents.get(number)))

    def join(
        self,
        counter: ProgressCounter | None = None,
        *,
        verdicts: Verdicts | None = None,
        n_jobs: int | None = 1,
    ) -> Clustering:
        """Return families, groups and edges of the distinct pictures.

        Args:
            counter: Advanced by the number of images in all.
            verdicts: What people decided of two images.
            n_jobs: Processes, as in joblib.
        """
        families = self._settings.families
        records = self._records()
        vectors = np.array(self._vectors, np.float16).reshape(-1, GLOBAL_DIMENSIONS)
        pairs = find_candidates(vectors, num_neighbours=families.num_neighbours)
        marks = find_marks(records.__getitem__, len(records))
        verifier = _PairVerifier(
            records=records, marks=marks, settings=families, n_jobs=n_jobs
        )
        edges = self._edges(verifier, pairs, counter)
        look = SecondLook(verifier.features, memory_mib=families.index_memory_mib)
        clusters = join_families(
            tabulate_edges(edges),
            len(records),
            look=look,
            verify=verifier.find,
            verify_closely=CloserLook(
                pixels=self._pixels,
                marks=marks,
                settings=families,
                n_jobs=effective_n_jobs(n_jobs),
            ),
            settings=families,
        )
        told = self._told(verdicts or {})
        clusters, notes = apply_verdicts(clusters, told, settings=families)
        decided = (f"decided by people: {verdict}" for verdict in told.values())
        blank = note_blank(records["num"])
        self.notes = tuple(
            filter(None, [str(marks), blank, look.note, *decided, *notes])
        )
        return clusters

    def _edges(
        self, verifier: "_PairVerifier", pairs: Codes, counter: ProgressCounter | None
    ) -> list[Edge]:
        """Return the edges among pairs; all of them count as much as the images."""
        edges: list[Edge] = []
        shown = 0
        for done, found in verifier.blocks(pairs):
            edges += found
            if counter:
                counter.advance(done * len(self) // len(pairs) - shown)
                shown = done * len(self) // len(pairs)
        return edges

    def _told(self, verdicts: Verdicts) -> Verdicts:
        """Return the verdicts by picture; an unreadable image is told as such."""
        of = self._picture
        found = {(of[a], of[b]): verdict for (a, b), verdict in verdicts.items()}
        return {pair: verdict for pair, verdict in found.items() if min(pair) >= 0}

    def _first_with_bytes(
        self, image: Image, number: int, new: dict[int, bytes | Image8]
    ) -> int:
        """Return the first image with the same bytes; if it is new, note its content.

        An empty file is nobody's copy.
        """
        if not isinstance(image, str | Path):
            new[number] = np.ascontiguousarray(image)
            return number
        try:
            data = Path(image).read_bytes()
        except OSError as err:
            self.unreadable[number] = (err.strerror or "unreadable").lower()
            return number
        digest = hashlib.sha256(data).hexdigest() if data else f"empty {number}"
        first = self._by_bytes.setdefault(digest, number)
        if first == number:
            new[number] = data
        return first

    def _read(self, content: bytes | Image8) -> Content | str:
        """Return digest and features of an image, or why it cannot be read.

        Several threads may call it.
        """
        if isinstance(content, bytes):
            try:
                content = self._decode(content)
            except UnreadableError as err:
                return str(err.reason)
        digest = digest_pixels(content)
        if digest in self._by_pixels:
            return digest, None
        num_keypoints = self._settings.families.num_keypoints
        return digest, extract_features(content, num_keypoints=num_keypoints)

    def _pixels(self, picture: int) -> Image8:
        image = self._images[picture]
        if not isinstance(image, str | Path):
            return image
        return self._decode(Path(image).read_bytes())

    def _decode(self, content: bytes) -> Image8:
        megapixels = self._settings.max_megapixels
        return decode_image(content, max_megapixels=megapixels).pixels

    def _picture_of(self, number: int, image: Image, content: Content | None) -> int:
        """Return the picture of an image, and keep the features of a new one."""
        first = self._content[number]
        if first in self.unreadable:
            self.unreadable[number] = self.unreadable[first]
        if number in self.unreadable:
            return -1
        if content is None:
            return self._picture[first]
        digest, features = content
        picture = self._by_pixels.setdefault(digest, len(self._vectors))
        if features is not None and picture == len(self._vectors):
            record, vector = features
            self._features.write(np.asarray(record))
            self._vectors.append(vector)
            self._images.append(image)
        return picture

    def _records(self) -> NDArray[np.void]:
        dtype = feature_dtype(self._settings.families.num_keypoints)
        file, count = self._features.close(), len(self._vectors)
        if not count:  # an empty file cannot be mapped
            return np.zeros(0, dtype)
        return np.memmap(file, dtype, "r", shape=(count,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _PairVerifier:
    """Verifies pairs of pictures, many at once in several processes."""

    records: NDArray[np.void]
    marks: Marks
    settings: FamilySettings
    n_jobs: int | None

    def features(self, picture: int) -> np.void:
        """Return the feature record of a picture, without marks."""
        return self.marks.without(self.records[picture])

    def find(self, pairs: Codes) -> list[Edge]:
        """Return the edges among pairs; a few are verified in this process."""
        if len(pairs) <= BLOCK_PAIRS:
            return self._find(pairs)
        return [edge for _, found in self.blocks(pairs) for edge in found]

    def blocks(self, pairs: Codes) -> Iterator[tuple[int, list[Edge]]]:
        """Yield the number of pairs done so far, and the edges of the last block."""
        ends = range(BLOCK_PAIRS, len(pairs) + BLOCK_PAIRS, BLOCK_PAIRS)
        blocks = [pairs[end - BLOCK_PAIRS : end] for end in ends]
        found = Parallel(n_jobs=self.n_jobs, return_as="generator")(
            delayed(self._find_alone)(block) for block in blocks
        )
        for end, edges in zip(ends, found, strict=True):
            yield min(end, len(pairs)), edges

    def _find(self, pairs: Codes) -> list[Edge]:
        return find_edges(pairs.tolist(), self.features, settings=self.settings)

    def _find_alone(self, pairs: Codes) -> list[Edge]:
        """Return the edges among pairs, in a process that maps the records itself."""
        with single_threaded():
            return self._find(pairs)
