"""Tell photographs of neighbouring fields apart, however much they share.

Knows edges, families and groups. How much two tiles share depends on their zoom; how
far apart their centres lie does not. Copies that were turned and zoomed about the
centre of their source all have that centre: on 33,573 edges of real families it moves
by 0.005 of the side at most, between neighbouring fields by 0.073 and more
(`benchmarks/families.py`).
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lcc.config.data import FamilySettings
from lcc.data.catalogue import Codes
from lcc.families.edges import EdgeKind, ends, kinds_of
from lcc.families.graph import components, members, renumber

MAX_OFFSET = 0.03  # of the larger side; beyond it two tiles have not one centre
MIN_CENTRED = 0.9  # of the tiles of a set: else its copies were not made about a centre


def divide_fields(
    family: Codes, group: Codes, edges: pa.Table, *, settings: FamilySettings
) -> Codes:
    """Make each field a family, where copies were made about the centre of a source.

    They were if nearly all tiles of the set that share most with another have their
    centre in common with one. A group with more than one centre is then divided by
    centres; in any other set nothing changes.

    Args:
        family: (n,) codes.
        group: (n,) codes; a family lies in one group.
        edges: Table of `EDGE_SCHEMA` over the rows.
        settings: Thresholds.

    Returns:
        (n,) codes, numbered by first member.
    """
    strong = edges.filter(kinds_of(edges, settings) == EdgeKind.FAMILY)
    pairs = ends(strong)
    centred = pairs[offsets(strong) <= MAX_OFFSET]
    alike = np.unique(pairs)
    if np.isin(alike, centred).sum() < MIN_CENTRED * len(alike):
        return family
    centre = components(centred, len(family))
    found = family + len(family)  # apart from the codes of centres
    for rows in map(np.array, members(group)):
        own = rows[np.isin(rows, alike)]
        if len(np.unique(centre[own])) > 1:
            found[own] = centre[own]
    return renumber(found)


def offsets(edges: pa.Table) -> NDArray[np.float64]:
    """Return how far apart the centres of two tiles lie, in sides of the larger, (m,).

    Args:
        edges: Table of `EDGE_SCHEMA`.
    """
    matrices = np.array(edges["matrix"].to_pylist(), np.float64).reshape(-1, 2, 3)
    middle = np.array([0.5, 0.5])  # of the mirror image, too
    moved = matrices[:, :, :2] @ middle + matrices[:, :, 2]
    larger = np.maximum(1.0, edges["scale"].to_numpy())
    offset: NDArray[np.float64] = np.linalg.norm(moved - middle, axis=1) / larger
    return offset
