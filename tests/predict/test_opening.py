"""New images are opened ahead, in order, and each that cannot be has a reason."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lcc.data.hashing import hash_image
from lcc.predict.opening import Opener, map_ahead
from lcc.storage.local import LocalStore
from tests.builders.answering import SIDE_PX, SIZES
from tests.builders.pictures import a_file, a_picture


def an_opener(folder: Path) -> Opener:
    return Opener(
        source=LocalStore(folder), side_px=SIDE_PX, max_megapixels=1, sizes=SIZES
    )


def row_of(folder: Path, name: str, content: bytes) -> dict[str, object]:
    (folder / name).write_bytes(content)
    [entry] = [e for e in LocalStore(folder).list_objects() if e.key == name]
    return {
        "path": name,
        "size_bytes": entry.size_bytes,
        "change_mark": entry.change_mark,
    }


def test_an_image_becomes_the_tile_that_training_would_have_packed(tmp_path: Path):
    content = a_file(a_picture(size_px=60), suffix=".jpeg")
    row = row_of(tmp_path, "a.jpeg", content)

    found = an_opener(tmp_path).open(row)

    trained = hash_image(content, size_px=SIDE_PX, max_megapixels=1, extract=None)
    assert np.array_equal(found.tile, trained.tile)
    assert (found.width_px, found.height_px, found.reason) == (60, 60, None)


@pytest.mark.parametrize(
    ("content", "reason", "side"),
    [
        pytest.param(b"", "empty", None, id="no byte"),
        pytest.param(b"text", "not_an_image", None, id="no image"),
        pytest.param(a_file(a_picture())[:900], "truncated", 48, id="cut short"),
        pytest.param(
            a_file(np.zeros((1100, 1100, 3), np.uint8)), "too_large", 1100, id="a bomb"
        ),
        pytest.param(
            a_file(a_picture(size_px=73)),
            "larger_than_training_images",
            73,
            id="more than 1.5 times the side of the training images",
        ),
    ],
)
def test_what_cannot_be_answered_has_a_reason_and_no_tile(
    tmp_path: Path, content: bytes, reason: str, side: int | None
):
    row = row_of(tmp_path, "a.png", content)

    found = an_opener(tmp_path).open(row)

    assert (found.reason, found.width_px, found.tile) == (reason, side, None)


def test_without_a_limit_a_large_image_is_scaled_down(tmp_path: Path):
    row = row_of(tmp_path, "a.png", a_file(a_picture(size_px=73)))

    found = replace(an_opener(tmp_path), sizes=None).open(row)

    assert found.reason is None
    assert found.tile.shape == (SIDE_PX, SIDE_PX, 3)


def test_a_file_that_is_gone_or_changed_since_is_not_answered(tmp_path: Path):
    row = row_of(tmp_path, "a.png", a_file(a_picture()))
    (tmp_path / "a.png").write_bytes(b"other")
    changed = an_opener(tmp_path).open(row)
    (tmp_path / "a.png").unlink()
    gone = an_opener(tmp_path).open(row)

    assert (changed.reason, gone.reason) == ("changed", "vanished")


def test_no_more_than_a_few_images_wait_for_the_network():
    begun: list[int] = []
    lock = threading.Lock()

    def work(item: int) -> int:
        with lock:
            begun.append(item)
        return item

    found = map_ahead(work, range(100), num_threads=3, ahead=5)
    first = next(found)

    assert first == 0
    assert len(begun) <= 6
    assert list(found) == list(range(1, 100))


def test_a_fault_of_the_work_reaches_who_asks():
    with pytest.raises(ZeroDivisionError):
        list(map_ahead(lambda n: 1 // n, [2, 1, 0, 3], num_threads=2, ahead=2))
