"""Audits of splits whose leaks are planted."""

from pathlib import Path

import numpy as np
import pytest

from lcc import audit_split
from lcc.audit.leaks import AuditVerdict, LeakLevel, SplitAudit
from lcc.config.data import DataSettings
from lcc.data.drawing import lay
from lcc.data.sample import draw_source, write_sample
from lcc.errors import ConfigError, DataError, NotFoundError
from tests.builders.pictures import a_file, a_picture
from tests.builders.splits import a_csv, some_files


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit") / "tiles"
    write_sample(folder, num_sources=3, num_copies=3, size_px=96)
    return folder


def paths_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def leaks_of(audit: SplitAudit) -> list[tuple[LeakLevel, list[str]]]:
    return [
        (leak.level, sorted(audit.images[row].path for row in leak.rows))
        for leak in audit.leaks
    ]


def of_folder(folder: Path, files: dict[str, int | bytes]) -> SplitAudit:
    return audit_split(some_files(folder, files))


def test_full_classes_in_splits_share_nothing(tmp_path: Path, tiles: Path):
    rows = [(p, "test" if p.startswith("lung_n") else "train") for p in paths_of(tiles)]

    audit = audit_split(a_csv(tmp_path / "s.csv", rows), tiles)

    assert (audit.verdict, audit.leaks, audit.conflicts) == (AuditVerdict.CLEAN, (), ())
    assert audit.counts == {"train": 22, "test": 11}


def test_a_random_split_of_families_is_counted_by_pairs(tmp_path: Path, tiles: Path):
    rows = [(p, ("train", "test")[n % 2]) for n, p in enumerate(paths_of(tiles))]

    audit = audit_split(a_csv(tmp_path / "s.csv", rows), tiles)

    assert audit.verdict is AuditVerdict.LEAK
    assert set(audit.leak_counts) >= {LeakLevel.FILE, LeakLevel.FAMILY}
    first = audit.shared[0]
    assert (first.split, first.other, first.num_images) == ("test", "train", 16)
    assert 0 < first.num_same_picture < first.num_same_family <= first.num_same_group


def test_each_leak_is_told_by_its_first_level(tmp_path: Path):
    one, two = a_picture(1), a_picture(2)
    audit = of_folder(
        tmp_path,
        {
            "train/same.png": a_file(one),
            "test/renamed.png": a_file(one),
            "train/saved.png": a_file(two),
            "test/saved.bmp": a_file(two, suffix=".bmp"),
            "test/own.png": 3,
        },
    )

    assert leaks_of(audit) == [
        (LeakLevel.FILE, ["test/renamed.png", "train/same.png"]),
        (LeakLevel.PICTURE, ["test/saved.bmp", "train/saved.png"]),
    ]


def test_neighbouring_fields_are_an_overlap_shown_by_the_pair_that_overlaps(
    tmp_path: Path,
):
    field = draw_source("lung_scc", size_px=320, seed=np.random.default_rng(0))
    left, right = field[:200, :200], field[:200, 120:]

    audit = of_folder(
        tmp_path,
        {
            "train/a.png": a_file(np.ascontiguousarray(left)),
            "train/b.png": 1,
            "test/c.png": a_file(np.ascontiguousarray(right)),
        },
    )

    assert leaks_of(audit) == [(LeakLevel.OVERLAP, ["test/c.png", "train/a.png"])]
    assert audit.shared[0].num_same_family == 0
    assert audit.shared[0].num_same_group == 1


def test_one_path_in_two_splits_is_a_leak(tmp_path: Path):
    some_files(tmp_path, {"a.png": 1, "b.png": 2})
    rows = [("a.png", "train"), ("a.png", "test"), ("b.png", "train")]

    audit = audit_split(a_csv(tmp_path / "s.csv", rows))

    assert leaks_of(audit) == [(LeakLevel.FILE, ["a.png", "a.png"])]


def test_one_picture_under_two_labels_is_a_conflict_and_no_leak(tmp_path: Path):
    files = {"train/cat/a.png": 1, "train/dog/b.png": 1, "test/cat/c.png": 2}

    audit = of_folder(tmp_path, files)

    assert audit.verdict is AuditVerdict.CLEAN
    assert [(found.level, found.labels) for found in audit.conflicts] == [
        (LeakLevel.PICTURE, ("cat", "dog"))
    ]


def test_unreadable_images_beyond_the_setting_leave_the_verdict_open(tmp_path: Path):
    files = {"train/a.png": 1, "train/b.png": b"", "test/c.png": 2, "train/d.png": b""}
    some_files(tmp_path, files)

    strict = audit_split(tmp_path)
    lenient = audit_split(tmp_path, settings=DataSettings(max_unreadable_fraction=0.5))

    assert (strict.verdict, lenient.verdict) == (
        AuditVerdict.UNCLEAR,
        AuditVerdict.CLEAN,
    )
    assert strict.unreadable == {2: "empty", 3: "empty"}


def test_copies_of_an_unreadable_file_are_a_leak_all_the_same(tmp_path: Path):
    animation = a_gif()

    audit = of_folder(
        tmp_path, {"train/a.gif": animation, "test/b.gif": animation, "test/c.png": 1}
    )

    assert set(audit.unreadable.values()) == {"animated"}
    assert leaks_of(audit) == [(LeakLevel.FILE, ["test/b.gif", "train/a.gif"])]


def a_gif() -> bytes:
    import io

    from PIL import Image

    frames = [Image.fromarray(a_picture(seed)) for seed in (1, 2)]
    content = io.BytesIO()
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:])
    return content.getvalue()


def test_ten_thousand_copies_of_one_image_are_one_leak(tmp_path: Path):
    some_files(tmp_path, {"a.png": 1})
    for number in range(10_000):
        (tmp_path / f"{number}.png").hardlink_to(tmp_path / "a.png")
    rows = [(f"{n}.png", ("train", "test")[n % 2]) for n in range(10_000)]

    audit = audit_split(a_csv(tmp_path / "s.csv", rows))

    assert [(leak.level, len(leak.rows)) for leak in audit.leaks] == [
        (LeakLevel.FILE, 10_000)
    ]
    assert audit.shared[0].num_same_picture == 5_000


def test_odd_pictures_crash_nothing(tmp_path: Path):
    shapes = [(16, 16), (1, 1), (3000, 2), (2, 3000)]
    odd = {f"{h}x{w}": a_file(np.zeros((h, w, 3), np.uint8)) for h, w in shapes}
    blank = a_file(np.full((64, 64, 3), 255, np.uint8))

    audit = of_folder(
        tmp_path,
        {f"train/{name}.png": content for name, content in odd.items()}
        | {"train/blank.png": blank, "test/a.png": 1, "test/b.png": 2},
    )

    assert audit.verdict is AuditVerdict.CLEAN


def test_a_split_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(NotFoundError) as caught:
        audit_split(tmp_path / "none.csv")

    assert str(caught.value) == (
        f"{tmp_path / 'none.csv'}: not found. Name a CSV with the columns path and "
        "split, lists such as train.csv and test.csv, or a folder with train/ and "
        "test/."
    )


def test_a_folder_of_images_needs_no_other_folder(tmp_path: Path):
    some_files(tmp_path, {"train/a.png": 1, "test/b.png": 2})

    with pytest.raises(ConfigError, match="images: must go with lists"):
        audit_split(tmp_path, tmp_path)


def test_a_leak_of_near_copies_lays_one_image_on_the_other(tmp_path: Path):
    source = draw_source("lung_aca", size_px=160, seed=np.random.default_rng(1))
    turned = np.ascontiguousarray(np.rot90(source[:, ::-1])[:140, :140])
    files: dict[str, int | bytes] = {
        "test/b.png": a_file(turned),
        "train/a.png": a_file(source),
        "train/c.png": 1,
    }

    audit = of_folder(tmp_path, files)

    (leak,) = audit.leaks
    assert leak.proof is not None
    assert [
        audit.images[row].path for row in (leak.proof.first, leak.proof.second)
    ] == [
        "train/a.png",
        "test/b.png",
    ]
    transform = np.vstack([np.reshape(leak.proof.matrix, (2, 3)), (0, 0, 1)])
    laid = lay(turned, transform, size_px=160)
    assert (
        np.corrcoef(laid[24:-24, 24:-24].ravel(), source[24:-24, 24:-24].ravel())[0, 1]
        > 0.95
    )
    assert "mirrored" in leak.proof.text
    assert "points agree" in leak.proof.text


def test_identical_files_need_no_proof(tmp_path: Path):
    audit = of_folder(tmp_path, {"train/a.png": 1, "test/b.png": 1})

    assert [leak.proof for leak in audit.leaks] == [None]


def test_several_draws_are_no_single_split(tmp_path: Path):
    some_files(tmp_path, {"a.png": 1, "b.png": 2})
    rows = [("a.png", "train", "test"), ("b.png", "test", "train")]
    file = a_csv(tmp_path / "s.csv", rows, header=("path", "split_0", "split_1"))

    with pytest.raises(
        DataError, match=r"split: must be one, got 2: s.csv, split_0, s"
    ):
        audit_split(file)
