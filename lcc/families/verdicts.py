"""Let people decide what the search only asks: are these two of one source?

Knows a CSV of pairs, and the clusters that its verdicts change. Only questions can be
overruled: where geometry and pixels agree, tissue is shared, whoever says otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lcc.config.data import FamilySettings
from lcc.data.catalogue import Codes
from lcc.data.digest import decode_name, encode_name
from lcc.data.table import CsvRow, first_few, read_table
from lcc.errors import DataError
from lcc.families.clustering import Clustering
from lcc.families.edges import EdgeKind, ends, kinds_of
from lcc.families.graph import chain, components, renumber

FILE_NAME = "verdicts.csv"  # beside the class folders: it travels with the images
SAME, DIFFERENT = "same", "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairVerdict:
    """What somebody decided of two images, after a look at both.

    Attributes:
        a: Path of the first.
        b: Path of the second.
        is_same: Whether they were made from one source.
        by: Who decided, empty where not said.
        why: The reason, empty where not said.
    """

    a: str
    b: str
    is_same: bool
    by: str = ""
    why: str = ""

    def __str__(self) -> str:
        """Return the verdict as a line of a report."""
        word = SAME if self.is_same else DIFFERENT
        told = ", ".join(filter(None, [self.by, self.why]))
        return f"{self.a} and {self.b}: {word}" + (f" ({told})" if told else "")


Verdicts = Mapping[tuple[int, int], PairVerdict]  # of two rows


def read_verdicts(
    file: Path, *, field: str, paths: Iterable[str]
) -> tuple[PairVerdict, ...]:
    """Read the pairs that somebody has looked at.

    Args:
        file: CSV with the columns a, b (paths), verdict (same or different), and
            perhaps by and why.
        field: What to call it in messages.
        paths: The images, in their text form.

    Raises:
        DataError: It is no such CSV, a path is not among the images, or a pair has two
            verdicts; lists all such faults.
    """
    columns = ("a", "b", "verdict")
    table = read_table(file, field=field, needed=columns, optional=("by", "why"))
    known = {name: path for path in paths for name in (decode_name(path), path)}
    faults = list(_faults(table.rows, known, field))
    if faults:
        raise DataError("\n".join(faults))
    return tuple(_verdict(row, known) for row in table.rows)


def _verdict(row: CsvRow, known: dict[str, str]) -> PairVerdict:
    a, b = sorted(known[row.cells[key]] for key in "ab")
    return PairVerdict(
        a=a,
        b=b,
        is_same=row.cells["verdict"].casefold() == SAME,
        by=row.cells.get("by", ""),
        why=row.cells.get("why", ""),
    )


def _faults(rows: Sequence[CsvRow], known: dict[str, str], field: str) -> Iterable[str]:
    words = {row.cells["verdict"].casefold() for row in rows}
    if strange := sorted(words - {SAME, DIFFERENT}):
        yield (
            f"{field}: verdict must be {SAME} or {DIFFERENT}, got "
            f"{first_few([encode_name(word) or 'nothing' for word in strange])}. "
            "Correct it."
        )
    cells = [row.cells[key] for row in rows for key in "ab"]
    if missing := sorted({cell for cell in cells if cell not in known}):
        yield (
            f"{field}: a and b must be images of the data set, got {len(missing)} that "
            f"are none: {first_few([encode_name(cell) for cell in missing])}. Write "
            "paths as the catalogue has them."
        )
    seen: dict[tuple[str, ...], str] = {}
    for row in rows:
        pair = tuple(sorted(row.cells[key] for key in "ab"))
        word = row.cells["verdict"].casefold()
        if pair[0] == pair[1] or seen.setdefault(pair, word) != word:
            yield (
                f"{field}: must give two images one verdict, got another in line "
                f"{row.line} ({encode_name(pair[0])}, {encode_name(pair[1])}). "
                "Remove one."
            )


def apply_verdicts(
    clusters: Clustering,
    verdicts: Verdicts,
    *,
    settings: FamilySettings,
) -> tuple[Clustering, tuple[str, ...]]:
    """Join what is the same, and drop the questions between what is different.

    A verdict speaks for the families of its two images.

    Args:
        clusters: What was found.
        verdicts: What was decided of two rows.
        settings: Thresholds, which tell a question.

    Returns:
        The clusters anew, and a sentence for each verdict that changes nothing because
        both judges agree that tissue is shared.
    """
    pairs = np.array(list(verdicts), np.int64).reshape(-1, 2)
    is_same = np.array([verdict.is_same for verdict in verdicts.values()], np.bool_)
    edges = clusters.edges
    told = _between(clusters.family, ends(edges), pairs[~is_same])
    is_question = kinds_of(edges, settings) == EdgeKind.QUESTION
    firm = clusters.family[ends(edges)[told & ~is_question]]
    edges = edges.filter(~(told & is_question))
    family = _joined(clusters.family, pairs[is_same])
    ties = np.concatenate([ends(edges), chain(clusters.family), pairs[is_same]])
    group = components(ties, len(family))
    notes = tuple(
        f"{verdict}. Geometry and pixels agree that they share tissue: they stay in "
        "one group."
        for verdict, pair in zip(verdicts.values(), pairs, strict=True)
        if not verdict.is_same
        and (np.sort(firm, axis=1) == np.sort(clusters.family[pair])).all(axis=1).any()
    )
    return replace(clusters, family=family, group=group, edges=edges), notes


def _joined(family: Codes, pairs: Codes) -> Codes:
    """Return the families with those of each pair joined."""
    return renumber(components(family[pairs], int(family.max(initial=-1)) + 1)[family])


def _between(family: Codes, pairs: Codes, judged: Codes) -> NDArray[np.bool_]:
    """Return which pairs lie between the families of a judged pair."""
    count = int(family.max(initial=-1)) + 1
    codes = [np.sort(family[rows], axis=1) @ [count, 1] for rows in (pairs, judged)]
    return np.isin(codes[0], codes[1])
