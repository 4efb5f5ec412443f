"""Say in a sentence what an audit found, and in another what it does to a score.

Knows a finished audit alone.
"""

from collections.abc import Iterator

from lcc.audit.leaks import GroupClaim, NeighbourScore, SharedCounts, SplitAudit
from lcc.audit.roles import role_in
from lcc.audit.rounds import OTHER_FOLDS, describe_images, describe_other
from lcc.audit.score import SIDE_PX


def describe_audit(audit: SplitAudit) -> tuple[str, ...]:
    """Return the sentences that come first in every report: what people will quote.

    Images that surely share tissue with what a model is trained on; what that does to
    the 1-nearest neighbour, where labels are known; groups that the split names.
    """
    return tuple(_sentences(audit))


def _sentences(audit: SplitAudit) -> Iterator[str]:
    folds = [one for one in audit.shared if one.other == OTHER_FOLDS]
    if audit.shared and audit.shared[0] in folds:
        yield _share(folds, "images", "another fold")
    elif audit.shared:
        shown = next((s for s in audit.shared if s.num_same_tissue), audit.shared[0])
        yield _share([shown], describe_images(shown.split), describe_other(shown.other))
    if audit.score is not None:
        yield _describe_score(audit.score, trained_on=_training(audit))
    for claim in audit.claims:
        yield _describe_claim(claim)


def _share(found: list[SharedCounts], images: str, other: str) -> str:
    total = sum(one.num_images for one in found)
    sure = sum(one.num_same_tissue for one in found)
    more = sum(one.num_same_group for one in found) - sure
    verb = "shows" if sure == 1 else "show"
    tail = f"; {more:,} more may" if more else ""
    return f"{sure:,} of {total:,} {images} {verb} tissue that {other} shows too{tail}."


def _training(audit: SplitAudit) -> str:
    shown = audit.shared[0]
    if shown.other == OTHER_FOLDS:
        return "the other folds"
    return describe_other(shown.other) if role_in(shown.other) else shown.other


def _describe_score(score: NeighbourScore, *, trained_on: str) -> str:
    leaked = _of(score.right_leaked, score.num_leaked)
    alone = score.right_alone / score.num_leaked
    clean = "none is clean"
    if score.num_clean:
        clean = f"{_of(score.right_clean, score.num_clean)} clean ones"
    return (
        f"1-nearest neighbour on {SIDE_PX} × {SIDE_PX} pixels of {trained_on}: "
        f"right on {leaked} leaked images, {alone:.1%} once their siblings are taken "
        f"out; {clean}."
    )


def _of(right: int, total: int) -> str:
    return f"{right / total:.1%} of {total:,}"


def _describe_claim(claim: GroupClaim) -> str:
    """Return what groups that a split names hold apart, and what they hold together."""
    text = (
        f"{claim.column}: {claim.num_groups:,} groups of {claim.num_images:,} images, "
        f"largest {claim.largest:,}; {claim.num_divided or 'none':} in several splits"
    )
    if not claim.num_pairs:
        return f"{text}."
    share = claim.num_held / claim.num_pairs
    shown = "less than 1%" if 0 < share < 0.01 else f"{share:.0%}"  # noqa: PLR2004
    return f"{text}. These groups hold {shown} of the siblings found."
