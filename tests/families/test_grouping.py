"""Families of any images, in Python."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lcc import find_families
from lcc.data.sample import augment_copy, draw_source
from lcc.errors import DataError, NotFoundError
from tests.builders.pictures import a_file, a_picture
from tests.builders.splits import some_files


def copies_of(seed: int, *, count: int = 3) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    source = draw_source("lung_aca", size_px=144, seed=generator)
    return [augment_copy(source, size_px=96, seed=generator) for _ in range(count)]


def test_arrays_and_paths_are_told_apart_by_family(tmp_path: Path):
    one, other = copies_of(1), copies_of(2)
    some_files(tmp_path, {"one.png": a_file(one[0])})

    found = find_families([*other, tmp_path / "one.png", *one[1:]])

    assert found.family.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.group.tolist() == found.family.tolist()
    assert {(row["a"] // 3, row["b"] // 3) for row in found.edges.to_pylist()} == {
        (0, 0),
        (1, 1),
    }


def test_copies_share_content_picture_and_family(tmp_path: Path):
    picture = a_picture(1)
    some_files(
        tmp_path,
        {
            "a.png": a_file(picture),
            "b.png": a_file(picture),
            "c.bmp": a_file(picture, suffix=".bmp"),
            "d.png": 2,
        },
    )

    found = find_families(sorted(tmp_path.iterdir()))

    assert found.content.tolist() == [0, 0, 2, 3]
    assert found.picture.tolist() == [0, 0, 0, 1]
    assert found.family.tolist() == [0, 0, 0, 1]


def test_several_processes_find_the_same(tmp_path: Path):
    images = [image for seed in range(6) for image in copies_of(seed)]
    some_files(tmp_path, {"a.png": a_file(images[0]), "b.png": 7, "c.txt": b"no image"})
    images += [images[2], *sorted(tmp_path.iterdir()), tmp_path / "b.png"]

    one, two = find_families(images), find_families(images, n_jobs=2)

    assert one.edges.equals(two.edges)
    assert one.unreadable == two.unreadable == {21: "not_an_image"}
    for column in ("content", "picture", "family", "group"):
        assert np.array_equal(getattr(one, column), getattr(two, column))


def test_edges_name_the_first_image_of_each_picture():
    first, second, third = copies_of(3)

    found = find_families([first, first, second, third])

    ends = {(row["a"], row["b"]) for row in found.edges.to_pylist()}
    assert ends == {(0, 2), (0, 3), (2, 3)}


def test_what_cannot_be_read_has_no_family(tmp_path: Path):
    some_files(tmp_path, {"a.png": 1, "b.png": b"nonsense", "c.png": b"nonsense"})

    found = find_families([str(path) for path in sorted(tmp_path.iterdir())])

    assert found.unreadable == {1: "not_an_image", 2: "not_an_image"}
    assert found.family.tolist() == [0, -1, -1]
    assert found.content.tolist() == [0, 1, 1]


ODD = {
    "blank": np.full((64, 64, 3), 255, np.uint8),
    "tiny": a_picture(1, size_px=16),
    "one pixel": np.zeros((1, 1, 3), np.uint8),
    "wide": np.tile(a_picture(2), (1, 40, 1)),
    "tall": np.zeros((3000, 2, 3), np.uint8),
    "stripes": np.tile(np.uint8([[[0] * 3], [[255] * 3]]), (32, 64, 1)),
}


def test_odd_pictures_are_nobodys_family():
    found = find_families([*ODD.values(), *(a_picture(n) for n in range(10, 14))])

    assert len(set(found.family.tolist())) == len(ODD) + 4


@pytest.mark.parametrize("images", [[], [a_picture(1)], [a_picture(1)] * 3])
def test_no_image_or_one_picture_is_no_special_case(images: list[np.ndarray]):
    found = find_families(images)

    assert found.family.tolist() == [0] * len(images)
    assert found.edges.num_rows == 0


def test_copies_never_reach_the_comparison_of_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from lcc.families import pictures

    extracted = []
    extract = pictures.extract_features

    def counting(pixels: np.ndarray, *, num_keypoints: int):
        extracted.append(pixels.shape)
        return extract(pixels, num_keypoints=num_keypoints)

    monkeypatch.setattr(pictures, "extract_features", counting)
    some_files(tmp_path, {"a.png": 1, "b.png": 1, "c.png": 2})

    find_families([tmp_path / name for name in ["a.png", "b.png"] * 500 + ["c.png"]])

    assert len(extracted) == 2


def test_missing_files_are_listed_together(tmp_path: Path):
    with pytest.raises(NotFoundError) as caught:
        find_families([tmp_path / "a.png", tmp_path, a_picture(1)])

    assert str(caught.value) == (
        f"images: must be files, got 2 of 3 that are none: {tmp_path / 'a.png'}, "
        f"{tmp_path}. Check the paths."
    )


def test_arrays_of_another_kind_are_refused():
    grey = np.zeros((8, 8), np.uint8)
    floating = np.zeros((8, 8, 3))

    with pytest.raises(DataError) as caught:
        find_families([a_picture(1), grey, floating])

    assert str(caught.value) == (
        "images: must be (height, width, 3) uint8 RGB arrays, got (8, 8) uint8 at "
        "position 1, (8, 8, 3) float64 at position 2. Convert them."
    )


def test_the_package_itself_loads_nothing_heavy():
    code = "import sys, lcc.data; print(*{m.split('.')[0] for m in sys.modules})"

    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert set(done.stdout.split()) & {"cv2", "numpy", "pyarrow", "sklearn"} == set()


def test_the_package_has_no_other_names():
    import lcc

    with pytest.raises(AttributeError, match="no attribute 'find_family'"):
        lcc.find_family  # noqa: B018 - asking for it is the test
