"""Audits of splits of synthetic tiles, whose families are known."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lcc.cli.main import cli
from lcc.data.sample import write_sample


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit") / "tiles"
    write_sample(folder, num_sources=4, num_copies=3, size_px=96)
    return folder


def audit(folder: Path, rows: dict[str, str], *arguments: str) -> Result:
    file = folder / "split.csv"
    with file.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerows([("path", "split"), *rows.items()])
    return CliRunner().invoke(cli, ["audit", str(file), "-q", *arguments])


def by_class(tiles: Path) -> dict[str, str]:
    """Put whole classes into splits: no family is divided."""
    paths = sorted(path.relative_to(tiles).as_posix() for path in tiles.rglob("*.*"))
    return {path: "test" if path.startswith("lung_n/") else "train" for path in paths}


def test_a_split_that_keeps_families_together_passes(
    tmp_path: Path, tiles: Path
) -> None:
    result = audit(tmp_path, by_class(tiles), "--images", str(tiles))

    assert result.exit_code == 0
    assert result.output.startswith("# Audit of split.csv: no leak found\n")
    assert "| test | 14 | 0 (0.0%) |" in result.output


def test_copies_and_families_across_splits_are_leaks(
    tmp_path: Path, tiles: Path
) -> None:
    rows = {path: ("train", "test")[n % 2] for n, path in enumerate(by_class(tiles))}

    result = audit(tmp_path, rows, "--images", str(tiles))

    assert result.exit_code == 4
    assert "## Identical pictures: " in result.output
    assert "## Copies of one source tile: " in result.output
    assert "splits must share no tissue, got" in result.output


def test_the_report_may_go_to_a_file(tmp_path: Path, tiles: Path) -> None:
    report = tmp_path / "audit.md"

    result = audit(
        tmp_path, by_class(tiles), "--images", str(tiles), "--output", str(report)
    )

    assert (result.exit_code, result.output) == (0, "")
    assert report.read_text().startswith("# Audit of split.csv: no leak found\n")


def test_unreadable_files_are_listed(tmp_path: Path, tiles: Path) -> None:
    (tmp_path / "empty.jpeg").touch()
    rows = {"empty.jpeg": "train"} | {
        str(tiles / path): split for path, split in by_class(tiles).items()
    }

    result = audit(tmp_path, rows)

    assert result.exit_code == 0
    assert "## Unreadable: 1\n\n- `empty.jpeg`: empty\n" in result.output


BAD = [
    pytest.param(
        {"a.png": "train", "b.png": "train"},
        "{csv}: must have at least two splits, got train. Add rows.",
        id="one split",
    ),
    pytest.param(
        {"a.png": "train", "b.png": ""},
        "{csv}: must give every path a split, got none for b.png and 0 more. Fill the "
        "column.",
        id="no split",
    ),
    pytest.param(
        {"a.png": "train", "b.png": "test"},
        "{csv}: every path must be a file below {folder}, got 2 of 2 that are not, "
        "e.g. a.png. Pass --images FOLDER.",
        id="no file",
    ),
]


@pytest.mark.parametrize(("rows", "message"), BAD)
def test_a_csv_that_cannot_be_judged_is_a_data_error(
    tmp_path: Path, rows: dict[str, str], message: str
) -> None:
    result = audit(tmp_path, rows)

    text = message.format(csv=tmp_path / "split.csv", folder=tmp_path)
    assert (result.exit_code, result.output) == (3, f"Error: {text}\n")


def test_a_missing_csv_is_named(tmp_path: Path) -> None:
    file = tmp_path / "none.csv"

    result = CliRunner().invoke(cli, ["audit", str(file)])

    assert (result.exit_code, json.dumps(result.output)) == (
        3,
        json.dumps(
            "step=audit event=started processes=1\n"
            f"Error: {file}: not found. Name a CSV with the columns path and split.\n"
        ),
    )
