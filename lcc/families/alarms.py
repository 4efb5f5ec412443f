"""Find families and groups that are suspiciously large.

Knows numbers of pictures only. An alarm asks for a look; it changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lcc.data.catalogue import Codes

TIMES = 3.0  # beyond what is usual
TAIL_PERCENT = 99.0  # what this share of the families stays under is usual
MIN_SIZE = 10  # fewer pictures are seen at a glance


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One family or group that is suspiciously large.

    Attributes:
        kind: "family" or "group".
        code: Its number.
        member: Row of its first picture.
        size: Distinct pictures in it.
        limit: What would have been plausible.
    """

    kind: str
    code: int
    member: int
    size: int
    limit: int

    def __str__(self) -> str:
        """Return the alarm as a sentence."""
        return (
            f"{self.kind} {self.code}: holds {self.size:,} pictures, more than the "
            f"{self.limit:,} that the others make plausible. Look at it before you "
            "believe it."
        )


def find_alarms(family: Codes, group: Codes, *, max_fraction: float) -> list[Alarm]:
    """Return families, then groups, that are larger than plausible.

    Larger than three times the median, and than the smaller of a share of all pictures
    and three times what 99 of 100 others stay under. A group that is one family is
    named as a family.

    Args:
        family: (n,) codes.
        group: (n,) codes; a family lies in one group.
        max_fraction: The share.
    """
    families = list(_larger("family", family, max_fraction))
    known = {(alarm.member, alarm.size) for alarm in families}
    groups = _larger("group", group, max_fraction)
    return [*families, *(a for a in groups if (a.member, a.size) not in known)]


def _larger(kind: str, codes: Codes, max_fraction: float) -> Iterator[Alarm]:
    found, first, sizes = np.unique(codes, return_index=True, return_counts=True)
    if not len(found):
        return
    tail = TIMES * float(np.percentile(sizes, TAIL_PERCENT))
    share = max_fraction * len(codes)
    limit = max(TIMES * float(np.median(sizes)), min(share, tail), MIN_SIZE)
    for n in np.flatnonzero(sizes > limit).tolist():
        yield Alarm(
            kind=kind,
            code=int(found[n]),
            member=int(first[n]),
            size=int(sizes[n]),
            limit=int(limit),
        )
