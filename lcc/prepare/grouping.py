"""From edges between pictures to the family and group of every file.

Knows copies, pictures and the user's own groups; how edges become families is
`families`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from lcc.data.catalogue import Codes
from lcc.data.shards import HashParts
from lcc.data.task import Task, single_threaded
from lcc.families.alarms import Alarm
from lcc.families.clustering import join_families
from lcc.families.edges import renumber_edges
from lcc.families.graph import components, renumber
from lcc.families.link_step import LinkParts
from lcc.prepare.columns import user_column
from lcc.prepare.statuses import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """Who belongs together.

    Attributes:
        families: (n,) family of each file, -1 where unreadable.
        groups: (n,) group of each file, -1 where unreadable.
        alarms: What is larger than plausible, by the numbers above.
        edges: Table of `EDGE_SCHEMA` between files, the first of each picture.
    """

    families: Codes
    groups: Codes
    alarms: tuple[Alarm, ...]
    edges: pa.Table


def find_kin(
    task: Task, parts: HashParts, verdicts: Sequence[Verdict], *, paths: Sequence[str]
) -> Kin:
    """Join the edges of distinct pictures, and hand the result to their copies."""
    settings = task.settings.data
    links = LinkParts(hashed=parts, settings=settings.families)
    first = np.array([verdict.first for verdict in verdicts], dtype=np.int64)
    readable = first >= 0
    _, picture = np.unique(first[readable], return_inverse=True)
    with single_threaded():
        joined = join_families(
            links.edges(),
            links.vectors(),
            verify=links.find,
            settings=settings.families,
        )
    groups = joined.group[picture]
    if settings.groups_csv is not None:
        chosen = [paths[row] for row in np.flatnonzero(readable).tolist()]
        groups = join_groups(groups, user_column(task, column="group", paths=chosen))
    return Kin(
        families=_spread(joined.family[picture], readable),
        groups=_spread(groups, readable),
        alarms=tuple(
            _renumbered(a, groups[picture == a.member][0]) for a in joined.alarms
        ),
        edges=renumber_edges(joined.edges, np.unique(first[readable])),
    )


def join_groups(groups: Codes, values: Sequence[str]) -> Codes:
    """Return groups joined where the user's column says that images belong together.

    Args:
        groups: (n,) group numbers.
        values: Patient, slide … of each image.

    Returns:
        (n,) numbers by first member.

    Example:
        >>> join_groups(np.array([0, 1, 1, 2]), ["a", "a", "b", "c"]).tolist()
        [0, 0, 0, 1]
    """
    _, own = np.unique(groups, return_inverse=True)
    _, other = np.unique(np.array(values), return_inverse=True)
    other = other + own.max(initial=-1) + 1  # nodes: groups first, then the user's
    num_nodes = int(other.max(initial=-1)) + 1
    return renumber(components(np.stack([own, other], axis=1), num_nodes)[own])


def _renumbered(alarm: Alarm, group: int) -> Alarm:
    """Return an alarm by the numbers that groups have after the user's were joined."""
    return replace(alarm, code=int(group)) if alarm.kind == "group" else alarm


def _spread(
    codes: Codes, readable: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> Codes:
    whole = np.full(len(readable), -1, dtype=np.int64)
    whole[readable] = codes
    return whole
