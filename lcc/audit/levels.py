"""Find leaks: images that belong together but lie in several splits.

Knows integers, names of splits and labels; no files and no pictures.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from lcc.audit.leaks import Conflict, Leak, LeakLevel, SharedCounts
from lcc.audit.roles import split_order
from lcc.config.data import FamilySettings
from lcc.data.catalogue import Codes
from lcc.families.edges import EdgeKind, kinds_of
from lcc.families.find import Families
from lcc.families.graph import chain, components, members, renumber

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LevelSets:
    """The sets of images that belong together at one leak level.

    Attributes:
        sets: Rows of each set, singles included; a partition of all rows.
        joining: Row → rank and rows of pairs that alone hold its set together, so that
            they show why; none where any two of the set do.
    """

    sets: list[list[int]]
    joining: Mapping[int, list[tuple[int, Pair]]]


Levels = Mapping[LeakLevel, LevelSets]


def find_levels(found: Families, settings: FamilySettings) -> Levels:
    """Return the sets of images of each level, from identical files to any edge.

    What cannot be read belongs with files of the same bytes alone.
    """
    unread = found.picture < 0
    apart = len(unread) + found.content
    family = renumber(np.where(unread, apart, found.family))
    pairs, agreed = _pairs(found, settings)
    overlap = components(np.concatenate([pairs[agreed], chain(family)]), len(family))
    return {
        LeakLevel.FILE: LevelSets(members(found.content), {}),
        LeakLevel.PICTURE: LevelSets(
            members(np.where(unread, apart, found.picture)), {}
        ),
        LeakLevel.FAMILY: LevelSets(members(family), {}),
        LeakLevel.OVERLAP: LevelSets(
            members(overlap), _joining_pairs(pairs[agreed], family)
        ),
        LeakLevel.QUESTION: LevelSets(
            members(np.where(unread, apart, found.group)),
            _joining_pairs(pairs, overlap),
        ),
    }


def _pairs(found: Families, settings: FamilySettings) -> tuple[Codes, np.ndarray]:
    """Return (m, 2) ends of edges, and which both judges support; the surest first."""
    surest = [("inliers", "descending"), ("a", "ascending"), ("b", "ascending")]
    edges = found.edges.sort_by(surest)
    pairs = np.stack([edges["a"].to_numpy(), edges["b"].to_numpy()], axis=1)
    return pairs, kinds_of(edges, settings) != EdgeKind.QUESTION


def _joining_pairs(pairs: Codes, closer: Codes) -> Mapping[int, list[tuple[int, Pair]]]:
    """Return the pairs that join two sets of the level before, by their first row."""
    found: dict[int, list[tuple[int, Pair]]] = defaultdict(list)
    between = pairs[closer[pairs[:, 0]] != closer[pairs[:, 1]]]
    for rank, (a, b) in enumerate(between.tolist()):
        found[a].append((rank, (a, b)))
    return found


def find_leaks(levels: Levels, splits: Sequence[str]) -> Iterator[Leak]:
    """Yield each set that lies in several splits, at its first level."""
    known: set[tuple[int, ...]] = set()
    copies = {  # of each picture, one in each of its splits
        rows[0]: list({splits[row]: row for row in reversed(rows)}.values())
        for rows in levels[LeakLevel.PICTURE].sets
    }
    for level, found in levels.items():
        for rows in found.sets:
            if len({splits[row] for row in rows}) < 2 or tuple(rows) in known:  # noqa: PLR2004 - splits
                continue
            known.add(tuple(rows))
            pairs = sorted(pair for row in rows for pair in found.joining.get(row, ()))
            shown = _leaking_pair([pair for _, pair in pairs], copies, splits)
            yield Leak(level=level, rows=_ordered(rows, splits, shown=shown))


def _leaking_pair(
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


def count_shared(levels: Levels, splits: Sequence[str]) -> Iterator[SharedCounts]:
    """Yield how many images of each split have copies in each other; held-out first.

    First come all pairs that ask the split that is held out, then the other way round.
    """
    totals = Counter(splits)
    order = sorted(totals, key=split_order, reverse=True)
    pictures, families, groups = (
        _count(levels[level].sets, splits)
        for level in (LeakLevel.PICTURE, LeakLevel.FAMILY, LeakLevel.QUESTION)
    )
    rank = {name: number for number, name in enumerate(order)}

    def by_rank(pair: tuple[str, str]) -> tuple[bool, int, int]:
        own, other = rank[pair[0]], rank[pair[1]]
        return own > other, own, -other

    for pair in sorted(permutations(order, 2), key=by_rank):
        yield SharedCounts(
            split=pair[0],
            other=pair[1],
            num_images=totals[pair[0]],
            num_same_picture=pictures[pair],
            num_same_family=families[pair],
            num_same_group=groups[pair],
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
    for level in (LeakLevel.PICTURE, LeakLevel.FAMILY):
        for rows in levels[level].sets:
            names = sorted({name for row in rows for name in labels[row]})
            if len(names) > 1 and tuple(rows) not in known:
                known.add(tuple(rows))
                yield Conflict(
                    level=level, labels=tuple(names), rows=_ordered(rows, labels)
                )
