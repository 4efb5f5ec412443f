"""Audit anybody's split: find copies and families that lie in several splits.

Knows a split and a folder of images; needs no catalogue, no root and no classes, so
that a split of any data set can be judged.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from lcc.audit.leaks import SplitAudit
from lcc.audit.levels import count_shared, find_conflicts, find_leaks, find_levels
from lcc.audit.roles import split_order
from lcc.audit.split_source import read_splits
from lcc.config.data import DataSettings
from lcc.data.task import ProgressCounter
from lcc.families.find import find_families


def audit_split(
    split: str | Path,
    images: str | Path | None = None,
    *,
    settings: DataSettings | None = None,
    progress: Callable[[int], ProgressCounter] | None = None,
    n_jobs: int | None = None,
) -> SplitAudit:
    """Look for copies, families and overlaps across the splits of any image set.

    Args:
        split: A CSV with the columns path and split, by any of their usual names, and
            perhaps label; or a folder that holds `train/`, `val/`, `test/`.
        images: Folder that the paths of a CSV start from; by default the CSV's own.
        settings: How images are read, and how families are found.
        progress: Starts a counter of so many units of work.
        n_jobs: Processes at once, as in scikit-learn: None is one, -1 one per core.

    Returns:
        What was found. An audit with many unreadable images is no error; its verdict
        is then that it cannot tell.

    Raises:
        NotFoundError: The split, or images that it names, are not there.
        DataError: The split cannot be used; lists all faults at once.
        ConfigError: `images` was given for a folder.

    Example:
        >>> audit = audit_split("split.csv", "tiles/")  # doctest: +SKIP
        >>> print(audit.verdict, len(audit.leaks))  # doctest: +SKIP
        LEAK 3
    """
    settings = settings or DataSettings()
    source = read_splits([Path(split)], None if images is None else Path(images))[0]
    found = find_families(
        [image.file for image in source.images],
        settings=settings,
        progress=progress,
        n_jobs=n_jobs,
    )
    splits = [image.split for image in source.images]
    levels = find_levels(found, settings.families)
    counts = Counter(splits)
    return SplitAudit(
        name=source.name,
        images=source.images,
        counts={name: counts[name] for name in sorted(counts, key=split_order)},
        leaks=tuple(find_leaks(levels, splits)),
        shared=tuple(count_shared(levels, splits)),
        conflicts=tuple(
            find_conflicts(levels, [image.labels for image in source.images])
        ),
        unreadable=found.unreadable,
        max_unreadable_fraction=settings.max_unreadable_fraction,
        notes=(*source.notes, *found.alarms),
    )
