"""What becomes of each file."""

import pytest

from lcc.data.catalogue import ImageStatus
from lcc.prepare.statuses import judge_files


def judge(*files: tuple[str | None, str | None, str | None, str]) -> list[tuple]:
    """Judge files of (sha256, pixel_sha256, reason, label)."""
    sha256, pixels, reasons, labels = zip(*files, strict=True)
    facts = {"sha256": sha256, "pixel_sha256": pixels, "reason": reasons}
    facts["conversions"] = ["grey" if p == "G" else None for p in pixels]
    return [(v.status, v.reason, v.first) for v in judge_files(facts, labels)]


def test_different_pictures_are_kept():
    assert judge(("1", "A", None, "x"), ("2", "B", None, "x")) == [
        (ImageStatus.KEPT, None, 0),
        (ImageStatus.KEPT, None, 1),
    ]


@pytest.mark.parametrize(
    ("sha256", "reason"),
    [
        pytest.param("1", "same_bytes", id="copied"),
        pytest.param("2", "same_pixels", id="re-saved"),
    ],
)
def test_the_first_of_equal_pictures_is_kept(sha256, reason):
    assert judge(("1", "A", None, "x"), (sha256, "A", None, "x")) == [
        (ImageStatus.KEPT, None, 0),
        (ImageStatus.DUPLICATE, reason, 0),
    ]


def test_copies_under_two_labels_are_all_in_conflict():
    found = judge(("1", "A", None, "x"), ("1", "A", None, "y"), ("2", "A", None, "x"))

    assert found == [(ImageStatus.CONFLICT, "same_pixels_other_label", 0)] * 3


def test_unreadable_files_keep_their_reason():
    assert (
        judge(("1", None, "empty", "x"), ("1", None, "empty", "y"))
        == [(ImageStatus.UNREADABLE, "empty", -1)] * 2
    )


def test_a_kept_file_says_what_was_converted():
    assert judge(("1", "G", None, "x")) == [(ImageStatus.KEPT, "grey", 0)]
