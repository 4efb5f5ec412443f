"""Rules for the settings that name axes: patient, slide, site, whatever a user knows.

Knows which of them contradict each other; not which columns a file has.
"""

from collections import Counter
from collections.abc import Iterator

from lcc.config.data import FAMILY, DataSettings
from lcc.config.path_pattern import compile_pattern


def axis_faults(data: DataSettings) -> Iterator[str]:
    """Yield what is wrong with the axes by the settings alone."""
    yield from _pattern_faults(data)
    yield from _repeated("never_split", data.never_split or ())
    yield from _repeated("balance_over", data.balance_over)
    yield from _unsourced(data)
    if data.never_split is not None and FAMILY not in data.never_split:
        own = ", ".join((*data.never_split, FAMILY))
        yield (
            "data.never_split: must include family, which is what is found to belong "
            f"together, got {', '.join(data.never_split) or 'nothing'}. Write [{own}]."
        )
    for axis in sorted(set(data.never_split or ()) & set(data.balance_over)):
        yield (
            "data.balance_over: must not name what data.never_split keeps whole, got "
            f"{axis}. Remove it from one of them."
        )
    yield from _left_out_faults(data)


def _pattern_faults(data: DataSettings) -> Iterator[str]:
    if data.columns_from_path is not None:
        try:
            compile_pattern(data.columns_from_path)
        except ValueError as err:
            yield f"data.columns_from_path: {err}"


def _repeated(field: str, names: tuple[str, ...]) -> Iterator[str]:
    for name, number in Counter(names).items():
        if number > 1:
            yield (
                f"data.{field}: must not repeat a name, got {name} {number} times. "
                "Remove all but one."
            )


def _unsourced(data: DataSettings) -> Iterator[str]:
    if data.groups_csv is not None or data.columns_from_path is not None:
        return
    left_out = () if data.leave_out is None else (data.leave_out,)
    named = {
        "never_split": set(data.never_split or ()) - {FAMILY},
        "balance_over": set(data.balance_over),
        "leave_out": set(left_out),
    }
    for field, names in named.items():
        if names:
            yield (
                f"data.{field}: {', '.join(sorted(names))} must be a column of "
                "data.groups_csv or data.columns_from_path, got neither. Set one."
            )


def _left_out_faults(data: DataSettings) -> Iterator[str]:
    if data.leave_out is None and data.test_value is not None:
        yield (
            "data.test_value: must be a value of data.leave_out, which is not set, got "
            f"{data.test_value}. Set it, or remove this."
        )
    if data.leave_out is not None and data.split_csv is not None:
        yield (
            "data.leave_out: must not be set with data.split_csv, which says what the "
            f"test is, got {data.leave_out}. Remove one of them."
        )
    for field, names in (
        ("balance_over", data.balance_over),
        ("leave_out", (data.leave_out,)),
    ):
        if FAMILY in names:
            yield (
                f"data.{field}: must be a column such as site, got family, which is "
                "what is found. Name a column."
            )
