"""Find the family and group of every file, from the edges between pictures.

Knows copies, pictures, axes and what people decided; how edges become families is
`lcc.families.clustering`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from lcc.data.catalogue import Codes
from lcc.data.shards import HashShards
from lcc.data.work import single_threaded
from lcc.families.alarms import Alarm
from lcc.families.clustering import join_families
from lcc.families.edges import renumber_edges
from lcc.families.graph import components, renumber
from lcc.families.link_step import LinkShards
from lcc.families.marks import note_blank
from lcc.families.planting import PlantedCopies, plant_copies
from lcc.families.verdicts import (
    FILE_NAME,
    Verdicts,
    apply_verdicts,
    read_verdicts,
)
from lcc.prepare.axes import Axes
from lcc.prepare.statuses import FileVerdict
from lcc.prepare.task import Task
from lcc.storage.uri import fetch_file


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedFiles:
    """Family and group of each file.

    Attributes:
        families: (n,) family of each file, -1 where unreadable.
        groups: (n,) group of each file, -1 where unreadable.
        alarms: What is larger than plausible, by the numbers above.
        edges: Table of `EDGE_SCHEMA` between files, the first of each picture.
        planted: How many known copies went unseen.
        notes: Sentences on what could not be compared, and what people decided.
    """

    families: Codes
    groups: Codes
    alarms: tuple[Alarm, ...]
    edges: pa.Table
    planted: PlantedCopies
    notes: tuple[str, ...]


def group_files(
    task: Task,
    shards: HashShards,
    judged: Sequence[FileVerdict],
    *,
    paths: Sequence[str],
    axes: Axes,
) -> GroupedFiles:
    """Return family and group of each file; copies have those of their picture.

    Groups hold whole families, and whole values of the axes that are never split.
    """
    settings = task.settings.data
    linked = LinkShards(hashed=shards, settings=settings.families)
    first = np.array([verdict.first for verdict in judged], dtype=np.int64)
    readable = first >= 0
    _, picture = np.unique(first[readable], return_inverse=True)
    told = _verdicts(task, paths, _spread(picture, readable))
    with single_threaded():
        clusters = join_families(
            linked.edges(),
            len(linked.records),
            look=linked.look,
            verify=linked.find,
            verify_closely=linked.closer(settings.tile_size_px),
            settings=settings.families,
        )
        clusters, notes = apply_verdicts(clusters, told, settings=settings.families)
        planted = plant_copies(
            linked.known(clusters, size_px=settings.tile_size_px), settings.families
        )
    groups = clusters.group[picture]
    images = axes.of(np.flatnonzero(readable).tolist())
    for name in axes.never_split:
        groups = join_groups(groups, [str(value) for value in images.values[name]])
    return GroupedFiles(
        families=_spread(clusters.family[picture], readable),
        groups=_spread(groups, readable),
        alarms=tuple(
            _renumbered(a, groups[picture == a.member][0]) for a in clusters.alarms
        ),
        edges=renumber_edges(clusters.edges, np.unique(first[readable])),
        planted=planted,
        notes=tuple(_notes(linked, told, [*notes, str(planted)])),
    )


def _notes(linked: LinkShards, told: Verdicts, more: Sequence[str]) -> Iterator[str]:
    """Yield what could not be compared, what people decided, and more."""
    decided = (f"decided by people: {verdict}" for verdict in told.values())
    blank = note_blank(linked.num_keypoints())
    yield from filter(
        None, [str(linked.marks), blank, linked.look.note, *decided, *more]
    )


def _verdicts(task: Task, paths: Sequence[str], picture: Codes) -> Verdicts:
    """Return what people decided of two pictures, from the user's file or the set's."""
    uri = task.settings.data.verdicts_csv
    if uri is not None:
        field = "data.verdicts_csv"
        file = fetch_file(uri, task.scratch, settings=task.settings.storage)
    elif task.source.exists(FILE_NAME):
        field = FILE_NAME
        file = task.source.fetch(FILE_NAME, task.scratch)
    else:
        return {}
    row = {path: number for number, path in enumerate(paths)}
    found = {
        (int(picture[row[verdict.a]]), int(picture[row[verdict.b]])): verdict
        for verdict in read_verdicts(file, field=field, paths=paths)
    }
    return {pair: verdict for pair, verdict in found.items() if min(pair) >= 0}


def join_groups(groups: Codes, values: Sequence[str]) -> Codes:
    """Join groups whose images have one value of an axis.

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
    """Return an alarm with the number that its group has in the end."""
    return replace(alarm, code=int(group)) if alarm.kind == "group" else alarm


def _spread(
    codes: Codes, readable: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> Codes:
    full = np.full(len(readable), -1, dtype=np.int64)
    full[readable] = codes
    return full
