"""What a network says of images becomes one row each."""

from dataclasses import replace

import numpy as np
import pytest

from lcc.errors import DataError
from lcc.evaluate.network import Answers
from lcc.evaluate.novelty import Threshold, know_tissue
from lcc.predict.answers import BATCH, answer
from lcc.predict.opening import OpenedImage
from tests.builders.answering import RULES, SIDE_PX


def an_image(number: int, **changes: object) -> OpenedImage:
    tile = np.full((SIDE_PX, SIDE_PX, 3), number, np.uint8)
    fields = {"path": f"{number:03d}.png", "width_px": 48, "height_px": 50}
    return OpenedImage(**fields | {"tile": tile} | changes)


def unreadable(number: int) -> OpenedImage:
    return an_image(number, tile=None, reason="truncated")


class Recorder:
    """A network that takes the class that the grey of an image, modulo 3, names."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, images: np.ndarray) -> Answers:
        self.sizes.append(len(images))
        grey = images[:, 0, 0, 0].astype(int)
        return Answers(np.eye(3)[grey % 3] * 0.7 + 0.1, grey / 100)


def test_each_image_has_its_row_in_the_order_given():
    images = [an_image(4), unreadable(5), an_image(6)]

    rows = answer(images, RULES, Recorder()).to_pylist()

    assert [row["path"] for row in rows] == ["004.png", "005.png", "006.png"]
    assert [row["predicted"] for row in rows] == ["lung_n", None, "lung_aca"]
    assert rows[0] == {
        "path": "004.png",
        "predicted": "lung_n",
        "calibrated/lung_aca": pytest.approx(1 / 10),
        "calibrated/lung_n": pytest.approx(8 / 10),
        "calibrated/lung_scc": pytest.approx(1 / 10),
        "novelty": None,
        "decision": "lung_n",
        "reason": None,
        "width_px": 48,
        "height_px": 50,
    }
    assert rows[1]["reason"] == "truncated"
    assert rows[1]["calibrated/lung_n"] is None


def test_every_batch_is_full_whatever_can_be_read():
    network = Recorder()
    images = [unreadable(n) if n % 5 == 0 else an_image(n) for n in range(50)]

    table = answer(images, RULES, network)

    assert network.sizes == [BATCH, BATCH]
    taken = [n % 3 for n in range(50) if n % 5]
    said = [RULES.class_names.index(n) for n in table["predicted"].to_pylist() if n]
    assert said == taken


def test_decisions_are_those_of_the_rules():
    known = replace(
        know_tissue(np.eye(8, dtype=np.float32)), threshold=Threshold(value=0.05)
    )
    rules = replace(RULES, known=known, temperature=4.0, threshold=0.9)

    rows = answer([an_image(4), an_image(6)], rules, Recorder()).to_pylist()

    assert [row["decision"] for row in rows] == ["refer", "unfamiliar"]
    assert [row["novelty"] for row in rows] == [0.04, 0.06]


def test_nothing_readable_asks_nobody():
    network = Recorder()

    table = answer([unreadable(1)], RULES, network)

    assert network.sizes == []
    assert table["reason"].to_pylist() == ["truncated"]


def test_a_network_that_gives_no_numbers_is_refused():
    def broken(images: np.ndarray) -> Answers:
        return Answers(np.full((len(images), 3), np.nan))

    with pytest.raises(DataError, match="probabilities must be numbers"):
        answer([an_image(1)], RULES, broken)


def test_progress_counts_every_image():
    done: list[int] = []

    answer(
        [an_image(1), unreadable(2)], RULES, Recorder(), advance=lambda: done.append(1)
    )

    assert len(done) == 2
