"""CSVs as users have them."""

from pathlib import Path

import pytest

from lcc.data.table import CsvTable, read_cells, read_table
from lcc.errors import DataError

ROWS = ("a.png", "train"), ("b.png", "test")


def table(tmp_path: Path, content: str | bytes) -> CsvTable:
    file = tmp_path / "own.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(
        file, field="own.csv", needed=("path", "split"), optional=("label",)
    )


def values(found: CsvTable) -> tuple[tuple[str, str], ...]:
    return tuple((row.cells["path"], row.cells["split"]) for row in found.rows)


@pytest.mark.parametrize(
    "header",
    [
        "path,split",
        "filename,set",
        "File_Name,Subset",
        "IMAGE PATH,Partition",
        "img,fold",
        "filepath,dataset",
    ],
)
def test_columns_go_by_their_usual_names(tmp_path: Path, header: str):
    found = table(tmp_path, f"{header}\na.png,train\nb.png,test\n")

    assert values(found) == ROWS
    assert list(found.columns.values()) == header.split(",")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_are_parted_by_what_the_header_shows(tmp_path: Path, delimiter: str):
    text = "path,split\na.png,train\n\nb.png,test\n".replace(",", delimiter)

    assert values(table(tmp_path, text)) == ROWS


def test_labels_are_read_where_there_are_some(tmp_path: Path):
    found = table(tmp_path, "class,path,split\nlung_n,a.png,train\n")

    assert found.rows[0].cells["label"] == "lung_n"


def test_a_column_of_its_own_name_comes_before_other_spellings(tmp_path: Path):
    found = table(tmp_path, "file,path,split\nx,a.png,train\ny,b.png,test\n")

    assert values(found) == ROWS


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("path,split\na.png,train\nb.png,test\n".encode(name), id=name)
        for name in ("utf-8-sig", "utf-16", "utf-32")
    ],
)
def test_a_byte_order_mark_says_how_to_read_a_text(tmp_path: Path, content: bytes):
    assert values(table(tmp_path, content)) == ROWS


def test_the_first_line_of_excel_names_the_delimiter(tmp_path: Path):
    found = table(tmp_path, "sep=;\r\npath;split\r\na.png;train\r\nb.png;test\r\n")

    assert values(found) == ROWS
    assert [row.line for row in found.rows] == [3, 4]


def test_lines_that_are_not_utf_8_are_read_as_windows_1252_with_a_note(tmp_path: Path):
    file = tmp_path / "own.csv"
    file.write_bytes("path\ncafé.png\n".encode() + "müsli – 1.png\n".encode("cp1252"))

    found = read_cells(file, field="own.csv")

    assert [cells for _, cells in found.lines] == [("café.png",), ("müsli – 1.png",)]
    assert found.notes == (
        "Read as Windows-1252, not UTF-8: line 3. Other letters than those of western "
        "Europe would be wrong.",
    )


def test_a_path_comes_before_the_name_of_the_same_file(tmp_path: Path):
    found = table(tmp_path, "filename,filepath,split\na.png,x/a.png,train\n")

    assert found.columns["path"] == "filepath"


def test_an_id_is_a_path_where_nothing_else_is(tmp_path: Path):
    found = table(tmp_path, "image_id,split\nISIC_1,train\n")

    assert values(found) == (("ISIC_1", "train"),)


BAD = [
    pytest.param(
        "pth,splitt\na,train\n",
        'own.csv: must have a column path (paths, file, files, filename …), got pth, '
        'splitt. Is it "pth"? Name it path.\n'
        "own.csv: must have a column split (splits, datasplit, splitname, set …), got "
        'pth, splitt. Is it "splitt"? Name it split.',
        id="near words",
    ),
    pytest.param(
        "x,y\n1,2\n",
        "own.csv: must have a column path (paths, file, files, filename …), got x, y. "
        "Add path.\n"
        "own.csv: must have a column split (splits, datasplit, splitname, set …), got "
        "x, y. Add split.",
        id="other columns",
    ),
    pytest.param(
        "file,image,split\na,b,train\n",
        "own.csv: must have one column for the path, got file and image. Name the one "
        "that counts path.",
        id="ambiguous",
    ),
    pytest.param(
        "path,path,split\na,b,train\n",
        "own.csv: must have one column for the path, got path and path. Name the one "
        "that counts path.",
        id="doubled",
    ),
    pytest.param(
        "",
        "own.csv: must have a column path (paths, file, files, filename …), got none. "
        "Add path.\n"
        "own.csv: must have a column split (splits, datasplit, splitname, set …), got "
        "none. Add split.",
        id="empty",
    ),
    pytest.param(
        "path,split\na,b.png,train\n",
        "own.csv: must have 2 cells a line, as its header has, got more in line 2. Put "
        "names that hold a delimiter into quotes.",
        id="comma in a name",
    ),
    pytest.param(
        'path,split\n"a.png,train\nb.png,test\n',
        "own.csv: must be a CSV file, got unexpected end of data in line 3. Mend that "
        "line.",
        id="open quote",
    ),
    pytest.param(
        "path,split\na.png,train\n".encode("utf-16-le"),
        "own.csv: must be UTF-8 text, got UTF-16 without its mark, or no text at all. "
        "Save it as CSV in UTF-8.",
        id="utf-16 without a mark",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BAD)
def test_what_is_no_such_table_is_said_to_be_so(
    tmp_path: Path, content: str | bytes, message: str
):
    with pytest.raises(DataError) as caught:
        table(tmp_path, content)

    assert str(caught.value) == message
