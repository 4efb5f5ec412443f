"""From families and a split to what leaks: ties that cross from one split to another.

Knows integers, names of splits and labels; no files and no pictures.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from lcc.audit.leaks import Conflict, Crossing, Leak, Tie
from lcc.audit.user_split import split_order
from lcc.config.data import FamilySettings
from lcc.families.edges import Link, links_of
from lcc.families.find import Families
from lcc.families.graph import Codes, chain, components, members, renumber

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Level:
    """What one tie makes of n images.

    Attributes:
        sets: Rows that are tied, singles included; a partition of all rows.
        bridges: Row → rank and rows of pairs that alone hold its set together, so that
            they show the tie; none where any two of the set do.
    """

    sets: list[list[int]]
    bridges: Mapping[int, list[tuple[int, Pair]]]


Levels = Mapping[Tie, Level]


def tie_levels(found: Families, settings: FamilySettings) -> Levels:
    """Return what each tie makes of the images, from the closest to the loosest.

    What cannot be read is tied to files of the same bytes alone.
    """
    unread = found.picture < 0
    apart = len(unread) + found.content
    family = renumber(np.where(unread, apart, found.family))
    pairs, agreed = _pairs(found, settings)
    overlap = components(np.concatenate([pairs[agreed], chain(family)]), len(family))
    return {
        Tie.FILE: Level(members(found.content), {}),
        Tie.PICTURE: Level(members(np.where(unread, apart, found.picture)), {}),
        Tie.FAMILY: Level(members(family), {}),
        Tie.OVERLAP: Level(members(overlap), _bridges(pairs[agreed], family)),
        Tie.QUESTION: Level(
            members(np.where(unread, apart, found.group)), _bridges(pairs, overlap)
        ),
    }


def _pairs(found: Families, settings: FamilySettings) -> tuple[Codes, np.ndarray]:
    """Return (m, 2) ends of edges, and which both judges support; the surest first."""
    surest = [("inliers", "descending"), ("a", "ascending"), ("b", "ascending")]
    edges = found.edges.sort_by(surest)
    pairs = np.stack([edges["a"].to_numpy(), edges["b"].to_numpy()], axis=1)
    return pairs, links_of(edges, settings) != Link.QUESTION


def _bridges(pairs: Codes, closer: Codes) -> Mapping[int, list[tuple[int, Pair]]]:
    """Return the pairs that join two sets of the closer tie, by their first row."""
    found: dict[int, list[tuple[int, Pair]]] = defaultdict(list)
    joining = pairs[closer[pairs[:, 0]] != closer[pairs[:, 1]]]
    for rank, (a, b) in enumerate(joining.tolist()):
        found[a].append((rank, (a, b)))
    return found


def find_leaks(levels: Levels, splits: Sequence[str]) -> Iterator[Leak]:
    """Yield each set that lies in several splits, by its closest tie."""
    known: set[tuple[int, ...]] = set()
    copies = {  # of each picture, one in each of its splits
        rows[0]: list({splits[row]: row for row in reversed(rows)}.values())
        for rows in levels[Tie.PICTURE].sets
    }
    for tie, level in levels.items():
        for rows in level.sets:
            if len({splits[row] for row in rows}) < 2 or tuple(rows) in known:  # noqa: PLR2004 - splits
                continue
            known.add(tuple(rows))
            pairs = sorted(pair for row in rows for pair in level.bridges.get(row, ()))
            shown = _crossing_pair([pair for _, pair in pairs], copies, splits)
            yield Leak(tie=tie, rows=_ordered(rows, splits, shown=shown))


def _crossing_pair(
    pairs: Iterable[Pair], copies: Mapping[int, Sequence[int]], splits: Sequence[str]
) -> Sequence[int]:
    """Return the first pair, or two copies of it, that lie in different splits."""
    for a, b in pairs:
        for one in copies[a]:
            for other in copies[b]:
                if splits[one] != splits[other]:
                    return one, other
    return ()


def _ordered(
    rows: Sequence[int], kinds: Sequence[Hashable], *, shown: Sequence[int] = ()
) -> tuple[int, ...]:
    """Return the rows: those to be shown, then one of each kind, then the rest."""
    first: dict[Hashable, int] = {}
    for row in (*shown, *rows):
        first.setdefault(kinds[row], row)
    return tuple(dict.fromkeys((*shown, *first.values(), *rows)))


def count_crossings(levels: Levels, splits: Sequence[str]) -> Iterator[Crossing]:
    """Yield how many images of each split have kin in each other; held-out ones first.

    First come all pairs that ask the split that is held out, then the other way round.
    """
    totals = Counter(splits)
    order = sorted(totals, key=split_order, reverse=True)
    same, siblings, kin = (
        _count(levels[tie].sets, splits)
        for tie in (Tie.PICTURE, Tie.FAMILY, Tie.QUESTION)
    )
    rank = {name: number for number, name in enumerate(order)}

    def place(pair: tuple[str, str]) -> tuple[bool, int, int]:
        own, other = rank[pair[0]], rank[pair[1]]
        return own > other, own, -other

    for pair in sorted(permutations(order, 2), key=place):
        yield Crossing(
            split=pair[0],
            other=pair[1],
            num_images=totals[pair[0]],
            num_same=same[pair],
            num_siblings=siblings[pair],
            num_kin=kin[pair],
        )


def _count(
    sets: Iterable[Sequence[int]], splits: Sequence[str]
) -> Mapping[tuple[str, str], int]:
    """Return how many images of one split have an image of another in their set."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for rows in sets:
        inside = Counter(splits[row] for row in rows)
        for pair in permutations(inside, 2):
            found[pair] += inside[pair[0]]
    return found


def find_conflicts(
    levels: Levels, labels: Sequence[tuple[str, ...]]
) -> Iterator[Conflict]:
    """Yield pictures, then families, whose images have several labels."""
    known: set[tuple[int, ...]] = set()
    for tie in (Tie.PICTURE, Tie.FAMILY):
        for rows in levels[tie].sets:
            names = sorted({name for row in rows for name in labels[row]})
            if len(names) > 1 and tuple(rows) not in known:
                known.add(tuple(rows))
                yield Conflict(
                    tie=tie, labels=tuple(names), rows=_ordered(rows, labels)
                )
