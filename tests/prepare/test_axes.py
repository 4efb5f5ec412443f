"""Axes: what a user knows of each image, and what settings make of it."""

from pathlib import Path

import pytest

from lcc.errors import DataError
from lcc.prepare.axes import Axes, check_axes, read_axes
from tests.builders.preparation import a_task

PATHS = ["lung_aca/1.png", "lung_n/2.png", "lung_n/3.png"]
TABLE = (
    "path,patient,slide,site\n"
    "lung_aca/1.png,p1,s1,Bern\nlung_n/2.png,p1,s2,Bern\nlung_n/3.png,p2,s3,Basel\n"
)


def axes_of(tmp_path: Path, text: str | None, **data: object) -> Axes:
    file = tmp_path / "known.csv"
    if text is not None:
        file.write_text(text, encoding="utf-8")
        data["groups_csv"] = str(file)
    task = a_task(tmp_path, tmp_path, **data)
    return read_axes(task, PATHS, readable=[0, 1, 2])


def faults_of(tmp_path: Path, text: str | None, **data: object) -> list[str]:
    with pytest.raises(DataError) as caught:
        axes_of(tmp_path, text, **data)
    return str(caught.value).splitlines()


def test_every_column_is_kept_and_those_that_settings_name_count(tmp_path: Path):
    axes = axes_of(
        tmp_path,
        TABLE,
        never_split=["Patient", "family"],
        balance_over=["site"],
    )

    assert axes.values["slide"] == ["s1", "s2", "s3"]
    assert axes.never_split == ("patient",)
    assert axes.balance_over == ("site",)
    assert axes.named == ("patient", "site")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("path,patient,site", ("patient",), id="the usual one of two"),
        pytest.param("path,group,patient", ("group",), id="its own name first"),
        pytest.param("image,Case ID,stain", ("Case ID",), id="another spelling"),
    ],
)
def test_one_usual_column_is_never_split_unasked(tmp_path: Path, header, expected):
    rows = "".join(f"\n{path},{n},{n}" for n, path in enumerate(PATHS))

    assert axes_of(tmp_path, header + rows).never_split == expected


def test_a_column_that_a_setting_uses_is_no_forgotten_group(tmp_path: Path):
    text = "path,site\n" + "".join(f"{p},{n}\n" for n, p in enumerate(PATHS))

    assert axes_of(tmp_path, text, balance_over=["site"]).never_split == ()


def test_paths_and_a_csv_may_bring_columns_together(tmp_path: Path):
    text = "path,site\n" + "".join(f"{p},{p[5]}\n" for p in PATHS)

    axes = axes_of(
        tmp_path,
        text,
        columns_from_path="{patient}/*.png",
        leave_out="site",
        test_value="a",
    )

    assert axes.values["patient"] == ["lung_aca", "lung_n", "lung_n"]
    assert axes.never_split == ("patient",)


def test_columns_of_a_path_may_be_no_groups_at_all(tmp_path: Path):
    axes = axes_of(tmp_path, None, columns_from_path="{tissue}/{tile}.png")

    assert axes.never_split == ()
    assert axes.values["tile"] == ["1", "2", "3"]


def test_nothing_is_asked_of_files_that_are_no_images(tmp_path: Path):
    task = a_task(tmp_path, tmp_path, columns_from_path="lung_n/{patient}.png")

    axes = read_axes(task, PATHS, readable=[1, 2])

    assert axes.values["patient"] == [None, "2", "3"]


def test_files_of_which_nothing_is_known_may_be_no_images(tmp_path: Path):
    few = a_task(tmp_path, tmp_path, columns_from_path="lung_n/{patient}.png")
    some = a_task(
        tmp_path,
        tmp_path,
        columns_from_path="lung_n/{patient}.png",
        max_unreadable_fraction=0.4,
    )

    check_axes(some, PATHS)
    with pytest.raises(DataError, match="got 1 of 3 that"):
        check_axes(few, PATHS)


def test_an_empty_cell_of_a_column_that_nobody_named_is_allowed(tmp_path: Path):
    text = TABLE.replace("p1,s1,Bern", "p1,,Bern")

    axes = axes_of(tmp_path, text, never_split=["patient", "family"])

    assert axes.values["slide"][0] == ""


@pytest.mark.parametrize(
    ("text", "data", "fault"),
    [
        pytest.param(
            TABLE,
            {},
            "data.never_split: must say which of patient, slide stay in one split, got "
            "nothing. Set it, e.g. [patient, family], or [family] for none.",
            id="two usual columns",
        ),
        pytest.param(
            TABLE.replace("patient,slide", "person,glass"),
            {"balance_over": ["site"]},
            "data.never_split: must say which of person, glass stay in one split, got "
            "nothing. Set it, e.g. [person, family], or [family] for none.",
            id="columns that nobody named",
        ),
        pytest.param(
            TABLE,
            {"never_split": ["patien", "family"]},
            "data.never_split: must name a column of the images (patient, slide, "
            "site), got patien. Did you mean patient?",
            id="mistyped",
        ),
        pytest.param(
            TABLE,
            {"never_split": ["family"], "leave_out": "site", "test_value": "Base"},
            "data.test_value: must be a value of site (Basel, Bern), got Base. Did you "
            "mean Basel?",
            id="no such value",
        ),
        pytest.param(
            TABLE.replace("Basel", "Bern"),
            {"never_split": ["family"], "leave_out": "site", "test_value": "Bern"},
            "data.leave_out: site must have at least two values, got Bern alone. Name "
            "another column.",
            id="one value",
        ),
        pytest.param(
            TABLE.replace("patient", "family"),
            {"never_split": ["family"]},
            "data.groups_csv: no column may be called family, the word for what is "
            "found, got one. Rename it.",
            id="family",
        ),
        pytest.param(
            TABLE,
            {"never_split": ["family"], "columns_from_path": "{site}/*.png"},
            "data.columns_from_path: must not name a column of data.groups_csv, got "
            "site. Rename one.",
            id="brought twice",
        ),
    ],
)
def test_a_fault_is_told_with_its_remedy(tmp_path: Path, text, data, fault):
    assert faults_of(tmp_path, text, **data) == [fault]


def test_all_faults_are_told_at_once(tmp_path: Path):
    text = TABLE.replace("p2,s3", ",s3").replace("lung_aca/1", "lung_aca/7")

    faults = faults_of(
        tmp_path,
        text,
        never_split=["patient", "family"],
        balance_over=["scaner"],
        columns_from_path="lung_n/{tile}.png",
    )

    assert faults == [
        "data.groups_csv: must have a row for every image, got none for 1 of 3 "
        "(lung_aca/1.png). Paths are relative to data.source. Nearest path in the "
        "file: lung_aca/7.png.",
        "data.columns_from_path: must match every path below data.source, got 1 of 3 "
        "that lung_n/{tile}.png does not match (lung_aca/1.png). Write **/ in front of "
        "it for any folders.",
        "data.balance_over: must name a column of the images (tile, patient, slide, "
        "site), got scaner. Correct it.",
        "data.groups_csv: must give every image a patient, got an empty cell for 1 "
        "(lung_n/3.png). Fill the column.",
    ]
