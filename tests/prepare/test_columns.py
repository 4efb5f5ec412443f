"""Columns that a user brings."""

import re
from pathlib import Path

import pytest

from lcc.data.table import read_all_columns
from lcc.errors import DataError
from lcc.prepare.columns import (
    Columns,
    group_columns,
    match_rows,
    path_columns,
    user_split,
)
from tests.builders.preparation import a_task

PATHS = ("lung_aca/1.png", "lung_aca/2.png", "lung_n/1.png")


def columns_of(tmp_path: Path, text: str, *paths: str) -> Columns:
    file = tmp_path / "own.csv"
    file.write_text(text, encoding="utf-8")
    table = read_all_columns(file, field="data.groups_csv")
    names = [name for name in table.columns if name != "path"]
    return match_rows(table.rows, names, paths, field="data.groups_csv")


def split_of(tmp_path: Path, text: str, *paths: str) -> list[str]:
    file = tmp_path / "split.csv"
    file.write_text(text, encoding="utf-8")
    return user_split(a_task(tmp_path, tmp_path, split_csv=str(file)), paths)[0]


def test_every_column_beside_the_path_is_read(tmp_path: Path):
    text = "Patient ID;site;file_name;\np7; Bern ;lung_n/1.png;1\n"

    found = columns_of(tmp_path, text, "lung_n/1.png")

    assert found.values == {"Patient ID": ["p7"], "site": ["Bern"]}
    assert found.faults == ()


def test_two_columns_of_one_name_are_refused(tmp_path: Path):
    with pytest.raises(DataError) as caught:
        columns_of(tmp_path, "path,site,site\na,A,B\n")

    assert str(caught.value) == (
        "data.groups_csv: must not repeat a column, got site again. Rename one."
    )


def test_paths_may_hold_commas_quotes_and_newlines(tmp_path: Path):
    text = 'split,path,note\r\ntrain,"a/x, ""y"".png",1\r\n test ,"a/b\nc.png",2\r\n'

    found = split_of(tmp_path, text, 'a/x, "y".png', "a/b\nc.png")

    assert found == ["train", "test"]


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path):
    assert split_of(tmp_path, "\ufeffpath,split\na,test\n", "a") == ["test"]


def test_a_missing_column_is_named(tmp_path: Path):
    with pytest.raises(DataError) as caught:
        split_of(tmp_path, "note,split\na,test\n")

    assert str(caught.value) == (
        "data.split_csv: must have a column path (paths, file, files, filename …), got "
        "note, split. Add path."
    )


def test_paths_may_be_in_either_form(tmp_path: Path):
    assert split_of(tmp_path, "path,split\na\\b.png,train\n", "a\\x5cb.png") == [
        "train"
    ]


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(("1.png", "2.png"), id="bare names"),
        pytest.param(("lung_aca/1", "lung_aca/2"), id="without their ending"),
        pytest.param(
            (r"D:\tiles\lung_aca\1.png", r"D:\tiles\lung_aca\2.png"),
            id="of another machine",
        ),
        pytest.param(("/data/lung_aca/1.png", "/data/lung_aca/2.png"), id="absolute"),
        pytest.param(("lung_aca/1.png", "2.png"), id="some exact, some bare"),
    ],
)
def test_paths_may_begin_elsewhere(tmp_path: Path, cells: tuple[str, str]):
    text = f"path,patient\n{cells[0]},p1\n{cells[1]},p2\nlung_n/9.png,p3\n"

    found = columns_of(tmp_path, text, "lung_aca/1.png", "lung_aca/2.png")

    assert found.values == {"patient": ["p1", "p2"]}
    assert found.faults == ()
    assert re.fullmatch(
        r"data.groups_csv: [12] paths were read by their ends, .+ as lung_aca/\d.png\.",
        *found.notes,
    )


def test_a_path_that_fits_several_images_is_refused(tmp_path: Path):
    found = columns_of(tmp_path, "path,patient\n1.png,p1\n", "a/1.png", "b/1.png")

    assert found.faults[0] == (
        "data.groups_csv: each path must be one image, got 1 that are not: 1.png fits "
        "a/1.png, b/1.png. Write paths relative to data.source."
    )


def test_an_image_that_two_rows_fit_is_refused(tmp_path: Path):
    text = "path,patient\n1.png,p1\n1,p2\n"

    found = columns_of(tmp_path, text, "a/1.png")

    assert "a/1.png fits 1.png and 1." in found.faults[0]


def test_rows_of_other_images_are_not_bent_to_fit(tmp_path: Path):
    text = "path,patient\nlung_n/1.png,p1\ncolon_n/2.png,p2\n"

    found = columns_of(tmp_path, text, "lung_n/1.png", "lung_n/2.png")

    assert found.values == {"patient": ["p1", None]}
    assert len(found.faults) == 1


def test_all_faults_of_a_split_are_told_at_once(tmp_path: Path):
    text = (
        "path,split\nlung_aca/1.png,train\nlung_aca/1.png,test\nlung_aca/2.png,\n"
        "elsewhere/9.png,train\n"
    )

    with pytest.raises(DataError) as caught:
        split_of(tmp_path, text, *PATHS)

    assert str(caught.value).splitlines() == [
        "data.split_csv: must give each path one split, got train and test for "
        "lung_aca/1.png. Remove one.",
        "data.split_csv: must have a row for every image, got none for 1 of 3 "
        "(lung_n/1.png). Paths are relative to data.source. Nearest path in the file: "
        "lung_aca/1.png.",
        "data.split_csv: must give every image a split, got an empty cell for 1 "
        "(lung_aca/2.png). Fill the column.",
    ]


@pytest.mark.parametrize(
    ("pattern", "path", "columns"),
    [
        pytest.param(
            "{site}/{patient}/{slide}_{x}_{y}.png",
            "Bern/p7/s_1_b_512_0.png",
            {"site": "Bern", "patient": "p7", "slide": "s_1_b", "x": "512", "y": "0"},
            id="folders and coordinates",
        ),
        pytest.param(
            "{biopsy}_{tumour}_{type}-{year}-{patient}-{magnification}-{image}.png",
            "BreaKHis_v1/histology_slides/breast/malignant/SOB/lobular_carcinoma/"
            "SOB_M_LC_14-13412/400X/SOB_M_LC-14-13412-400-020.png",
            {
                "biopsy": "SOB",
                "tumour": "M",
                "type": "LC",
                "year": "14",
                "patient": "13412",
                "magnification": "400",
                "image": "020",
            },
            id="BreakHis",
        ),
        pytest.param(
            "{biopsy}_{tumour}_{patient}-{magnification}-{image}.png",
            "SOB_B_TA-14-16184CD-40-012.png",
            {
                "biopsy": "SOB",
                "tumour": "B",
                "patient": "TA-14-16184CD",
                "magnification": "40",
                "image": "012",
            },
            id="a column that holds what parts the others",
        ),
        pytest.param(
            "{set}/{tissue}/*.tif",
            "CRC-VAL-HE-7K/ADI/ADI-TCGA-AAICEQFN.tif",
            {"set": "CRC-VAL-HE-7K", "tissue": "ADI"},
            id="NCT-CRC-HE, both sets",
        ),
        pytest.param(
            "{tissue}-{tile}.tif",
            "NCT-CRC-HE-100K/ADI/ADI-AAAMHQMK.tif",
            {"tissue": "ADI", "tile": "AAAMHQMK"},
            id="NCT-CRC-HE, by name",
        ),
        pytest.param(
            "{wsi}_{patch}.png",
            "tumor/camelyon16_train_tumor_033_1234.png",
            {"wsi": "camelyon16_train_tumor_033", "patch": "1234"},
            id="PatchCamelyon, named by slide",
        ),
        pytest.param(
            "**/patch_patient_{patient}_node_{node}_x_*_y_*.png",
            "patches/patient_004_node_4/patch_patient_004_node_4_x_3328_y_21792.png",
            {"patient": "004", "node": "4"},
            id="CAMELYON17 patches",
        ),
        pytest.param(
            "**/patient_{patient}_node_*/patch_patient_{patient}_node_*.png",
            "patches/patient_004_node_4/patch_patient_004_node_4_x_3328_y_21792.png",
            {"patient": "004"},
            id="a column that stands twice",
        ),
    ],
)
def test_published_layouts_are_read_by_a_pattern(pattern, path, columns):
    found = path_columns(pattern, [path])

    assert {name: values[0] for name, values in found.values.items()} == columns
    assert found.faults == ()


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        pytest.param("{site}/{tile}.png", "a/b/c.png", id="a folder too many"),
        pytest.param("{site}/{tile}.png", "c.png", id="a folder too few"),
        pytest.param("{patient}_*.png", "p1_1.jpeg", id="another suffix"),
        pytest.param("{a}/{a}_*.png", "p1/p2_1.png", id="two texts for one column"),
        pytest.param("{{{a}}}.png", "b.png", id="a brace that is not there"),
    ],
)
def test_a_path_of_another_form_has_no_columns(pattern, path):
    found = path_columns(pattern, [path])

    assert [*found.values.values()] == [[None]] * len(found.values)
    assert len(found.faults) == 1


def test_paths_that_do_not_match_are_counted_once():
    paths = [f"n/{number}.png" for number in range(7)]

    found = path_columns("{site}/{patient}/*.png", ["A/p1/1.png", *paths])

    assert found.faults == (
        "data.columns_from_path: must match every path below data.source, got 7 of 8 "
        "that {site}/{patient}/*.png does not match (n/0.png, n/1.png, n/2.png, "
        "n/3.png, n/4.png and 2 more). Write **/ in front of it for any folders.",
    )


@pytest.mark.parametrize("setting", ["groups_csv", "split_csv"])
def test_a_table_that_is_not_utf_8_is_read_with_a_note(tmp_path: Path, setting: str):
    file = tmp_path / "own.csv"
    file.write_bytes("path,split,site\na.png,train,Zürich\n".encode("cp1252"))
    task = a_task(tmp_path, tmp_path, **{setting: str(file)})

    if setting == "groups_csv":
        found = group_columns(task, ["a.png"])
        assert found.values["site"] == ["Zürich"]
        notes = found.notes
    else:
        _, notes = user_split(task, ["a.png"])

    assert notes == (
        f"data.{setting}: Read as Windows-1252, not UTF-8: line 2. Other letters than "
        "those of western Europe would be wrong.",
    )
