"""Check that a split may be trained and evaluated on.

Shares no code with the splitter: it counts with sets, row by row, what must hold.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from lcc.config.data import DataSettings
from lcc.prepare.axis_checks import check_balances, check_left_out, count_by_axis
from lcc.prepare.split_check import (
    NO_RULES,
    AssignedImage,
    SplitCheck,
    SplitRules,
    judge,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitValidation:
    """All checks of a split.

    Attributes:
        checks: In order.
        counts: Images by split and class.
        axis_counts: Images by axis, value and split, of axes that are balanced or left
            out.
        rules: What the split was to keep.
    """

    checks: tuple[SplitCheck, ...]
    counts: dict[str, dict[str, int]]
    axis_counts: dict[str, dict[str, dict[str, int]]]
    rules: SplitRules

    @property
    def faults(self) -> tuple[str, ...]:
        """Checks that failed, in words."""
        return tuple(
            f"{check.name}: {check.detail}"
            for check in self.checks
            if not check.is_passed
        )

    def document(self, *, notes: Sequence[str] = ()) -> dict[str, object]:
        """Return the checks as JSON values, the content of `splits.json`.

        Args:
            notes: Sentences on how the split came about, put after the rules.
        """
        rules = asdict(self.rules) | {
            "never_split": ["family", *self.rules.never_split],
            "balance_over": list(self.rules.balance_over),
        }
        return {
            "checks": [asdict(check) for check in self.checks],
            "images": self.counts,
            "images_by_axis": self.axis_counts,
            "passed": not self.faults,
            "rules": rules,
            "notes": [*self.rules.sentences(), *notes],
        }


def validate_splits(
    rows: Iterable[AssignedImage],
    settings: DataSettings,
    *,
    rules: SplitRules = NO_RULES,
) -> SplitValidation:
    """Check that a split of images may be trained and evaluated on.

    A test that is one value of an axis may have the classes that it has, and in its own
    shares; all else is held to the same.

    Args:
        rows: Every kept image once.
        settings: Folds and tolerance.
        rules: What else was to be kept.
    """
    images = list(rows)
    development = [row for row in images if row.split != "test"]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in images:
        counts[row.split][row.label] += 1
    dealt = development if rules.is_one_left_out else images
    tolerance = settings.max_class_share_deviation
    checks = (
        _once(images),
        _known_splits(images),
        *_wholes(images, development, rules.never_split),
        _folds_inside(images, settings.num_folds),
        _no_empty_class(images, dealt, settings.num_folds),
        _shares(counts, {row.split for row in dealt}, tolerance),
        *check_balances(dealt, development, rules.balance_over, tolerance),
        *check_left_out(images, rules),
    )
    return SplitValidation(
        checks=checks,
        counts={name: dict(sorted(counts[name].items())) for name in sorted(counts)},
        axis_counts=count_by_axis(images, rules),
        rules=rules,
    )


def describe_undivided(
    rows: Iterable[AssignedImage], *, rules: SplitRules
) -> SplitValidation:
    """Return what there is to check of images that all lie in one part.

    Args:
        rows: Every kept image once.
        rules: What belongs together, for whoever draws units later.
    """
    images = list(rows)
    counts = Counter(row.label for row in images)
    parts = sorted({row.split for row in images})
    return SplitValidation(
        checks=(_once(images),),
        counts={name: dict(sorted(counts.items())) for name in parts},
        axis_counts={},
        rules=rules,
    )


def _wholes(
    images: Sequence[AssignedImage],
    development: Sequence[AssignedImage],
    axes: Sequence[str],
) -> Iterator[SplitCheck]:
    """Yield whether each group, and each value of an axis, lies in one place."""
    yield _undivided("group", "split", [(r.group, r.split) for r in images])
    yield _undivided("group", "fold", [(r.group, r.fold) for r in development])
    for axis in axes:
        yield _undivided(axis, "split", [(r.axes[axis], r.split) for r in images])
        yield _undivided(axis, "fold", [(r.axes[axis], r.fold) for r in development])


def _once(images: Sequence[AssignedImage]) -> SplitCheck:
    number = Counter(row.path for row in images)
    doubled = sorted(path for path, count in number.items() if count > 1)
    return judge("every image is assigned once", doubled, good=f"{len(images)} images")


def _known_splits(images: Sequence[AssignedImage]) -> SplitCheck:
    unknown = {row.split for row in images} - {"train", "validation", "test"}
    return judge("splits are train, validation and test", sorted(unknown))


def _undivided(
    noun: str, place: str, pairs: Sequence[tuple[int | str, object]]
) -> SplitCheck:
    found: dict[int | str, set[object]] = defaultdict(set)
    for whole, own in pairs:
        found[whole].add(own)
    divided = [
        f"{noun} {whole} in {' and '.join(sorted(map(str, names)))}"
        for whole, names in sorted(found.items())
        if len(names) > 1
    ]
    name = f"each {noun} lies in one {place}"
    return judge(name, divided, good=f"{len(found)} found")


def _folds_inside(images: Sequence[AssignedImage], num_folds: int) -> SplitCheck:
    wrong = [
        f"{row.path} ({row.split}, fold {row.fold})"
        for row in images
        if (row.fold is None) != (row.split == "test")
        or (row.fold is not None and not 0 <= row.fold < num_folds)
    ]
    return judge("folds exist inside the development part only", wrong)


def _no_empty_class(
    images: Sequence[AssignedImage], dealt: Sequence[AssignedImage], num_folds: int
) -> SplitCheck:
    """Check that each class is everywhere, but in a test that nobody dealt."""
    labels = sorted({row.label for row in images})
    is_test_given = len(dealt) < len(images)
    names = ("train", "validation") + (() if is_test_given else ("test",))
    splits = {(row.split, row.label) for row in images}
    folds = {(row.fold, row.label) for row in images}
    empty = [
        f"{split} without {label}"
        for split in names
        for label in labels
        if (split, label) not in splits
    ]
    empty += [
        f"fold {fold} without {label}"
        for fold in range(num_folds)
        for label in labels
        if (fold, label) not in folds
    ]
    missing = [label for label in labels if ("test", label) not in splits]
    said = f"the test, left out, has no {', '.join(missing)}"
    good = said if is_test_given and missing else "none is missing"
    return judge("every split and fold has every class", empty, good=good)


def _shares(
    counts: Mapping[str, Counter[str]], dealt: Collection[str], tolerance: float
) -> SplitCheck:
    total: Counter[str] = Counter()
    for split in dealt:
        total.update(counts[split])
    largest = 0.0
    far = []
    for split in sorted(dealt):
        for label in sorted(total):
            share = counts[split][label] / counts[split].total()
            deviation = abs(share - total[label] / total.total())
            largest = max(largest, deviation)
            if deviation > tolerance:
                far.append(f"{label} in {split} is off by {deviation:.3f}")
    whole = "all images" if "test" in dealt else "all images outside the test"
    name = f"class shares are within {tolerance:g} of those of {whole}"
    return judge(name, far, good=f"largest deviation {largest:.4f}")
