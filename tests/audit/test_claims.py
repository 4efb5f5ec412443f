"""Groups that a split names: kept apart between splits, and do they cover families?"""

from pathlib import Path

from lcc import audit_split
from lcc.audit.headline import describe_audit
from lcc.audit.leaks import AuditVerdict, LeakLevel, SplitAudit
from tests.builders.splits import a_csv, some_files

HEADER = ("path", "split", "patient", "slide_id")


def audited(folder: Path, rows: list[tuple[str, str, str, str]]) -> SplitAudit:
    return audit_split(a_csv(folder / "s.csv", rows, header=HEADER))


def test_a_named_group_in_two_splits_is_a_leak_of_its_own_kind(tmp_path: Path):
    some_files(tmp_path, {"a.png": 1, "b.png": 2, "c.png": 3})

    audit = audited(
        tmp_path,
        [
            ("a.png", "train", "P1", "S1"),
            ("b.png", "test", "P1", "S2"),
            ("c.png", "test", "P2", "S3"),
        ],
    )

    assert audit.verdict is AuditVerdict.LEAK
    assert [(leak.level, leak.name, leak.rows) for leak in audit.leaks] == [
        (LeakLevel.CLAIM, "patient P1", (0, 1))
    ]
    assert describe_audit(audit) == (
        "0 of 2 test images show tissue that the training set shows too.",
        "patient: 2 groups of 3 images, largest 2; 1 in several splits.",
        "slide_id: 3 groups of 3 images, largest 1; none in several splits.",
    )


def test_groups_are_asked_whether_they_hold_the_siblings_found(tmp_path: Path):
    some_files(tmp_path, {"a.png": 1, "b.png": 1, "c.png": 1, "d.png": 2})

    audit = audited(
        tmp_path,
        [
            ("a.png", "train", "P1", "S"),
            ("b.png", "train", "P1", "S"),
            ("c.png", "train", "P2", "S"),
            ("d.png", "test", "", ""),
        ],
    )

    patient, slide = audit.claims
    assert (patient.num_held, patient.num_pairs) == (1, 3)
    assert (slide.num_held, slide.num_pairs) == (3, 3)
    assert describe_audit(audit)[1] == (
        "patient: 2 groups of 3 images, largest 2; none in several splits. These "
        "groups hold 33% of the siblings found."
    )
    assert audit.verdict is AuditVerdict.CLEAN


def test_images_without_a_group_are_in_none(tmp_path: Path):
    some_files(tmp_path, {"a.png": 1, "b.png": 2})

    audit = audited(
        tmp_path, [("a.png", "train", "nan", ""), ("b.png", "test", "NaN", "S")]
    )

    assert audit.leaks == ()
    assert [claim.column for claim in audit.claims] == ["slide_id"]
