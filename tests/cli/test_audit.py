"""`lcc-launch audit`: its words, its exit codes and its reports."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from lcc.audit.report import MAX_LEAKS, MAX_PICTURES
from lcc.cli.main import cli
from lcc.data.sample import draw_source
from tests.builders.pictures import a_file, a_picture
from tests.builders.splits import a_csv, some_files

CLEAN = {"train/a.png": 1, "train/b.png": 2, "test/c.png": 3}
LEAKING = {"train/a.png": 1, "train/b.png": 2, "val/c.png": 3, "test/a.png": 1}


def audit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["audit", "-q", *map(str, arguments)])


def test_a_clean_split_exits_with_0(tmp_path: Path):
    result = audit(some_files(tmp_path / "pets", CLEAN))

    assert (result.exit_code, result.output) == (
        0,
        "0 of 1 test images show tissue that the training set shows too.\n"
        "pets: no leak found\n"
        "3 images: train 2, test 1\n",
    )


def test_a_leak_exits_with_4_and_says_how_many_leak(tmp_path: Path):
    result = audit(some_files(tmp_path / "pets", LEAKING))

    assert (result.exit_code, result.output) == (
        4,
        "1 of 1 test images shows tissue that the training set shows too.\n"
        "pets: LEAK\n"
        "4 images: train 2, val 1, test 1\n"
        "\n"
        "images with copies elsewhere        same picture     same family"
        "     any overlap\n"
        "test in train                         1 (100.0%)      1 (100.0%)"
        "      1 (100.0%)\n"
        "train in test                          1 (50.0%)       1 (50.0%)"
        "       1 (50.0%)\n"
        "\n"
        "       1 × identical files in several splits\n"
        "Error: pets: splits must share no picture, family or group, got 1 leaks.\n"
        "       Keep what belongs together in one split.\n",
    )


def test_too_many_unreadable_images_exit_with_3(tmp_path: Path):
    result = audit(some_files(tmp_path / "pets", CLEAN | {"test/d.png": b"text"}))

    assert (result.exit_code, result.output) == (
        3,
        "0 of 2 test images show tissue that the training set shows too.\n"
        "pets: cannot tell\n"
        "4 images: train 2, test 2\n"
        "unreadable (not_an_image): test/d.png\n"
        "Error: data.max_unreadable_fraction: must hold, it is 0.01, got 1 of 4.\n"
        "       Mend the images, or raise it with --set.\n",
    )


def test_tolerated_unreadable_images_are_named(tmp_path: Path):
    folder = some_files(tmp_path / "pets", CLEAN | {"test/d.png": b""})

    result = audit(folder, "--set", "data.max_unreadable_fraction=0.3")

    assert result.exit_code == 0
    assert result.output.endswith("unreadable (empty): test/d.png\n")


def test_no_line_is_wider_than_a_terminal(tmp_path: Path):
    names = [f"fold {number} {'of a study' * 5}" for number in range(9)]
    some_files(tmp_path, {"a.png": 1})
    result = audit(a_csv(tmp_path / "s.csv", [("a.png", name) for name in names]))

    assert result.exit_code == 4
    assert max(map(len, result.output.splitlines())) <= 80
    assert "… and 66 more\n" in result.output


def test_how_a_csv_was_read_is_told(tmp_path: Path):
    some_files(tmp_path, CLEAN)
    rows = [(name, name.split("/")[0]) for name in [*CLEAN, "test/c.png"]]

    result = audit(a_csv(tmp_path / "s.csv", rows, header=("File", "Set")))

    assert (result.exit_code, result.output) == (
        0,
        "0 of 1 test images show tissue that the training set shows too.\n"
        "s.csv: no leak found\n"
        "3 images: train 2, test 1\n"
        "Columns read: path (File), split (Set).\n"
        "1 rows repeat a path in its split, and count once: test/c.png.\n",
    )


def test_a_report_that_cannot_be_written_exits_with_2(tmp_path: Path):
    Path("r.md").mkdir()

    result = audit(some_files(tmp_path / "pets", CLEAN), "--output", "r.md")

    assert result.exit_code == 2
    assert result.output.endswith(
        "Error: output: must be a file to write, got r.md: Is a directory. Name "
        "another.\n"
    )


def test_faults_of_a_csv_exit_with_3_one_a_line(tmp_path: Path):
    file = a_csv(tmp_path / "s.csv", [("a.png", ""), ("b.png", "train")])

    result = audit(file)

    assert result.exit_code == 3
    assert len(result.output.splitlines()) == 3
    assert result.output.startswith(f"Error: {file}: must give every path a split")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(
            "r.pdf",
            "output: must end in one of .md, .html, .csv, .json, got r.pdf. Rename it.",
            id="ending",
        ),
        pytest.param(
            "none/r.md",
            "output: must lie in a folder, got none. Make it first.",
            id="folder",
        ),
    ],
)
def test_an_impossible_output_exits_with_2_before_the_work(name: str, message: str):
    result = audit("none.csv", "--output", name)

    assert (result.exit_code, result.output) == (2, f"Error: {message}\n")


def test_reports_are_written_in_each_format(tmp_path: Path):
    folder = some_files(tmp_path / "pets", LEAKING | {"val/d.png": b"text"})

    result = audit(folder, "--output", "r.md", "--output", "r.html", "--output=r.csv")

    assert result.exit_code == 4
    text = Path("r.md").read_text(encoding="utf-8")
    assert text.startswith("# Audit of pets: LEAK\n")
    assert "| `test` | `train` | 1 (100.0 %) | 1 (100.0 %) | 1 (100.0 %) |\n" in text
    assert "- train, test: `train/a.png` (train), `test/a.png` (test)\n" in text
    assert "- `val/d.png`: not_an_image\n" in text
    with Path("r.csv").open(newline="") as file:
        rows = [
            (row["level"], row["leak"], row["path"]) for row in csv.DictReader(file)
        ]
    assert rows == [("file", "1", "test/a.png"), ("file", "1", "train/a.png")]
    page = Path("r.html").read_text(encoding="utf-8")
    assert page.count("data:image/webp;base64,") == 2
    assert (
        re.search(r"(src|href)=\"(?!data:|#)", page) is None
    )  # nothing from elsewhere


def test_a_page_with_many_leaks_stays_small(tmp_path: Path):
    rows = []
    for number in range(MAX_LEAKS + 3):
        for copy in range(MAX_PICTURES + 1):
            name = f"{number}-{copy}.png"
            some_files(tmp_path, {name: number})
            rows.append((name, ("train", "test")[copy % 2]))

    audit(a_csv(tmp_path / "s.csv", rows), "--output=r.html", "--output=r.md")

    page = Path("r.html").read_text(encoding="utf-8")
    assert page.count("<img") == MAX_LEAKS * MAX_PICTURES
    assert "And 3 more. A report that ends in .csv lists all leaks." in page
    assert "and 1 more images" in page
    assert "- … and 3 more\n" in Path("r.md").read_text(encoding="utf-8")


def test_names_are_shown_as_they_are(tmp_path: Path):
    name = "<b>`a`|\n.png"
    some_files(tmp_path, {name: a_file(a_picture(1)), "b.png": 1})
    rows = [(name, "<i>train"), ("b.png", "a|b")]

    audit(a_csv(tmp_path / "s.csv", rows), "--output=r.html", "--output=r.md")

    assert "<b>`a`" not in Path("r.html").read_text(encoding="utf-8")
    assert "`` <b>`a`\\| .png ``" in Path("r.md").read_text(encoding="utf-8")
    assert "`a\\|b`" in Path("r.md").read_text(encoding="utf-8")


def test_a_questionable_edge_alone_cannot_tell_and_exits_with_3(tmp_path: Path):
    one, other = (a_picture(seed, size_px=128) for seed in (1, 2))
    other[:60, :60] = one[:60, :60]  # the same mark in both: geometry alone says so
    files = {"train/a.png": a_file(one), "test/b.png": a_file(other), "test/c.png": 3}

    result = audit(some_files(tmp_path / "pets", files), "--output=r.html")

    assert result.exit_code == 3
    assert result.output.startswith(
        "0 of 2 test images show tissue that the training set shows too; 1 more may.\n"
        "pets: cannot tell\n"
    )
    assert (
        "       1 × groups with questionable edges in several splits\n" in result.output
    )
    assert "splits must share no questionable edge, got 1.\n" in result.output
    assert Path("r.html").read_text(encoding="utf-8").count("<img") == 3


def test_a_questionable_edge_that_people_decided_is_none(tmp_path: Path):
    one, other = (a_picture(seed, size_px=128) for seed in (1, 2))
    other[:60, :60] = one[:60, :60]
    files = {"train/a.png": a_file(one), "test/b.png": a_file(other), "test/c.png": 3}
    folder = some_files(tmp_path / "pets", files)
    verdict = "train/a.png,test/b.png,different,AB\n"
    (folder / "verdicts.csv").write_text(f"a,b,verdict,by\n{verdict}")

    result = audit(folder)

    assert result.exit_code == 0
    assert (
        "decided by people: test/b.png and train/a.png: different (AB)" in result.output
    )


def test_a_file_of_verdicts_that_is_not_there_is_named(tmp_path: Path):
    folder = some_files(tmp_path / "pets", {"train/a.png": 1, "test/b.png": 2})

    result = audit(folder, "--set=data.verdicts_csv=seen.csv")

    assert result.exit_code == 3
    assert "data.verdicts_csv: must be a file, got seen.csv." in result.output


def test_several_lists_make_one_split(tmp_path: Path):
    some_files(tmp_path / "tiles", {"cat/1.png": 1, "dog/2.png": 2, "dog/3.png": 1})
    lists = [
        a_csv(tmp_path / f"{name}.csv", rows, header=("filename", "label"))
        for name, rows in (
            ("train", [("1.png", "cat"), ("2.png", "dog")]),
            ("test", [("3.png", "dog")]),
        )
    ]

    result = audit(*lists, "--images", tmp_path / "tiles")

    assert result.exit_code == 4
    assert result.output.splitlines()[:4] == [
        "1 of 1 test images shows tissue that the training set shows too.",
        "1-nearest neighbour on 32 × 32 pixels of the training set: right on 0.0% of 1",
        "  leaked images, 100.0% once their siblings are taken out; none is clean.",
        "train.csv, test.csv: LEAK",
    ]


def test_each_seed_is_shown_and_one_leak_decides(tmp_path: Path):
    some_files(tmp_path, {"a.png": 1, "b.png": 1, "c.png": 2})
    for seed, splits in ((1, "ab"), (2, "ca")):
        for name, image in zip(("train", "test"), splits, strict=True):
            a_csv(
                tmp_path / f"lists/seed{seed}/{name}.csv",
                [(f"{image}.png",)],
                header=("file",),
            )

    result = audit(
        tmp_path / "lists", "--images", tmp_path, "--output=r.json", "--output=r.html"
    )

    assert result.exit_code == 4
    assert "lists, seed 1: LEAK\n" in result.output
    assert "\n\n0 of 1 test images show tissue" in result.output
    assert "lists, seed 2: no leak found\n" in result.output
    one, two = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert (one["verdict"], two["verdict"]) == ("leak", "clean")
    assert one["sentences"] == [
        "1 of 1 test images shows tissue that the training set shows too."
    ]
    assert one["leaks"][0]["images"] == [
        {"path": "a.png", "split": "train", "label": ""},
        {"path": "b.png", "split": "test", "label": ""},
    ]
    page = Path("r.html").read_text(encoding="utf-8")
    assert '<a href="#p2">lists, seed 2</a>' in page
    assert '<p class="lead">1 of 1 test images shows tissue' in page


def test_the_page_lays_the_pair_that_proves_a_leak_on_one_another(tmp_path: Path):
    source = draw_source("lung_aca", size_px=160, seed=np.random.default_rng(1))
    files: dict[str, int | bytes] = {
        "train/a.png": a_file(source),
        "test/b.png": a_file(np.ascontiguousarray(np.rot90(source))),
        "train/c.png": 1,
    }

    audit(some_files(tmp_path / "pets", files), "--output=r.html", "--output=r.md")

    page = Path("r.html").read_text(encoding="utf-8")
    assert page.count("<img") == 3
    assert "laid on it: " in page
    assert "both, in a chessboard" in page
    assert "turned by 90°" in Path("r.md").read_text(encoding="utf-8")


def test_a_named_group_in_two_splits_exits_with_4(tmp_path: Path):
    some_files(tmp_path, {"a.png": 1, "b.png": 2})
    rows = [("a.png", "train", "P1"), ("b.png", "test", "P1")]
    file = a_csv(tmp_path / "s.csv", rows, header=("path", "split", "patient"))

    result = audit(file, "--output=r.html")

    assert result.exit_code == 4
    assert "patient: 1 groups of 2 images, largest 2; 1 in several" in result.output
    assert "       1 × named groups in several splits\n" in result.output
    assert "patient P1: train, test" in Path("r.html").read_text(encoding="utf-8")
