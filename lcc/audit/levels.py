"""Find leaks: images that belong together but lie in several splits.

Knows integers, names of splits and labels; no files and no pictures.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcc.audit.leaks import Conflict, Leak, LeakLevel, SharedCounts
from lcc.audit.proof import EdgeTable
from lcc.audit.rounds import Round
from lcc.config.data import FamilySettings
from lcc.data.catalogue import Codes
from lcc.families.edges import EdgeKind, ends, kinds_of
from lcc.families.find import Families
from lcc.families.graph import chain, components, members, renumber

SURE = (LeakLevel.FILE, LeakLevel.PICTURE, LeakLevel.FAMILY, LeakLevel.OVERLAP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Which of n images belong together at each leak level, and the edges between them.

    Attributes:
        codes: Level → (n,) int64, equal where images belong together.
        edges: All edges, the surest first.
        closer: Level → the edges that join what the level before holds apart.
    """

    codes: Mapping[LeakLevel, Codes]
    edges: EdgeTable
    closer: Mapping[LeakLevel, NDArray[np.bool_]]

    def sets(self, level: LeakLevel) -> list[list[int]]:
        """Return the rows of each set, singles included: a partition of all rows."""
        return members(self.codes[level])

    def take(self, rows: Sequence[int]) -> "Levels":
        """Return the levels of some images, one of them perhaps several times."""
        at = np.asarray(rows, np.int64)
        codes = {level: own[at] for level, own in self.codes.items()}
        return Levels(codes=codes, edges=self.edges, closer=self.closer)


def find_levels(found: Families, settings: FamilySettings) -> Levels:
    """Return which images belong together, from identical files to any edge.

    What cannot be read belongs with files of the same bytes alone.
    """
    unread = found.picture < 0
    apart = len(unread) + found.content
    family = renumber(np.where(unread, apart, found.family))
    surest = [("inliers", "descending"), ("a", "ascending"), ("b", "ascending")]
    table = found.edges.sort_by(surest)
    pairs = ends(table)
    agreed = kinds_of(table, settings) != EdgeKind.QUESTION
    overlap = components(np.concatenate([pairs[agreed], chain(family)]), len(family))
    picture = np.where(unread, apart, found.picture)

    def joins(codes: Codes) -> NDArray[np.bool_]:
        return np.asarray(codes[pairs[:, 0]] != codes[pairs[:, 1]])

    return Levels(
        codes={
            LeakLevel.FILE: found.content,
            LeakLevel.PICTURE: picture,
            LeakLevel.FAMILY: family,
            LeakLevel.OVERLAP: overlap,
            LeakLevel.QUESTION: np.where(unread, apart, found.group),
        },
        edges=EdgeTable(table=table, pictures=picture[pairs]),
        closer={
            LeakLevel.FAMILY: agreed & ~joins(family),
            LeakLevel.OVERLAP: agreed & joins(family),
            LeakLevel.QUESTION: joins(overlap),
        },
    )


def find_leaks(levels: Levels, splits: Sequence[str]) -> Iterator[Leak]:
    """Yield each set that lies in several splits, at its first level."""
    known: set[tuple[int, ...]] = set()
    copies: dict[int, dict[str, int]] = defaultdict(dict)  # of a picture, by split
    for row, picture in enumerate(levels.codes[LeakLevel.PICTURE].tolist()):
        copies[picture].setdefault(splits[row], row)
    for level in levels.codes:
        for rows in levels.sets(level):
            if len({splits[row] for row in rows}) < 2 or tuple(rows) in known:  # noqa: PLR2004 - splits
                continue
            known.add(tuple(rows))
            pictures = levels.codes[LeakLevel.PICTURE][rows]
            proof = None
            if level in levels.closer:
                proof = levels.edges.prove(pictures, levels.closer[level], copies)
            shown = (proof.first, proof.second) if proof else ()
            rows_shown = order_rows(rows, splits, shown=shown)
            yield Leak(level=level, rows=rows_shown, proof=proof)


def order_rows(
    rows: Sequence[int], kinds: Sequence[Hashable], *, shown: Sequence[int] = ()
) -> tuple[int, ...]:
    """Return the rows: those to be shown, then one of each kind, then the rest."""
    first: dict[Hashable, int] = {}
    for row in (*shown, *rows):
        first.setdefault(kinds[row], row)
    return tuple(dict.fromkeys((*shown, *first.values(), *rows)))


def count_shared(
    levels: Levels, splits: Sequence[str], rounds: Sequence[Round]
) -> Iterator[SharedCounts]:
    """Yield how many images of each round have copies among those they are held to."""
    totals = Counter(splits)
    pictures, families, tissues, groups = (
        _count(levels.sets(level), splits, rounds)
        for level in (
            LeakLevel.PICTURE,
            LeakLevel.FAMILY,
            LeakLevel.OVERLAP,
            LeakLevel.QUESTION,
        )
    )
    for number, one in enumerate(rounds):
        yield SharedCounts(
            split=one.split,
            other=one.other,
            num_images=sum(totals[split] for split in one.asked),
            num_same_picture=pictures[number],
            num_same_family=families[number],
            num_same_tissue=tissues[number],
            num_same_group=groups[number],
        )


def _count(
    sets: Iterable[Sequence[int]], splits: Sequence[str], rounds: Sequence[Round]
) -> Counter[int]:
    """Return, by round, how many images have one of the others in their set."""
    found: Counter[int] = Counter()
    for rows in sets:
        inside = Counter(splits[row] for row in rows)
        if len(inside) > 1:
            for number, one in enumerate(rounds):
                if not one.against.isdisjoint(inside):
                    found[number] += sum(inside[split] for split in one.asked)
    return found


def find_leaked(levels: Levels, splits: Sequence[str], one: Round) -> set[int]:
    """Return the images of a round that surely show tissue of the others."""
    return {
        row
        for rows in levels.sets(LeakLevel.OVERLAP)
        if any(splits[row] in one.against for row in rows)
        for row in rows
        if splits[row] in one.asked
    }


def find_conflicts(
    levels: Levels, labels: Sequence[tuple[str, ...]]
) -> Iterator[Conflict]:
    """Yield pictures, then families, whose images have several labels."""
    known: set[tuple[int, ...]] = set()
    for level in (LeakLevel.PICTURE, LeakLevel.FAMILY):
        for rows in levels.sets(level):
            names = sorted({name for row in rows for name in labels[row]})
            if len(names) > 1 and tuple(rows) not in known:
                known.add(tuple(rows))
                yield Conflict(
                    level=level, labels=tuple(names), rows=order_rows(rows, labels)
                )
