"""What prepare tells beside the splits: how sure it is, and what people decided."""

import json
from pathlib import Path

import numpy as np
import pytest

from lcc.errors import DataError
from lcc.prepare.assembly import BuiltCatalogue
from lcc.storage import layout
from tests.builders.pictures import a_file, a_folder, a_picture
from tests.builders.preparation import a_task, prepare


def group_of(built: BuiltCatalogue, path: str) -> int:
    rows = built.catalogue.table.to_pylist()
    return next(row["group"] for row in rows if row["path"] == path)


def a_doubtful_pair(folder: Path) -> Path:
    """Write two pictures that share their keypoints, not their grey values."""
    one = a_picture(7, size_px=96)
    y, x = np.mgrid[:96, :96, :1][:2]
    light = 60 * np.sin((x + 2 * y) / 30)
    other = np.clip(one * 0.5 + 64 + light, 0, 255).astype(np.uint8)
    (folder / "lung_n/one.png").write_bytes(a_file(one))
    (folder / "lung_n/other.png").write_bytes(a_file(other))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_doubtful_pair(a_folder(tmp_path / "tiles"))


FAMILIES = {"num_keypoints": 200, "num_neighbours": 5}


def test_planted_copies_are_counted_by_change_and_bound_what_may_go_unseen(
    tmp_path: Path, folder: Path
):
    task = a_task(tmp_path, folder)

    built = prepare(task)

    name, digest = built.catalogue.name, built.catalogue.digest
    found = json.loads(task.store.read(layout.splits(name, digest)))["unseen_siblings"]
    changes = found["changes"].values()
    assert found["planted"] == sum(change["planted"] for change in changes) == 32
    assert found["unseen"] == sum(change["unseen"] for change in changes)
    assert found["unseen"] / 32 < found["upper_bound"] < 1


def test_without_planted_copies_nothing_is_claimed(tmp_path: Path, folder: Path):
    built = prepare(a_task(tmp_path, folder, families={"num_planted": 0}))

    assert built.validation["unseen_siblings"]["upper_bound"] == 1
    assert built.validation["notes"] == []


def test_a_question_ties_two_pictures_until_people_decide(tmp_path: Path, folder: Path):
    built = prepare(a_task(tmp_path, folder, families=FAMILIES))
    assert group_of(built, "lung_n/one.png") == group_of(built, "lung_n/other.png")
    verdict = "lung_n/one.png,lung_n/other.png,different,AB,other light\n"
    (folder / "verdicts.csv").write_text(f"a,b,verdict,by,why\n{verdict}")

    built = prepare(a_task(tmp_path, folder, families=FAMILIES))

    assert group_of(built, "lung_n/one.png") != group_of(built, "lung_n/other.png")
    assert (
        "decided by people: lung_n/one.png and lung_n/other.png: different "
        "(AB, other light)"
    ) in built.validation["notes"]


def test_verdicts_may_lie_in_a_file_of_their_own(tmp_path: Path, folder: Path):
    file = tmp_path / "looked-at.csv"
    paths = [f"lung_aca/tile {number:03d}.png" for number in (0, 1)]
    file.write_text(f"a,b,verdict\n{','.join(paths)},same\n")

    built = prepare(a_task(tmp_path, folder, verdicts_csv=file.as_uri()))

    assert group_of(built, paths[0]) == group_of(built, paths[1])


def test_a_verdict_on_an_unknown_image_is_refused(tmp_path: Path, folder: Path):
    (folder / "verdicts.csv").write_text("a,b,verdict\nx.png,lung_n/one.png,same\n")

    with pytest.raises(DataError, match=r"verdicts.csv: .* none: x.png"):
        prepare(a_task(tmp_path, folder))


def test_a_set_that_is_not_split_may_be_too_small_to_be(tmp_path: Path):
    source = a_folder(tmp_path / "tiles", num_images=2)
    families = {"num_keypoints": 32, "num_neighbours": 5, "num_planted": 0}
    with pytest.raises(DataError, match="split"):
        prepare(a_task(tmp_path, source, families=families))

    task = a_task(tmp_path, source, families=families, undivided=True)
    built = prepare(task)

    assert len(built.catalogue.rows("test")) == 6
    assert built.catalogue.folds.max() == -1
    assert built.validation["images"] == {
        "test": {"lung_aca": 2, "lung_n": 2, "lung_scc": 2}
    }
