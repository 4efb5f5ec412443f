"""Rank families and edges: those first that deserve a look.

Knows the rows of a catalogue and the edges between them; no pixels.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from lcc.data.catalogue import Catalogue, Codes
from lcc.families.edges import EdgeKind, ends
from lcc.gallery.lineage import Lineage


def pictures_of(catalogue: Catalogue, lineage: Lineage) -> dict[int, Codes]:
    """Return family → rows of its distinct pictures.

    The leader comes first, then what no edge leads to, then those farthest from it.
    """
    families = catalogue.families
    rows = np.flatnonzero(
        (families >= 0) & (lineage.picture == np.arange(len(families)))
    )
    follows = lineage.leader[rows] != rows
    order = np.lexsort((rows, -lineage.distance[rows], follows, families[rows]))
    codes, starts = np.unique(families[rows[order]], return_index=True)
    pictures = np.split(rows[order], starts[1:])
    return dict(zip(codes.tolist(), pictures, strict=False))


def families_of(catalogue: Catalogue) -> dict[int, list[int]]:
    """Return group → its families, ascending."""
    pairs = np.unique(np.stack([catalogue.groups, catalogue.families], 1), axis=0)
    found = defaultdict(list)
    for group, family in pairs[pairs[:, 0] >= 0].tolist():
        found[group].append(family)
    return dict(found)


def rank_families(
    catalogue: Catalogue, lineage: Lineage, alarmed: Iterable[tuple[str, int]] = ()
) -> list[int]:
    """Return all families, those first that deserve a look.

    Those under an alarm, then those of groups of several, then by the image that is
    farthest from its leader; families of one group stay together.

    Args:
        catalogue: The table.
        lineage: The path from each of its images to the leader of its family.
        alarmed: ("family" or "group", number) of each alarm.
    """
    alarms = set(alarmed)
    farthest = {
        family: lineage.distance[rows].max()
        for family, rows in pictures_of(catalogue, lineage).items()
    }
    ranked = []
    for group, families in families_of(catalogue).items():
        names = {("group", group), *(("family", family) for family in families)}
        doubt = max(farthest[family] for family in families)
        key = (not names & alarms, len(families) == 1, -doubt, group)
        ranked.append((key, families))
    return [family for _, families in sorted(ranked) for family in families]


def question_edges(edges: pa.Table) -> list[int]:
    """Return the rows of edges that geometry or pixels alone support."""
    kinds = edges["kind"].to_numpy(zero_copy_only=False)
    return [int(number) for number in np.flatnonzero(kinds == EdgeKind.QUESTION)]


def edges_between_families(
    catalogue: Catalogue, edges: pa.Table, *, family: int | None = None
) -> list[int]:
    """Return the edge of most overlap between each two families that have one.

    The most overlap comes first.

    Args:
        catalogue: The table.
        edges: Edges between its rows.
        family: Only those of this one.
    """
    pairs = np.sort(catalogue.families[ends(edges)], axis=1)
    is_between = pairs[:, 0] != pairs[:, 1]
    if family is not None:
        is_between &= (pairs == family).any(axis=1)
    between = np.flatnonzero(is_between)
    overlap = edges["overlap"].to_numpy()[between]
    order = between[np.argsort(-overlap, kind="stable")]
    _, first = np.unique(pairs[order], axis=0, return_index=True)
    return [int(number) for number in order[np.sort(first)]]
