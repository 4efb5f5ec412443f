"""Patients, slides, … of one name in two data sets: perhaps the same ones.

Geometry cannot see two fields of one slide that do not overlap: names may.
"""

from collections.abc import Iterator

from lcc.data.catalogue import Catalogue
from lcc.evaluate.bootstrap import Ints

NUM_NAMED = 3


def find_namesakes(outside: Catalogue, rows: Ints, training: Catalogue) -> list[str]:
    """Return a sentence for each axis of which both sets hold some of the same values.

    Args:
        outside: The data set that is judged on.
        rows: (n,) rows of it that are.
        training: What the model was trained on.
    """
    return list(_sentences(outside, rows, training))


def _sentences(outside: Catalogue, rows: Ints, training: Catalogue) -> Iterator[str]:
    known = training.axes
    for axis, values in outside.axes.items():
        theirs = {values[row] for row in rows.tolist()} - {None}
        common = sorted(theirs & set(known.get(axis, ())))
        if not common:
            continue
        named = ", ".join(common[:NUM_NAMED])
        more = f" and {len(common) - NUM_NAMED} more" if common[NUM_NAMED:] else ""
        yield (
            f"{len(common)} of {len(theirs)} values of {axis} stand in the training "
            f"catalogue, too: {named}{more}. If they mean the same, these images are "
            "no evidence of how the model does elsewhere."
        )
