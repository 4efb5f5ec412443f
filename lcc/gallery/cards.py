"""Draw families and edges as a page shows them: words and small pictures.

Knows a catalogue, its edges and its tiles; `pages` arranges them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from lcc.data.catalogue import Catalogue
from lcc.data.drawing import lay, lay_over, shrink, to_uri, transform_of
from lcc.families.graph import members
from lcc.gallery.explanation import describe_edge
from lcc.gallery.lineage import Lineage
from lcc.gallery.ranking import families_of, pictures_of
from lcc.images.decode import Image8

TILE_PX = 96
EDGE_PX = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One image of a family, as a page shows it.

    Attributes:
        path: As in the catalogue.
        picture: Data URI.
        text: The edges between it and the first one of its row.
    """

    path: str
    picture: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyCard:
    """One family, as a page shows it.

    Attributes:
        code: Its number.
        group: Number of its group.
        others: Other families of that group.
        labels: Classes of its images.
        splits: Splits of its images.
        num_images: Files, copies of one picture included.
        num_pictures: Distinct pictures.
        figures: The leader, then those farthest from it; laid on the leader.
    """

    code: int
    group: int
    others: tuple[int, ...]
    labels: tuple[str, ...]
    splits: tuple[str, ...]
    num_images: int
    num_pictures: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeCard:
    """One edge, as a page shows it.

    Attributes:
        ends: Paths of both images.
        families: Their families.
        kind: A value of `EdgeKind`.
        text: Its figures.
        pictures: Data URIs: the first, the second laid on it, both in a chessboard.
    """

    ends: tuple[str, str]
    families: tuple[int, int]
    kind: str
    text: str
    pictures: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Cards:
    """Draws the families and edges of a catalogue; several threads may ask at once.

    Attributes:
        catalogue: The table.
        edges: Edges between its rows, with the column `kind`.
        lineage: The path from each of its images to the leader of its family.
        read: Returns the tile of a record.
    """

    catalogue: Catalogue
    edges: pa.Table
    lineage: Lineage
    read: Callable[[int], Image8]

    def family(self, code: int, *, max_figures: int) -> FamilyCard:
        """Return a family, with at most `max_figures` of its pictures."""
        files = self._files[code]
        pictures = self._pictures[code]
        group = int(self.catalogue.groups[files[0]])
        return FamilyCard(
            code=code,
            group=group,
            others=tuple(one for one in self._families[group] if one != code),
            labels=self._words("label", files),
            splits=self._words("split", files),
            num_images=len(files),
            num_pictures=len(pictures),
            figures=tuple(self._figure(row) for row in pictures[:max_figures].tolist()),
        )

    def edge(self, number: int) -> EdgeCard:
        """Return the edge of a row of `edges`."""
        edge = self._edge(number)
        a, b = edge["a"], edge["b"]
        first, second = self._tile(a), self._tile(b)
        forward = transform_of(edge["matrix"], mirrored=edge["mirrored"])
        back = np.asarray(np.linalg.inv(forward), np.float64)
        drawn = (
            shrink(first, longest_px=EDGE_PX),
            lay(second, back, size_px=EDGE_PX),
            lay_over(first, second, back, size_px=EDGE_PX),
        )
        families = self.catalogue.families
        return EdgeCard(
            ends=(self.catalogue.paths[a], self.catalogue.paths[b]),
            families=(int(families[a]), int(families[b])),
            kind=edge["kind"],
            text=describe_edge(edge),
            pictures=tuple(to_uri(picture) for picture in drawn),
        )

    @cached_property
    def _pictures(self) -> dict[int, Any]:
        return pictures_of(self.catalogue, self.lineage)

    @cached_property
    def _families(self) -> dict[int, list[int]]:
        return families_of(self.catalogue)

    @cached_property
    def _files(self) -> dict[int, list[int]]:
        families = self.catalogue.families
        return {int(families[rows[0]]): rows for rows in members(families)}

    def _words(self, column: str, rows: list[int]) -> tuple[str, ...]:
        found = self.catalogue.table[column].take(rows).to_pylist()
        return tuple(sorted({word for word in found if word is not None}))

    def _edge(self, number: int) -> dict[str, Any]:
        return dict(self.edges.slice(number, 1).to_pylist()[0])

    def _tile(self, row: int) -> Image8:
        return self.read(int(self.catalogue.records[row]))

    def _figure(self, row: int) -> Figure:
        tile = self._tile(row)
        transform = self.lineage.to_leader(row)
        if transform is None:
            drawn = shrink(tile, longest_px=TILE_PX)
        else:
            drawn = lay(tile, transform, size_px=TILE_PX)
        path = self.catalogue.paths[row]
        return Figure(path=path, picture=to_uri(drawn), text=self._path(row))

    def _path(self, row: int) -> str:
        """Return in words which edges lead from an image to its leader."""
        path = self.lineage.path(row)
        if row == self.lineage.leader[row]:
            return "the first of the family"
        if not path:
            return "no edge leads to the first"
        if len(path) == 1:
            return describe_edge(self._edge(path[0]))
        least = min(self.edges["inliers"][number].as_py() for number in path)
        return f"{len(path)} edges away, each of at least {least} inliers"
