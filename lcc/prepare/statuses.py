"""Decide what becomes of each file, from its digests and labels alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lcc.data.catalogue import ImageStatus

SAME_BYTES, SAME_PIXELS = "same_bytes", "same_pixels"
OTHER_LABEL = "same_pixels_other_label"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """What becomes of one file, and why.

    Attributes:
        status: What becomes of it.
        reason: Why it is not kept, or what was converted; none otherwise.
        first: Row of the first file with the same pixels, itself where there is none
            before; -1 for an unreadable file.
    """

    status: ImageStatus
    reason: str | None
    first: int


def judge_files(
    facts: Mapping[str, Sequence[str | None]], labels: Sequence[str]
) -> list[FileVerdict]:
    """Return a verdict on each file; the first of equal pixels is the one kept.

    Args:
        facts: Columns sha256, pixel_sha256, reason, conversions; rows in path order.
        labels: Class of each file.
    """
    same: dict[str, list[int]] = defaultdict(list)
    for row, pixels in enumerate(facts["pixel_sha256"]):
        if pixels is not None:
            same[pixels].append(row)
    verdicts = [
        FileVerdict(status=ImageStatus.UNREADABLE, reason=reason, first=-1)
        for reason in facts["reason"]
    ]
    for rows in same.values():
        in_conflict = len({labels[row] for row in rows}) > 1
        for row in rows:
            verdicts[row] = _verdict(row, rows[0], facts, in_conflict=in_conflict)
    return verdicts


def _verdict(
    row: int,
    first: int,
    facts: Mapping[str, Sequence[str | None]],
    *,
    in_conflict: bool,
) -> FileVerdict:
    if in_conflict:
        return FileVerdict(status=ImageStatus.CONFLICT, reason=OTHER_LABEL, first=first)
    if row == first:
        return FileVerdict(
            status=ImageStatus.KEPT, reason=facts["conversions"][row], first=first
        )
    equal = facts["sha256"][row] == facts["sha256"][first]
    reason = SAME_BYTES if equal else SAME_PIXELS
    return FileVerdict(status=ImageStatus.DUPLICATE, reason=reason, first=first)
