"""Find the edge that shows best why images of several splits belong together.

Knows pictures by their codes and the table of edges; not what a picture shows.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lcc.audit.leaks import Proof
from lcc.audit.roles import split_order
from lcc.data.catalogue import Codes
from lcc.data.drawing import transform_of

Copies = Mapping[int, Mapping[str, int]]  # picture → split → one of its images there


@dataclass(frozen=True, kw_only=True)
class EdgeTable:
    """Edges between pictures, the surest first.

    Attributes:
        table: Table of `lcc.families.edges.EDGE_SCHEMA`.
        pictures: (m, 2) codes of the pictures at both ends.
    """

    table: pa.Table
    pictures: Codes

    def prove(
        self, pictures: Codes, wanted: NDArray[np.bool_], copies: Copies
    ) -> Proof | None:
        """Return the surest edge among pictures whose ends lie in different splits.

        Args:
            pictures: Codes of the pictures of a leak.
            wanted: (m,) which edges may show it.
            copies: The images of each picture.
        """
        inside = set(pictures.tolist())
        numbers = sorted({n for one in inside for n in self._of_picture.get(one, ())})
        for number in numbers:
            a, b = self.pictures[number].tolist()
            if wanted[number] and b in inside:
                rows = _apart(copies.get(a, {}), copies.get(b, {}))
                if rows is not None:
                    return self._proof(number, *rows)
        return None

    @cached_property
    def _of_picture(self) -> Mapping[int, Sequence[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for number, a in enumerate(self.pictures[:, 0].tolist()):
            found[a].append(number)
        return found

    def _proof(self, number: int, a: tuple[str, int], b: tuple[str, int]) -> Proof:
        edge = self.table.slice(number, 1).to_pylist()[0]
        forward = transform_of(edge["matrix"], mirrored=edge["mirrored"])
        is_first = split_order(a[0]) <= split_order(b[0])
        first, second = (a, b) if is_first else (b, a)
        back = np.linalg.inv(forward) if is_first else forward
        return Proof(
            first=first[1],
            second=second[1],
            matrix=tuple(np.asarray(back, float)[:2].ravel().tolist()),
            text=_describe(edge),
        )


def _apart(
    one: Mapping[str, int], other: Mapping[str, int]
) -> tuple[tuple[str, int], tuple[str, int]] | None:
    """Return two images that lie in different splits, with these."""
    for a in one.items():
        for b in other.items():
            if a[0] != b[0]:
                return a, b
    return None


def _describe(edge: Mapping[str, Any]) -> str:
    """Return in words how one lies on the other, and what says so."""
    angle = round(abs(edge["angle"]))
    turned = f"turned by {angle}°" if angle else "not turned"
    scale = edge["scale"]
    parts = [
        turned + (", mirrored" if edge["mirrored"] else ""),
        f"zoom {max(scale, 1 / scale):.2f}",
        f"{edge['overlap']:.0%} in common",
        f"{edge['inliers']} points agree" if edge["inliers"] else "no points agree",
        f"correlation {edge['correlation']:.2f}",
    ]
    return ", ".join(parts)
