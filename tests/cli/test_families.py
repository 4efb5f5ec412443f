"""`lcc-launch families`: sizes, edges, and why an image is where it is."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from lcc.cli.main import cli
from lcc.data.sample import write_sample
from lcc.prepare.assembly import BuiltCatalogue
from tests.builders.preparation import a_task, prepare
from tests.builders.splits import some_files

SAMPLE = {"families": {"num_keypoints": 150, "num_neighbours": 12}, "tile_size_px": 64}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, root: Path) -> BuiltCatalogue:
    """Prepare six sources a class, five tiles of each, and some copies."""
    folder = tmp_path_factory.mktemp("work")
    write_sample(folder / "tiles", num_sources=6, num_copies=5, size_px=96)
    return prepare(a_task(folder, folder / "tiles", root=str(root), **SAMPLE))


def families(root: Path, *arguments: str) -> Result:
    command = ["families", "--root", str(root), *arguments]
    return CliRunner().invoke(cli, command, env={"COLUMNS": "80"})


def test_each_class_has_a_line_with_the_sizes_of_its_families(
    built: BuiltCatalogue, root: Path
):
    result = families(root)

    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert lines[0].split() == (
        ["CLASS", "IMAGES", "KEPT", "FAMILIES", "GROUPS", "SIZES", "ALONE"]
    )
    assert [line.split() for line in lines[1:4]] == [
        [name, "32", "30", "6", "6", "5–5–6", "0"]
        for name in ("lung_aca", "lung_n", "lung_scc")
    ]
    assert re.fullmatch(r"edges: \d+ family, 0 overlap, 0 question", lines[4])
    assert max(map(len, lines)) <= 80


def test_edges_lead_from_an_image_to_the_first_of_its_family(
    built: BuiltCatalogue, root: Path
):
    catalogue = built.catalogue
    family = int(catalogue.families[0])
    members = [
        path
        for path, code in zip(catalogue.paths, catalogue.families, strict=True)
        if code == family
    ]

    result = families(root, "--explain", members[-1])

    lines = result.output.splitlines()
    edges = [line.split() for line in lines if " and " in line]
    assert result.exit_code == 0
    assert lines[1] == (f"family {family}: {len(members)} images, first {members[0]}")
    assert members[-1] in edges[0]
    assert members[0] in edges[-1]
    assert lines[-1] == f"group {family}, other families: none"


def test_a_copy_says_whose_it_is(built: BuiltCatalogue, root: Path):
    rows = built.catalogue.table.to_pylist()
    copy = next(row for row in rows if row["status"] == "duplicate")

    result = families(root, "--explain", copy["path"])

    assert f"a copy of {copy['duplicate_of']}" in result.output


def test_a_gallery_shows_each_family_with_pictures(
    built: BuiltCatalogue, root: Path, tmp_path: Path
):
    page = tmp_path / "all.html"

    result = families(root, "--gallery", str(page))

    text = page.read_text()
    count = len(set(built.catalogue.families.tolist()))
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == str(page)
    assert text.count('<div class="card" id="f') == count
    assert text.count("data:image/webp") >= 5 * count


def test_the_page_of_an_image_shows_its_edges_and_its_family(
    built: BuiltCatalogue, root: Path, tmp_path: Path
):
    page = tmp_path / "why.html"
    paths = built.catalogue.paths
    family = int(built.catalogue.families[0])
    last = max(np.flatnonzero(built.catalogue.families == family))

    result = families(root, "--explain", paths[last], "--gallery", str(page))

    text = page.read_text()
    num_edges = len(re.findall(r"^  lung", result.output, re.MULTILINE))
    assert result.exit_code == 0
    assert text.count('<div class="edge">') == num_edges >= 1
    assert f'id="f{family}"' in text


def test_a_gallery_must_be_html_in_a_folder_that_is_there(
    built: BuiltCatalogue, root: Path
):
    wrong = families(root, "--gallery", "all.pdf")
    nowhere = families(root, "--gallery", "nowhere/all.html")

    assert (wrong.exit_code, nowhere.exit_code) == (2, 2)
    assert "gallery: must end in .html, got all.pdf" in wrong.output
    assert "gallery: must lie in a folder, got nowhere" in nowhere.output


def test_tiles_that_are_gone_are_named(
    built: BuiltCatalogue, root: Path, tmp_path: Path
):
    copy = tmp_path / "root"
    shutil.copytree(root, copy)
    part = next(copy.glob("work/*/hash/*.tiles"))
    part.unlink()

    result = families(copy, "--gallery", str(tmp_path / "all.html"))

    assert result.exit_code == 3
    assert f"{part.name}: not found. Run prepare again." in result.output
    assert not (tmp_path / "all.html").exists()


def test_an_unknown_path_is_met_with_a_near_one(built: BuiltCatalogue, root: Path):
    path = built.catalogue.paths[0]

    result = families(root, "--explain", path.replace("lung_aca/", "lung_aka/"))

    assert result.exit_code == 3
    assert f"Did you mean {path}?" in result.output


def test_a_set_of_strangers_has_no_edges_and_is_no_special_case(tmp_path: Path):
    for number in range(12):
        label = ("one", "two")[number % 2]
        some_files(tmp_path / "tiles" / label, {f"{number}.png": number})
    task = a_task(tmp_path, tmp_path / "tiles")
    prepare(task)
    page = tmp_path / "all.html"

    shown = families(tmp_path / "root", "--gallery", str(page))
    explained = families(tmp_path / "root", "--explain", "one/0.png")

    assert shown.exit_code == explained.exit_code == 0
    assert "edges: 0 family, 0 overlap, 0 question" in shown.output
    assert page.read_text().count('<div class="card" id="f') == 12
    assert "family 0: 1 image, first one/0.png" in explained.output
