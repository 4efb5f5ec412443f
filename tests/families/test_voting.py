"""Single keypoints find what a strong zoom hides from the global descriptor."""

import cv2
import numpy as np
import pytest

from lcc.data.features import extract_features, feature_dtype
from lcc.data.sample import draw_source
from lcc.data.work import single_threaded
from lcc.families.merging import SecondLook, choose_asking
from lcc.families.voting import NUM_TRAINING, Asking, PartIndex, find_alike
from tests.builders.pictures import a_picture

NUM_KEYPOINTS = 200


def source(seed: int, *, size_px: int = 320) -> np.ndarray:
    return draw_source("lung_aca", size_px=size_px, seed=np.random.default_rng(seed))


def record(image: np.ndarray) -> np.void:
    return extract_features(image, num_keypoints=NUM_KEYPOINTS)[0]


def close_view(image: np.ndarray, *, zoom: float) -> np.ndarray:
    side = image.shape[0]
    kept = round(side / zoom)
    start = (side - kept) // 3
    part = image[start : start + kept, start : start + kept]
    return cv2.resize(part, (side, side), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def sources() -> list[np.ndarray]:
    return [source(seed) for seed in range(30)]


@pytest.fixture(scope="module")
def records(sources: list[np.ndarray]) -> list[np.void]:
    return [record(image) for image in sources]


def named(asking: Asking, records: list[np.void], *, memory_mib: int = 64) -> list[int]:
    parts = PartIndex(
        shown=[np.array([row]) for row in range(len(records) - 1)],
        features=records.__getitem__,
        memory_mib=memory_mib,
    )
    with single_threaded():
        pairs = find_alike([asking], parts, records.__getitem__, num_images=2)
    assert (pairs == asking.row).any(axis=1).all()
    return [a if b == asking.row else b for a, b in pairs.tolist()]


@pytest.mark.parametrize("zoom", [1.4, 2.0, 2.5])
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_a_close_view_names_its_source_first(sources, records, zoom, is_mirrored):
    for row in (3, 17):
        view = close_view(sources[row], zoom=zoom)
        view = np.ascontiguousarray(view[:, ::-1]) if is_mirrored else view

        assert named(Asking(30, 30, 1), [*records, record(view)]) == [row]


def test_block_by_block_the_same_source_is_named(sources, records):
    view = record(close_view(sources[17], zoom=2))

    found = named(Asking(30, 30, 1), [*records, view], memory_mib=0)

    assert found == [17]


def test_so_many_keypoints_that_cells_are_learnt_name_the_same_source(sources):
    many = [record(a_picture(seed, size_px=128)) for seed in range(120)]
    many[40] = record(sources[17])
    assert sum(int(one["num"]) for one in many) > NUM_TRAINING

    found = named(Asking(120, 120, 1), [*many, record(close_view(sources[17], zoom=2))])

    assert found == [40]


def test_a_row_names_no_more_parts_than_it_may_and_never_its_own(records):
    found = find_alike(
        [Asking(0, 0, 3)],
        PartIndex(
            shown=[np.array([0, 1]), *(np.array([row]) for row in range(2, 30))],
            features=records.__getitem__,
            memory_mib=64,
        ),
        records.__getitem__,
        num_images=2,
    )

    assert len(found) == 3
    assert (found[:, 0] == 0).all()
    assert 1 not in found


def test_images_without_keypoints_name_nobody_and_are_named_by_nobody():
    blank = np.zeros(2, feature_dtype(NUM_KEYPOINTS))

    found = find_alike(
        [Asking(0, 0, 5), Asking(1, 1, 5)],
        PartIndex(
            shown=[np.array([0]), np.array([1])],
            features=blank.__getitem__,
            memory_mib=64,
        ),
        blank.__getitem__,
        num_images=2,
    )

    assert found.shape == (0, 2)


def test_all_members_of_a_small_family_ask_and_two_of_any_other():
    ranked = [np.arange(20), np.arange(20, 40), np.arange(40, 44)]

    asking = choose_asking(ranked)

    assert [one.row for one in asking] == [0, 19, 20, 39, 40, 41, 42, 43]
    assert [one.part for one in asking] == [0, 0, 1, 1, 2, 2, 2, 2]


def test_where_all_are_alone_each_asks_and_names_fewer():
    ranked = [np.array([row]) for row in range(10_000)]

    asking = choose_asking(ranked)

    assert len(asking) == 10_000
    assert {one.num_parts for one in asking} == {5}


def test_in_a_set_too_large_the_smallest_families_ask():
    ranked = [np.array([row]) for row in range(20_000)]
    ranked += [np.arange(20_000 + 2 * n, 20_002 + 2 * n) for n in range(5_000)]

    asking = choose_asking(ranked)

    assert len(asking) == 200_000_000 // 30_000
    assert {len(ranked[one.part]) for one in asking} == {1}


def test_no_rows_ask_nothing():
    none = np.zeros(0, np.int64)

    assert SecondLook([].__getitem__, memory_mib=64)(none, none).shape == (0, 2)
