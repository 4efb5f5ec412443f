"""What a check of a split is given, and what it says.

Knows the form of both; what must hold is `validation` and `axis_checks`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MAX_SHOWN = 3  # examples in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedImage:
    """One kept image, with its split and fold, and its value of each axis."""

    path: str
    label: str
    group: int
    split: str
    fold: int | None
    axes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRules:
    """What a split was to keep, beside groups and classes.

    Attributes:
        never_split: Axes whose values lie in one split and fold, beside the family.
        balance_over: Axes of whose values each split and fold has its share.
        leave_out: Axis of which one value is the test.
        test_value: That value.
    """

    never_split: Sequence[str] = ()
    balance_over: Sequence[str] = ()
    leave_out: str | None = None
    test_value: str | None = None

    @property
    def is_one_left_out(self) -> bool:
        """Whether the test is one value of an axis."""
        return self.leave_out is not None and self.test_value is not None

    def sentences(self) -> list[str]:
        """Return in words what was to be kept beside families."""
        undivided = ", ".join(["family", *self.never_split])
        said = [f"Never split: {undivided}."] if self.never_split else []
        said += [
            f"Each {axis} has its share in every split and fold, as groups permit."
            for axis in self.balance_over
        ]
        if self.is_one_left_out:
            said.append(f"The test is {self.leave_out} {self.test_value}, left out.")
        return said


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


NO_RULES = SplitRules()


def judge(name: str, faults: Sequence[str], *, good: str = "none found") -> SplitCheck:
    """Return a check that holds where there are no faults.

    Args:
        name: What was checked.
        faults: What was found against it; the first three are told.
        good: What to say where it holds.
    """
    if not faults:
        return SplitCheck(name=name, is_passed=True, detail=good)
    shown = ", ".join(faults[:MAX_SHOWN])
    more = f" and {len(faults) - MAX_SHOWN} more" if len(faults) > MAX_SHOWN else ""
    return SplitCheck(name=name, is_passed=False, detail=f"got {shown}{more}")
