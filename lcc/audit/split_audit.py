"""Audit anybody's split: find copies and families that lie in several splits.

Knows a split and a folder of images; needs no catalogue, no root and no classes, so
that a split of any data set can be judged.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from joblib import effective_n_jobs

from lcc.audit.claims import find_divided, find_members, judge_claims
from lcc.audit.leaks import LeakLevel, NeighbourScore, SplitAudit
from lcc.audit.levels import (
    Levels,
    count_shared,
    find_conflicts,
    find_leaked,
    find_leaks,
    find_levels,
)
from lcc.audit.roles import split_order
from lcc.audit.rounds import Round, find_rounds, main_rounds
from lcc.audit.score import Question, score_neighbours
from lcc.audit.split_source import read_splits
from lcc.audit.user_split import UserSplit
from lcc.config.data import DataSettings
from lcc.data.work import ProgressCounter
from lcc.errors import DataError, NotFoundError
from lcc.families.find import Families, find_families
from lcc.families.verdicts import FILE_NAME, Verdicts, read_verdicts

PathLike = str | Path


def audit_split(
    split: PathLike | Sequence[PathLike],
    images: PathLike | None = None,
    *,
    settings: DataSettings | None = None,
    progress: Callable[[int], ProgressCounter] | None = None,
    n_jobs: int | None = None,
) -> SplitAudit:
    """Look for copies, families and overlaps across the splits of any image set.

    Args:
        split: A CSV with the columns path and split, by any of their usual names, and
            perhaps label and groups; lists such as `train.csv` and `test.csv`; or a
            folder of such lists, or of images in `train/`, `val/`, `test/`.
        images: Folder that the paths of lists start from; by default the lists' own.
        settings: How images are read, how families are found, and `verdicts_csv`, what
            people decided; by default `verdicts.csv` beside the images.
        progress: Starts a counter of so many units of work.
        n_jobs: Processes at once, as in scikit-learn: None is one, -1 one per core.

    Returns:
        What was found. An audit with many unreadable images is no error; its verdict
        is then that it cannot tell.

    Raises:
        NotFoundError: The split, or images that it names, are not there.
        DataError: The split cannot be used, or is several; tells all faults at once.
        ConfigError: `images` was given for a folder of images.

    Example:
        >>> audit = audit_split("split.csv", "tiles/")  # doctest: +SKIP
        >>> print(audit.verdict, len(audit.leaks))  # doctest: +SKIP
        LEAK 3
    """
    audits = audit_splits(
        split, images, settings=settings, progress=progress, n_jobs=n_jobs
    )
    if len(audits) > 1:
        message = (
            f"split: must be one, got {len(audits)}: "
            f"{', '.join(audit.name for audit in audits)}. Call audit_splits."
        )
        raise DataError(message)
    return audits[0]


def audit_splits(
    split: PathLike | Sequence[PathLike],
    images: PathLike | None = None,
    *,
    settings: DataSettings | None = None,
    progress: Callable[[int], ProgressCounter] | None = None,
    n_jobs: int | None = None,
) -> tuple[SplitAudit, ...]:
    """Audit all splits that lists or a folder hold: one for each seed or set of folds.

    Families are found once, among all images together. Arguments and errors are those
    of `audit_split`.
    """
    settings = settings or DataSettings()
    named = [split] if isinstance(split, str | Path) else split
    sources = read_splits(
        [Path(one) for one in named], None if images is None else Path(images)
    )
    files = sorted({image.file for source in sources for image in source.images})
    position = {file: number for number, file in enumerate(files)}
    verdicts = _verdicts(
        settings.verdicts_csv,
        Path(named[0] if images is None else images),
        {i.path: position[i.file] for source in sources for i in source.images},
    )
    found = find_families(
        files,
        settings=settings,
        verdicts=verdicts,
        progress=progress,
        n_jobs=n_jobs,
    )
    judge = _Judge(
        found=found,
        position=position,
        levels=find_levels(found, settings.families),
        settings=settings,
        num_threads=effective_n_jobs(n_jobs),
    )
    return tuple(judge.audit(source) for source in sources)


def _verdicts(named: str | None, place: Path, position: Mapping[str, int]) -> Verdicts:
    """Return what people decided, from a file named or one beside the images.

    Args:
        named: The setting.
        place: Folder of the images, or a list.
        position: Path of an image → its position.
    """
    folder = place if place.is_dir() else place.parent
    file = Path(named) if named is not None else folder / FILE_NAME
    if named is None and not file.is_file():
        return {}
    if not file.is_file():
        message = f"data.verdicts_csv: must be a file, got {file}. Check the path."
        raise NotFoundError(message)
    return {
        (position[verdict.a], position[verdict.b]): verdict
        for verdict in read_verdicts(file, field=str(file), paths=position)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """Judges splits of images whose families are known.

    Attributes:
        found: Families of all files of all splits.
        position: File → its position among them.
        levels: Which of them belong together.
        settings: How images are read.
        num_threads: Images read at once.
    """

    found: Families
    position: Mapping[Path, int]
    levels: Levels
    settings: DataSettings
    num_threads: int

    def audit(self, source: UserSplit) -> SplitAudit:
        """Return what is found in one split."""
        rows = [self.position[image.file] for image in source.images]
        levels = self.levels.take(rows)
        splits = [image.split for image in source.images]
        counts = Counter(splits)
        rounds = find_rounds(splits)
        claims = find_members(source.images)
        families = levels.sets(LeakLevel.FAMILY)
        unreadable = self.found.unreadable
        return SplitAudit(
            name=source.name,
            images=source.images,
            counts={name: counts[name] for name in sorted(counts, key=split_order)},
            leaks=(*find_leaks(levels, splits), *find_divided(claims, splits)),
            shared=tuple(count_shared(levels, splits, rounds)),
            conflicts=tuple(
                find_conflicts(levels, [image.labels for image in source.images])
            ),
            claims=tuple(judge_claims(claims, splits, families)),
            score=self._score(source, levels, main_rounds(rounds)),
            unreadable={
                n: unreadable[r] for n, r in enumerate(rows) if r in unreadable
            },
            max_unreadable_fraction=self.settings.max_unreadable_fraction,
            notes=(*source.notes, *self.found.alarms, *self.found.notes),
        )

    def _score(
        self, source: UserSplit, levels: Levels, rounds: Sequence[Round]
    ) -> NeighbourScore | None:
        splits = [image.split for image in source.images]
        return score_neighbours(
            source.images,
            [
                Question(
                    asked=[n for n, split in enumerate(splits) if split in one.asked],
                    leaked=find_leaked(levels, splits, one),
                    training=[n for n, s in enumerate(splits) if s in one.against],
                )
                for one in rounds
            ],
            levels.codes[LeakLevel.OVERLAP],
            max_megapixels=self.settings.max_megapixels,
            num_threads=self.num_threads,
        )
