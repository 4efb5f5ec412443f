"""Tell which of a model's classes each class of another data set is. Pure.

Knows names alone; not what shows a class, nor what a model says.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import pyarrow as pa

from lcc.errors import DataError

FIELD = "evaluate.class_map"


def map_classes(
    theirs: Sequence[str], ours: Sequence[str], class_map: Mapping[str, str]
) -> dict[str, str]:
    """Return the model's class of each class of another data set.

    Equal names need no entry. Two of theirs may be one of ours; an entry for a class
    that they have not is a typo, as a set of theirs always has the same classes.

    Args:
        theirs: Classes of the other data set.
        ours: Classes of the model.
        class_map: Their name → ours.

    Returns:
        Their name → ours, for each of theirs.

    Raises:
        DataError: Lists every class of theirs that is none of ours, and every entry
            that names no class.

    Example:
        >>> map_classes(
        ...     ["acinar", "lung_n"], ["lung_aca", "lung_n"], {"acinar": "lung_aca"}
        ... )
        {'acinar': 'lung_aca', 'lung_n': 'lung_n'}
    """
    told = {name: name for name in theirs if name in ours} | dict(class_map)
    faults = [
        f"{FIELD}.{name}: must name a class of the other data set "
        f"({', '.join(theirs)}), got {name}. {_hint(name, theirs)}"
        for name in class_map
        if name not in theirs
    ]
    faults += [
        f"{FIELD}.{name}: must be a class of the model ({', '.join(ours)}), got "
        f"{own or 'nothing'}. {_hint(own, ours)}"
        for name, own in class_map.items()
        if own not in ours
    ]
    unmapped = [name for name in theirs if name not in told]
    if unmapped and len(unmapped) == len(theirs) and not class_map:
        faults.append(
            f"{FIELD}: the sets must have a class in common, got "
            f"{', '.join(theirs)} beside the model's {', '.join(ours)}. "
            f"{_set(unmapped, ours)}"
        )
    elif unmapped:
        faults.append(
            f"{FIELD}: must tell the model's class of each class, got none for "
            f"{', '.join(unmapped)}. {_set(unmapped, ours)} Or choose classes by "
            "data.classes."
        )
    if faults:
        raise DataError("\n".join(faults))
    return {name: told[name] for name in theirs}


def _hint(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else "Correct it."


def _set(unmapped: Sequence[str], ours: Sequence[str]) -> str:
    """Return how to set the map; names that are near are proposed, never taken."""
    pairs = ", ".join(
        f"{name}: {next(iter(get_close_matches(name, ours, n=1)), '…')}"
        for name in unmapped
    )
    return f"--set '{FIELD}={{{pairs}}}'."


def with_our_labels(table: pa.Table, told: Mapping[str, str]) -> pa.Table:
    """Return a table whose column `label` holds the model's names.

    Args:
        table: With `label`.
        told: As `map_classes` returns it.
    """
    labels = [told[name] for name in table["label"].to_pylist()]
    place = table.column_names.index("label")
    return table.set_column(place, "label", pa.array(labels, pa.string()))
