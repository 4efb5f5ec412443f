"""Axes and given splits, from files to a catalogue with its proof."""

from collections import defaultdict
from pathlib import Path

import pytest

from lcc.data.catalogue import read_catalogue
from lcc.errors import DataError
from lcc.prepare.steps import list_images
from tests.builders.hospitals import PATTERN, a_hospital_folder
from tests.builders.pictures import a_file, a_picture
from tests.builders.preparation import a_task, prepare


def kept(built) -> list[dict]:
    return [row for row in built.catalogue.table.to_pylist() if row["status"] == "kept"]


def values_by(rows: list[dict], key: str, value: str) -> dict[object, set]:
    found = defaultdict(set)
    for row in rows:
        found[row[key]].add(row[value])
    return dict(found)


def test_axes_of_the_path_are_kept_whole_and_balanced_and_proven(tmp_path: Path):
    folder = a_hospital_folder(tmp_path / "tiles")
    task = a_task(
        tmp_path,
        folder,
        columns_from_path=PATTERN,
        never_split=["patient", "family"],
        balance_over=["site"],
    )

    built = prepare(task)

    rows = kept(built)
    assert all(len(v) == 1 for v in values_by(rows, "axis_patient", "split").values())
    assert all(len(v) == 1 for v in values_by(rows, "axis_patient", "group").values())
    assert set(map(len, values_by(rows, "split", "axis_site").values())) == {3}
    assert built.validation["rules"] == {
        "never_split": ["family", "patient"],
        "balance_over": ["site"],
        "leave_out": None,
        "test_value": None,
    }
    assert built.validation["notes"][:2] == [
        "Never split: family, patient.",
        "Each site has its share in every split and fold, as groups permit.",
    ]
    names = [check["name"] for check in built.validation["checks"]]
    assert "each patient lies in one split" in names
    assert "each site has its share in every fold, as far as groups permit" in names
    again = read_catalogue(task.store, name="tiles")
    assert sorted(again.axes) == ["patient", "site", "slide", "tile"]
    assert set(again.axes["site"]) == {"A", "B", "C"}


def test_a_mistyped_column_is_told_before_images_are_read(tmp_path: Path):
    folder = a_hospital_folder(tmp_path / "tiles")

    with pytest.raises(DataError, match=r"got sites\. Did you mean site\?"):
        list_images(
            a_task(
                tmp_path, folder, columns_from_path=PATTERN, balance_over=["sites"],
                never_split=["patient", "family"],
            )
        )  # fmt: skip


def test_axes_make_another_catalogue(tmp_path: Path):
    folder = a_hospital_folder(tmp_path / "tiles")
    plain = prepare(a_task(tmp_path, folder))

    known = prepare(
        a_task(tmp_path, folder, columns_from_path="*/*_*_*_{tile}.png", run_id="p-2")
    )

    assert known.catalogue.digest != plain.catalogue.digest
    assert known.catalogue.groups.tolist() == plain.catalogue.groups.tolist()


def test_one_site_is_the_test_and_nothing_else(tmp_path: Path):
    folder = a_hospital_folder(tmp_path / "tiles")
    options = {"columns_from_path": PATTERN, "never_split": ["patient", "family"]}

    built = prepare(
        a_task(tmp_path, folder, leave_out="site", test_value="B", **options)
    )

    sites = values_by(kept(built), "split", "axis_site")
    assert sites["test"] == {"B"}
    assert sites["train"] | sites["validation"] == {"A", "C"}
    assert built.validation["images_by_axis"]["site"]["B"] == {"test": 16}
    assert "The test is site B, left out." in built.validation["notes"]


def test_a_patient_of_two_sites_cannot_be_left_out(tmp_path: Path):
    folder = a_hospital_folder(tmp_path / "tiles")
    (folder / "lung_n/B_n0_s0_0.png").write_bytes(a_file(a_picture(99_999)))

    with pytest.raises(DataError) as caught:
        prepare(
            a_task(
                tmp_path,
                folder,
                columns_from_path=PATTERN,
                never_split=["patient", "family"],
                leave_out="site",
                test_value="B",
            )
        )

    assert str(caught.value) == (
        "data.leave_out: a group must lie in one site, got 1 that do not "
        "(lung_n/B_n0_s0_0.png and lung_n/A_n0_s0_0.png). They show one tissue, or "
        "share a value of data.never_split: take the images of one side out, or leave "
        "out another column."
    )


def test_all_turns_are_tried_before_the_first(tmp_path: Path):
    folder = a_hospital_folder(tmp_path / "tiles")
    for site, patient in (("B", 0), ("C", 1)):
        name = f"lung_n/{site}_n{patient}_s0_0.png"
        (folder / name).write_bytes(a_file(a_picture(90_000 + patient)))
    options = {"columns_from_path": PATTERN, "never_split": ["patient", "family"]}

    with pytest.raises(DataError) as caught:
        prepare(a_task(tmp_path, folder, leave_out="site", **options))

    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "site A left out",
        "site B left out",
        "site C left out",
    ]


def test_turns_that_all_can_be_taken_begin_with_the_first(tmp_path: Path):
    folder = a_hospital_folder(tmp_path / "tiles")

    built = prepare(
        a_task(tmp_path, folder, leave_out="site", columns_from_path=PATTERN,
               never_split=["patient", "family"])
    )  # fmt: skip

    assert built.validation["rules"]["test_value"] == "A"
    assert list(built.validation["images_by_axis"]["site"]) == ["A", "B", "C"]
    assert "Each site can be the test in turn" in built.validation["notes"][-2]


def a_split_csv(folder: Path, *names: str) -> str:
    """Write a split that has the names in turn, four images each."""
    paths = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png"))
    file = folder.parent / "split.csv"
    lines = [f"{path},{names[i // 4 % len(names)]}" for i, path in enumerate(paths)]
    file.write_text("\n".join(["path,split", *lines]), encoding="utf-8")
    return str(file)


def test_usual_names_of_splits_are_read_and_said(tmp_path: Path):
    folder = a_hospital_folder(tmp_path / "tiles")
    file = a_split_csv(folder, "Training", "train", "val", "test")

    built = prepare(a_task(tmp_path, folder, split_csv=file))

    rows = kept(built)
    assert {row["split"] for row in rows} == {"train", "validation", "test"}
    *notes, planted = built.validation["notes"]
    assert "planted copies went unseen" in planted
    assert notes == [
        "data.split_csv: Training was read as train.",
        "data.split_csv: val was read as validation.",
    ]


def test_validation_is_dealt_inside_train_where_a_split_has_none(tmp_path: Path):
    folder = a_hospital_folder(tmp_path / "tiles")
    file = a_split_csv(folder, "train", "train", "test")
    plain = (folder.parent / "split.csv").read_text().splitlines()[1:]
    given = dict(line.split(",") for line in plain)

    built = prepare(a_task(tmp_path, folder, split_csv=file))

    rows = kept(built)
    assert {row["split"] for row in rows} == {"train", "validation", "test"}
    for row in rows:
        assert (row["split"] == "test") == (given[row["path"]] == "test")
    *notes, planted = built.validation["notes"]
    assert "planted copies went unseen" in planted
    assert notes == [
        "data.split_csv has no validation split: dealt inside train, by group."
    ]


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        pytest.param(
            ("train", "validaton", "test"),
            "data.split_csv: split must be one of train, validation, test, or another "
            "usual name such as val, got validaton. Correct it. Did you mean "
            "validation?",
            id="mistyped",
        ),
        pytest.param(
            ("train", "val"),
            "data.split_csv: must have a test split, got train, val. Add it.",
            id="no test",
        ),
    ],
)
def test_a_split_that_is_none_is_told(tmp_path: Path, names, fault):
    folder = a_hospital_folder(tmp_path / "tiles")

    with pytest.raises(DataError) as caught:
        prepare(a_task(tmp_path, folder, split_csv=a_split_csv(folder, *names)))

    assert str(caught.value) == fault
