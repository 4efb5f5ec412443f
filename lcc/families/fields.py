"""Tell photographs of neighbouring fields apart, however much they share.

Knows edges, families and groups. How much two tiles share depends on their zoom; how
far apart their centres lie does not. Copies that were turned and zoomed about the
centre of their source all have that centre: on 31,677 edges of real families it moves
by 0.008 of the side at most, between neighbouring fields by 0.05 and more.
"""

from collections import Counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lcc.config.data import FamilySettings
from lcc.data.catalogue import Codes
from lcc.families.edges import EdgeKind, ends, kinds_of
from lcc.families.graph import components, members, renumber

MAX_OFFSET = 0.02  # of the larger side; beyond it two tiles have not one centre
MIN_FIELD = 2  # tiles about one centre: one alone may have been shifted
MIN_CENTRED = 0.9  # of a group: else its copies were not made about a centre


def divide_fields(
    family: Codes, group: Codes, edges: pa.Table, *, settings: FamilySettings
) -> Codes:
    """Make each field a family where the tiles of a group gather about centres.

    A group is left as it is unless nearly all of its tiles have their centre in common
    with another, and there is more than one such centre. Of the few others each goes to
    the field that most of its edges lead to.

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
    centre = components(pairs[offsets(strong) <= MAX_OFFSET], len(family))
    found = family + len(family)  # apart from the codes of centres
    for rows in map(np.array, members(group)):
        fields = _fields(centre[rows])
        if len(fields) > 1:
            found[rows] = _assign(rows, centre, found, fields, pairs)
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


def _fields(centre: Codes) -> Codes:
    """Return the centres that several tiles of one group have, if nearly all do."""
    found, size = np.unique(centre, return_counts=True)
    fields = found[size >= MIN_FIELD]
    return fields if np.isin(centre, fields).mean() >= MIN_CENTRED else fields[:0]


def _assign(
    rows: Codes, centre: Codes, family: Codes, fields: Codes, pairs: Codes
) -> Codes:
    """Return the field of each row of one group, or its family where it has none."""
    codes = np.where(np.isin(centre[rows], fields), centre[rows], family[rows])
    for position in np.flatnonzero(~np.isin(codes, fields)).tolist():
        near = pairs[(pairs == rows[position]).any(axis=1)]
        led_to = Counter(code for code in centre[near].ravel() if code in fields)
        if led_to:
            codes[position] = led_to.most_common(1)[0][0]
    return codes
