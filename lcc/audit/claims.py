"""Hold the groups that a split names against its splits, and against what was found.

Knows names of columns and groups, and sets of images by position.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from lcc.audit.leaks import GroupClaim, Leak, LeakLevel
from lcc.audit.levels import order_rows
from lcc.audit.user_split import SplitImage

Members = Mapping[str, Mapping[str, Sequence[int]]]  # column → group → images


def find_members(images: Sequence[SplitImage]) -> Members:
    """Return the images of each group that the split names, by column."""
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, image in enumerate(images):
        for column, group in image.groups:
            found[column][group].append(row)
    return found


def find_divided(claims: Members, splits: Sequence[str]) -> Iterator[Leak]:
    """Yield each named group that stands in several splits: a leak of its own kind."""
    for column, groups in claims.items():
        for group, rows in groups.items():
            if len({splits[row] for row in rows}) > 1:
                yield Leak(
                    level=LeakLevel.CLAIM,
                    rows=order_rows(rows, splits),
                    name=f"{column} {group}",
                )


def judge_claims(
    claims: Members, splits: Sequence[str], families: Sequence[Sequence[int]]
) -> Iterator[GroupClaim]:
    """Yield what each column of groups holds together, of what belongs together.

    Args:
        claims: What `find_members` returned.
        splits: Split of each image.
        families: Images of each family that was found, copies included.
    """
    for column, groups in claims.items():
        group_of = {row: group for group, rows in groups.items() for row in rows}
        held = (
            _pairs(count)
            for rows in families
            for count in Counter(group_of[r] for r in rows if r in group_of).values()
        )
        yield GroupClaim(
            column=column,
            num_images=len(group_of),
            num_groups=len(groups),
            largest=max(map(len, groups.values())),
            num_divided=sum(
                len({splits[row] for row in rows}) > 1 for rows in groups.values()
            ),
            num_pairs=sum(_pairs(len(rows)) for rows in families),
            num_held=sum(held),
        )


def _pairs(count: int) -> int:
    return count * (count - 1) // 2
