"""A slip in a URI is refused with the right form, by whichever command it meets."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from lcc.cli.main import cli

SLIPS = [  # what was typed, and what is offered for it
    ("s3:/lcc/x", "s3://lcc/x"),
    ("s3:lcc/x", "s3://lcc/x"),
    ("s3//lcc/x", "s3://lcc/x"),
    ("S3:/lcc/x", "s3://lcc/x"),
    ("S3://lcc/x", "s3://lcc/x"),
    ("s4://lcc/x", "s3://lcc/x"),
    ("file:/lcc/x", "file:///lcc/x"),
    ("pvc:/claim/x", "pvc://claim/x"),
]
TAKERS = [  # every command that takes a source, a root or a destination
    ["prepare", "{}", "--local"],
    ["pipeline", "{}", "--local"],
    ["upload", "tiles", "{}", "--local"],
    ["upload", "{}", "s3://lcc/x", "--local"],
    ["sample", "{}"],
    ["audit", "{}"],
    ["audit", "split.csv", "--images", "{}"],
    ["audit", "split.csv", "--output", "{}/report.html"],
    ["families", "--gallery", "{}/families.html"],
    ["train", "--local", "--backbone", "{}/a.keras"],
    *(
        [name, *rest, "--root", "{}"]
        for name, rest in {
            "prepare": ["tiles", "--local"],
            "pipeline": ["tiles", "--local"],
            "search": ["--local"],
            "train": ["--local"],
            "evaluate": ["--local"],
            "families": [],
            "list": [],
            "status": [],
            "logs": [],
            "cancel": ["train-1"],
            "resume": ["train-1"],
        }.items()
    ),
]


@pytest.mark.parametrize("words", TAKERS, ids=" ".join)
def test_a_mistyped_uri_is_refused_with_the_right_form(words: list[str]) -> None:
    for typed, meant in SLIPS:
        arguments = [word.format(typed) for word in words]

        result = CliRunner().invoke(cli, arguments)

        assert result.exit_code == 2
        assert f"Did you mean {meant}" in result.output
        assert result.output.count("\n") == 1
        assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("bucket/x", "Did you mean s3://bucket/x?"),
        ("/bucket/x", "Name a bucket."),
        ("./bucket/x", "Name a bucket."),
        ("file:///bucket/x", "Name a bucket."),
    ],
)
def test_tiles_are_uploaded_to_a_bucket_only(typed: str, hint: str) -> None:
    Path("tiles").mkdir()
    Path("tiles/1.png").touch()

    result = CliRunner().invoke(cli, ["upload", "tiles", typed, "--local"])

    assert (result.exit_code, result.output) == (
        2,
        f"Error: {typed}: must be s3://bucket/prefix, got a path of this machine. "
        f"{hint}\n",
    )
    assert [path.name for path in Path.cwd().iterdir()] == ["tiles"]


def test_a_uri_that_names_no_bucket_is_met_with_the_one_that_is_meant() -> None:
    result = CliRunner().invoke(cli, ["list", "--root", "s3:///lcc/study"])

    assert (result.exit_code, result.output) == (
        2,
        "Error: s3:///lcc/study: must name a bucket. Did you mean s3://lcc/study? Use "
        "s3://bucket/prefix.\n",
    )


@pytest.mark.parametrize(
    "words", [["sample", "{}"], ["audit", "{}"], ["upload", "{}", "s3://lcc/x"]]
)
def test_a_bucket_is_refused_where_a_folder_is_read_or_written(
    words: list[str],
) -> None:
    result = CliRunner().invoke(cli, [word.format("s3://lcc/tiles") for word in words])

    assert (result.exit_code, result.output) == (
        2,
        "Error: s3://lcc/tiles: must be a path of this machine, got a bucket. Name a "
        "path.\n",
    )
    assert list(Path.cwd().iterdir()) == []
