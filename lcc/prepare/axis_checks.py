"""Checks of axes: whatever is balanced over splits and folds, or left out.

Shares no code with the splitter: it counts, row by row.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import product

from lcc.prepare.split_check import AssignedImage, SplitCheck, SplitRules, judge


def count_by_axis(
    images: Sequence[AssignedImage], rules: SplitRules
) -> dict[str, dict[str, dict[str, int]]]:
    """Return images by axis, value and split, of axes that are balanced or left out."""
    left_out = () if rules.leave_out is None else (rules.leave_out,)
    table = {}
    for axis in sorted({*rules.balance_over, *left_out}):
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for row in images:
            found[row.axes[axis]][row.split] += 1
        table[axis] = {
            value: dict(sorted(found[value].items())) for value in sorted(found)
        }
    return table


def check_balances(
    dealt: Sequence[AssignedImage],
    development: Sequence[AssignedImage],
    axes: Sequence[str],
    tolerance: float,
) -> Iterator[SplitCheck]:
    """Yield for each axis whether splits, and folds, have their share of each value.

    Args:
        dealt: Images that were dealt to splits.
        development: Images that were dealt to folds.
        axes: To look at.
        tolerance: Largest difference of a share, 0–1.
    """
    for axis in axes:
        splits = [(row.split, row) for row in dealt]
        yield _balance(axis, "split", splits, tolerance)
        folds = [(f"fold {row.fold}", row) for row in development]
        yield _balance(axis, "fold", folds, tolerance)


def _balance(
    axis: str,
    place: str,
    placed: Sequence[tuple[str, AssignedImage]],
    tolerance: float,
) -> SplitCheck:
    """Check the share of each value in each place.

    More than the tolerance is allowed where one group of that value is as large as the
    deviation: a group is never divided.
    """
    values = Counter(row.axes[axis] for _, row in placed)
    sizes = Counter(where for where, _ in placed)
    cells = Counter((row.axes[axis], where) for where, row in placed)
    groups = Counter((row.axes[axis], row.group) for _, row in placed)
    steps: dict[str, int] = {}
    for (value, _), number in groups.items():
        steps[value] = max(number, steps.get(value, 0))
    largest, worst, far = 0.0, "none", []
    for value, where in product(sorted(values), sorted(sizes)):
        share = cells[value, where] / sizes[where]
        deviation = abs(share - values[value] / len(placed))
        if deviation > max(tolerance, steps[value] / sizes[where]):
            far.append(f"{value} in {where} is off by {deviation:.3f}")
        if deviation > largest:
            largest, worst = deviation, f"{value} in {where}"
    name = f"each {axis} has its share in every {place}, as far as groups permit"
    return judge(name, far, good=f"largest deviation {largest:.4f} ({worst})")


def check_left_out(
    images: Sequence[AssignedImage], rules: SplitRules
) -> Iterator[SplitCheck]:
    """Yield whether the test is the value that is left out, where one is."""
    if rules.is_one_left_out:
        axis, value = str(rules.leave_out), rules.test_value
        wrong = [
            f"{row.path} of {row.axes[axis]} in {row.split}"
            for row in images
            if (row.axes[axis] == value) != (row.split == "test")
        ]
        number = sum(row.split == "test" for row in images)
        if not number:
            wrong.append("no image at all")
        name = f"the test is {axis} {value}, and all of it"
        yield judge(name, wrong, good=f"{number} images")
