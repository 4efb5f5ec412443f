"""Which files of a source a model is to answer, without any class."""

from pathlib import Path

import pytest

from lcc.errors import DataError
from lcc.predict.images import read_images
from lcc.predict.sizes import TrainingSizes
from lcc.predict.steps import list_new_images
from tests.builders.answering import a_predict_task, a_trained_model


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def listed(tmp_path: Path, source: Path, **predict: object):
    task = a_predict_task(tmp_path, source, **predict)
    a_trained_model(task.store)
    note = list_new_images(task)
    return note, read_images(task.store, task.run_id)["path"].to_pylist()


def test_images_lie_at_any_depth_and_need_no_folder_of_a_class(tmp_path: Path):
    source = write(tmp_path / "new", "b.png", "deep/er/a.tif", "deep/a b.png")

    note, paths = listed(tmp_path, source)

    assert paths == ["b.png", "deep/a b.png", "deep/er/a.tif"]
    assert (note.num_images, note.other_folders) == (3, [])


def test_what_is_no_image_by_its_name_is_left_out_and_counted(tmp_path: Path):
    source = write(
        tmp_path / "new", "a.png", ".hidden.png", "notes.csv", "x/Thumbs.db", "b.svs"
    )

    note, paths = listed(tmp_path, source)

    assert paths == ["a.png", "b.svs"]
    assert note.left_out == {"hidden": 1, "litter": 1, "side_file": 1}


def test_a_root_inside_the_source_is_no_input(tmp_path: Path):
    source = write(tmp_path, "a.png", "root/plot.png", "scratch/b.png")

    _, paths = listed(tmp_path, source)

    assert paths == ["a.png", "scratch/b.png"]


def test_what_was_listed_stays_for_the_run(tmp_path: Path):
    source = write(tmp_path / "new", "a.png")
    before = listed(tmp_path, source)
    write(source, "b.png")

    assert listed(tmp_path, source) == before


def test_a_changed_file_makes_another_listing(tmp_path: Path):
    source = write(tmp_path / "new", "a.png")
    first, _ = listed(tmp_path, source)
    (source / "a.png").write_bytes(b"other")

    second, _ = listed(tmp_path, source, run_id="predict-20261128-0930-bbbb")

    assert first.digest != second.digest


def test_the_sizes_are_those_of_the_images_that_the_model_learned_from(tmp_path: Path):
    note, _ = listed(tmp_path, write(tmp_path / "new", "a.png"))

    assert note.sizes == TrainingSizes(shortest_px=48, longest_px=48)


def test_folders_beside_those_of_known_classes_are_named(tmp_path: Path):
    source = write(tmp_path / "new", "lung_n/a.png", "colon_n/a.png", "b.png")

    note, _ = listed(tmp_path, source)

    assert note.other_folders == ["colon_n"]


def test_an_empty_folder_is_refused(tmp_path: Path):
    (tmp_path / "new").mkdir()

    with pytest.raises(DataError) as caught:
        listed(tmp_path, tmp_path / "new")

    assert str(caught.value) == (
        f"predict.source: must hold images, got none in {tmp_path}/new (no file). "
        "Check the path."
    )
