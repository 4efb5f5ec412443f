"""What is burned into many frames, and what is blank, ties no strangers."""

import cv2
import numpy as np
import pytest

from lcc import find_families
from lcc.data.features import extract_features
from lcc.data.sample import draw_source
from lcc.families.marks import find_marks

SIDE = 224


def source(seed: int) -> np.ndarray:
    return draw_source("lung_n", size_px=SIDE, seed=np.random.default_rng(seed))


def with_bar(image: np.ndarray) -> np.ndarray:
    marked = image.copy()
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(marked, "200 um 40x", (90, 200), font, 0.6, (0, 0, 0), 2)
    cv2.rectangle(marked, (90, 206), (210, 212), (0, 0, 0), -1)
    return marked


@pytest.fixture(scope="module")
def strangers() -> list[np.ndarray]:
    return [source(seed) for seed in range(24)]


def test_strangers_with_one_scale_bar_are_not_tied_and_it_is_said(strangers):
    found = find_families([with_bar(image) for image in strangers])

    assert len(set(found.group.tolist())) == len(strangers)
    assert found.notes[0].startswith("24 of 24 pictures looked at bear the same mark")


def test_copies_with_a_scale_bar_are_found_all_the_same(strangers):
    turned = [np.ascontiguousarray(np.rot90(image)) for image in strangers[:5]]
    images = [with_bar(image) for image in (*strangers, *turned)]

    found = find_families(images)

    assert found.family[24:].tolist() == found.family[:5].tolist()
    assert len(set(found.group.tolist())) == len(strangers)


def test_copies_that_were_not_moved_are_no_marks(strangers):
    copies = [
        np.clip(strangers[0] * gain, 0, 255).astype(np.uint8)
        for gain in np.linspace(0.85, 1.0, 15)
    ]

    found = find_families([*copies, *strangers[1:]])

    assert len(set(found.family[:15].tolist())) == 1
    assert found.notes == ()


def test_only_keypoints_on_a_mark_are_left_out(strangers):
    records = [
        extract_features(with_bar(image), num_keypoints=200)[0] for image in strangers
    ]
    marks = find_marks(records.__getitem__, len(records))

    cleaned = marks.without(records[0])

    kept = set(map(tuple, cleaned["points"][: cleaned["num"]].tolist()))
    before = set(map(tuple, records[0]["points"][: records[0]["num"]].tolist()))
    assert kept < before
    assert min(y for _, y in before - kept) > 0.8


def blank(seed: int, *, tilt: float) -> np.ndarray:
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE, :1][:2] / SIDE
    light = tilt * (draw.normal() * x + draw.normal() * y)
    noise = draw.normal(0, 1.5, (SIDE, SIDE, 3))
    return np.clip(235 + light + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("tilt", [0.0, 6.0])
def test_blank_strangers_are_not_tied_and_it_is_said(tilt):
    found = find_families([blank(seed, tilt=tilt) for seed in range(20)])

    assert len(set(found.group.tolist())) == 20
    assert found.notes[0].startswith("20 of 20 pictures are too blank")


def test_a_turned_copy_of_a_blank_tile_is_still_tied():
    images = [blank(seed, tilt=6) for seed in range(10)]

    found = find_families([*images, np.ascontiguousarray(np.rot90(images[4]))])

    assert found.group[10] == found.group[4]
