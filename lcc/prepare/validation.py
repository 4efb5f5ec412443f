"""Check that a split may be trained and evaluated on.

Shares no code with the splitter: it counts with sets, row by row, what must hold.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from lcc.config.data import DataSettings

MAX_SHOWN = 3  # examples in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedImage:
    """One kept image, with its split and fold."""

    path: str
    label: str
    group: int
    split: str
    fold: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCheck:
    """One condition that a split must meet, and whether it does.

    Attributes:
        name: What was checked.
        is_passed: Whether it holds.
        detail: What was found, in words.
    """

    name: str
    is_passed: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitValidation:
    """All checks of a split, and its images by split and class."""

    checks: tuple[SplitCheck, ...]
    counts: dict[str, dict[str, int]]

    @property
    def faults(self) -> tuple[str, ...]:
        """Checks that failed, in words."""
        return tuple(
            f"{check.name}: {check.detail}"
            for check in self.checks
            if not check.is_passed
        )

    def document(self) -> dict[str, object]:
        """Return the checks as JSON values, the content of `splits.json`."""
        checks = [asdict(check) for check in self.checks]
        return {"checks": checks, "images": self.counts, "passed": not self.faults}


def validate_splits(
    rows: Iterable[AssignedImage], settings: DataSettings
) -> SplitValidation:
    """Check that a split of images may be trained and evaluated on.

    Args:
        rows: Every kept image once.
        settings: Folds and tolerance.
    """
    images = list(rows)
    development = [row for row in images if row.split != "test"]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in images:
        counts[row.split][row.label] += 1
    checks = (
        _once(images),
        _known_splits(images),
        _undivided("groups lie in one split", [(r.group, r.split) for r in images]),
        _undivided("groups lie in one fold", [(r.group, r.fold) for r in development]),
        _folds_inside(images, settings.num_folds),
        _no_empty_class(images, settings.num_folds),
        _shares(counts, settings.max_class_share_deviation),
    )
    table = {split: dict(sorted(counts[split].items())) for split in sorted(counts)}
    return SplitValidation(checks=checks, counts=table)


def _once(images: Sequence[AssignedImage]) -> SplitCheck:
    number = Counter(row.path for row in images)
    doubled = sorted(path for path, count in number.items() if count > 1)
    return _check("every image is assigned once", doubled, good=f"{len(images)} images")


def _known_splits(images: Sequence[AssignedImage]) -> SplitCheck:
    unknown = {row.split for row in images} - {"train", "validation", "test"}
    return _check("splits are train, validation and test", sorted(unknown))


def _undivided(name: str, pairs: Sequence[tuple[int, object]]) -> SplitCheck:
    found: dict[int, set[object]] = defaultdict(set)
    for group, own in pairs:
        found[group].add(own)
    divided = [
        f"group {group} in {' and '.join(sorted(map(str, names)))}"
        for group, names in sorted(found.items())
        if len(names) > 1
    ]
    return _check(name, divided, good=f"{len(found)} groups")


def _folds_inside(images: Sequence[AssignedImage], num_folds: int) -> SplitCheck:
    wrong = [
        f"{row.path} ({row.split}, fold {row.fold})"
        for row in images
        if (row.fold is None) != (row.split == "test")
        or (row.fold is not None and not 0 <= row.fold < num_folds)
    ]
    return _check("folds exist inside the development part only", wrong)


def _no_empty_class(images: Sequence[AssignedImage], num_folds: int) -> SplitCheck:
    labels = sorted({row.label for row in images})
    splits = {(row.split, row.label) for row in images}
    folds = {(row.fold, row.label) for row in images}
    empty = [
        f"{split} without {label}"
        for split in ("train", "validation", "test")
        for label in labels
        if (split, label) not in splits
    ]
    empty += [
        f"fold {fold} without {label}"
        for fold in range(num_folds)
        for label in labels
        if (fold, label) not in folds
    ]
    return _check("every split and fold has every class", empty)


def _shares(counts: dict[str, Counter[str]], tolerance: float) -> SplitCheck:
    total: Counter[str] = Counter()
    for classes in counts.values():
        total.update(classes)
    largest = 0.0
    far = []
    for split, classes in sorted(counts.items()):
        for label in sorted(total):
            share = classes[label] / classes.total()
            deviation = abs(share - total[label] / total.total())
            largest = max(largest, deviation)
            if deviation > tolerance:
                far.append(f"{label} in {split} is off by {deviation:.3f}")
    name = f"class shares are within {tolerance:g} of those of all images"
    return _check(name, far, good=f"largest deviation {largest:.4f}")


def _check(name: str, faults: Sequence[str], *, good: str = "none found") -> SplitCheck:
    if not faults:
        return SplitCheck(name=name, is_passed=True, detail=good)
    shown = ", ".join(faults[:MAX_SHOWN])
    more = f" and {len(faults) - MAX_SHOWN} more" if len(faults) > MAX_SHOWN else ""
    return SplitCheck(name=name, is_passed=False, detail=f"got {shown}{more}")
