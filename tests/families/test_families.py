"""Families of copies whose making is known, and of pictures that are nobody's copy."""

from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcc import find_families
from lcc.config.data import FamilySettings
from lcc.data.features import extract_features
from lcc.data.sample import augment_copy, draw_source
from lcc.errors import NotFoundError
from lcc.families.alignment import overlap_of
from lcc.families.candidates import (
    build_index,
    find_candidates,
    find_nearest,
    share_pairs,
)
from lcc.families.clustering import join_families
from lcc.families.edges import EDGE_SCHEMA, Edge, EdgeKind, kind_of
from lcc.families.verification import find_edges, verify_pair, verify_pairs

SETTINGS = FamilySettings()


def a_source(seed: int = 0, *, size_px: int = 288) -> np.ndarray:
    return draw_source("lung_scc", size_px=size_px, seed=np.random.default_rng(seed))


def moved(
    source: np.ndarray, *, angle: float = 0.0, zoom: float = 1.0, stretch: float = 1.0
) -> np.ndarray:
    """Cut the middle two thirds out of a source, turned, zoomed and stretched."""
    side, tile = source.shape[0], source.shape[0] * 2 // 3
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, zoom)
    matrix[0] *= stretch
    middle = matrix @ [side / 2, side / 2, 1]
    matrix[:, 2] += tile / 2 - middle
    return cv2.warpAffine(source, matrix, (tile, tile), borderMode=cv2.BORDER_REFLECT)


def edge_of(first: np.ndarray, second: np.ndarray) -> Edge | None:
    records = [
        extract_features(image, num_keypoints=200)[0] for image in (first, second)
    ]
    return verify_pair(0, 1, features=records.__getitem__, settings=SETTINGS)


@pytest.mark.parametrize("angle", [-25.0, 0.0, 10.0, 90.0, 180.0])
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_a_turned_or_mirrored_copy_is_found_with_its_angle(angle, is_mirrored):
    source = a_source()
    copy = moved(source, angle=angle)

    edge = edge_of(
        moved(source), np.ascontiguousarray(copy[:, ::-1]) if is_mirrored else copy
    )

    assert edge is not None
    assert edge.mirrored is is_mirrored
    turned = (edge.angle + angle + 180) % 360 - 180  # OpenCV turns the other way
    assert abs(turned) < 1
    assert edge.scale == pytest.approx(1, abs=0.02)
    assert edge.correlation > 0.9


@pytest.mark.parametrize("zoom", [0.7, 1.4])
def test_a_zoomed_copy_is_found_with_its_scale(zoom):
    source = a_source(1)

    edge = edge_of(moved(source), moved(source, zoom=zoom))

    assert edge is not None
    assert edge.scale == pytest.approx(zoom, rel=0.03)


def test_a_copy_of_another_aspect_is_found():
    source = a_source(2)

    edge = edge_of(moved(source), moved(source, angle=20, stretch=1.3))

    assert edge is not None
    assert edge.inliers > 40


def test_half_a_tile_apart_overlap_by_half():
    source = a_source(3, size_px=300)

    edge = edge_of(
        np.ascontiguousarray(source[:200, :200]),
        np.ascontiguousarray(source[:200, 100:]),
    )

    assert edge is not None
    assert edge.overlap == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_other_sources_of_one_class_are_not_linked(seed):
    assert edge_of(moved(a_source(10 + seed)), moved(a_source(20 + seed))) is None


def blank(grey: int, *, slope: float = 0.0) -> np.ndarray:
    """Draw a tile without keypoints, brighter towards the right."""
    ramp = grey + slope * np.arange(96)
    return np.repeat(np.tile(ramp, (96, 1))[..., None], 3, axis=2).astype(np.uint8)


def test_blank_tiles_share_nothing_but_their_brightness():
    assert edge_of(blank(240), blank(241)) is None


def test_a_tile_without_keypoints_is_compared_by_pixels_and_remains_a_question():
    tile = blank(100, slope=0.8)

    edge = edge_of(tile, tile)

    assert edge is not None
    assert edge.inliers == 0
    assert kind_of(edge, SETTINGS) is EdgeKind.QUESTION


def test_blank_tiles_of_another_brightness_are_not_linked():
    assert edge_of(blank(240), blank(230)) is None


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_a_turned_tile_without_keypoints_is_found_with_its_transform(turn, is_mirrored):
    tile = blank(100, slope=0.8)
    copy = np.rot90(tile, turn)

    edge = edge_of(tile, np.ascontiguousarray(copy[:, ::-1] if is_mirrored else copy))

    assert edge is not None
    assert edge.correlation > 0.99


def test_a_copy_of_repeated_texture_is_found_by_pixels():
    stripes = np.repeat(np.tile([90, 90, 200, 200], 24)[None, :, None], 96, axis=0)
    tile = np.repeat(stripes, 3, axis=2).astype(np.uint8)
    _, saved = cv2.imencode(".jpg", tile, [cv2.IMWRITE_JPEG_QUALITY, 80])

    edge = edge_of(tile, cv2.imdecode(saved, cv2.IMREAD_COLOR))

    assert edge is not None
    assert edge.overlap == pytest.approx(1)


def test_equal_tiles_overlap_completely():
    assert overlap_of(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])) == 1
    assert overlap_of(np.array([[-1.0, 0.0, 1.0], [0.0, -1.0, 1.0]])) == 1


def test_tiles_side_by_side_do_not_overlap():
    assert overlap_of(np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])) == 0


def test_the_global_descriptor_hardly_changes_with_a_flip():
    images = [moved(a_source(seed)) for seed in range(6)]
    flipped = [np.ascontiguousarray(image[:, ::-1]) for image in images]

    plain, other = (
        np.stack([extract_features(i, num_keypoints=200)[1] for i in each])
        for each in (images, flipped)
    )

    likeness = plain.astype(np.float32) @ other.T.astype(np.float32)
    assert np.diag(likeness).min() > 0.85
    assert (likeness.argmax(axis=1) == np.arange(6)).all()


def test_the_same_pixels_give_the_same_bytes():
    image = moved(a_source())

    first, second = (extract_features(image, num_keypoints=100) for _ in range(2))

    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()


def test_families_of_augmented_sources_are_exactly_the_sources():
    records, vectors, truth = [], [], []
    for number in range(6):
        generator = np.random.default_rng(number)
        canvas = draw_source("lung_aca", size_px=192, seed=generator)
        for _ in range(5):
            tile = augment_copy(canvas, size_px=128, seed=generator)
            record, vector = extract_features(tile, num_keypoints=200)
            records.append(record)
            vectors.append(vector)
            truth.append(number)
    descriptors = np.stack(vectors)
    pairs = find_candidates(descriptors, num_neighbours=10)
    edges = verify_pairs(pairs.tolist(), records.__getitem__, settings=SETTINGS)

    joined = join_families(
        edges,
        len(records),
        look=ask_nothing,
        verify=lambda pairs: find_edges(
            pairs.tolist(), records.__getitem__, settings=SETTINGS
        ),
        verify_closely=lambda _: [],
        settings=SETTINGS,
    )

    assert joined.family.tolist() == truth
    assert joined.group.tolist() == truth
    assert joined.alarms == ()


def ask_nothing(family: np.ndarray, degree: np.ndarray) -> np.ndarray:
    assert len(family) == len(degree)
    return np.zeros((0, 2), np.int64)


def an_edge(
    a: int,
    b: int,
    *,
    overlap: float = 0.9,
    correlation: float = 0.9,
    shift: float = 0.0,
) -> dict:
    return {
        "a": a,
        "b": b,
        "angle": 0.0,
        "scale": 1.0,
        "mirrored": False,
        "inliers": 50,
        "overlap": overlap,
        "correlation": correlation,
        "matrix": [1.0, 0.0, shift, 0.0, 1.0, 0.0],
    }


def join(edges: list[dict], num_rows: int):
    return join_families(
        pa.Table.from_pylist(edges, schema=EDGE_SCHEMA),
        num_rows,
        look=ask_nothing,
        verify=lambda _: [],
        verify_closely=lambda _: [],
        settings=SETTINGS,
    )


def clique(rows: range) -> list[dict]:
    return [an_edge(a, b) for a in rows for b in rows if a < b]


def test_one_false_edge_does_not_chain_two_families():
    joined = join([*clique(range(5)), *clique(range(5, 10)), an_edge(4, 5)], 10)

    assert joined.family.tolist() == [0] * 5 + [1] * 5
    assert joined.group.tolist() == [0] * 10  # still never divided


def test_a_small_overlap_joins_groups_but_not_families():
    joined = join(
        [*clique(range(3)), *clique(range(3, 6)), an_edge(0, 3, overlap=0.2)], 6
    )

    assert joined.family.tolist() == [0, 0, 0, 1, 1, 1]
    assert joined.group.tolist() == [0] * 6


def test_an_edge_that_one_judge_doubts_joins_groups_only():
    doubted = an_edge(0, 3, correlation=0.3)

    joined = join([*clique(range(3)), *clique(range(3, 6)), doubted], 6)

    assert joined.family.tolist() == [0, 0, 0, 1, 1, 1]
    assert joined.group.tolist() == [0] * 6


@given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8), st.data())
def test_planted_false_edges_join_no_two_families(wrong: set[tuple[int, int]], data):
    size, count = 5, 6
    planted = {
        tuple(sorted((first * size + a, second * size + b)))
        for first, second in {
            tuple(sorted(pair)) for pair in wrong if pair[0] != pair[1]
        }
        for a, b in [data.draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))]
    }
    true = [
        edge
        for family in range(count)
        for edge in clique(range(family * size, (family + 1) * size))
    ]

    joined = join([*true, *(an_edge(a, b) for a, b in planted)], size * count)

    assert joined.family.tolist() == np.repeat(range(count), size).tolist()
    assert all(joined.group[a] == joined.group[b] for a, b in planted)


def test_a_family_larger_than_its_tiles_have_neighbours_is_one():
    size, reach = 200, 10
    edges = [
        an_edge(a, b) for a in range(size) for b in range(a + 1, min(a + reach, size))
    ]

    joined = join_families(
        pa.Table.from_pylist(edges, schema=EDGE_SCHEMA),
        size,
        look=ask_nothing,
        verify=lambda pairs: [Edge(**an_edge(a, b)) for a, b in pairs.tolist()],
        verify_closely=lambda _: [],
        settings=SETTINGS,
    )

    assert set(joined.family.tolist()) == {0}


def test_neighbouring_fields_are_two_families_though_some_tiles_share_much():
    between = [
        an_edge(a, b, overlap=0.85 if a > 2 and b < 7 else 0.6)
        for a in range(5)
        for b in range(5, 10)
    ]

    joined = join([*clique(range(5)), *clique(range(5, 10)), *between], 10)

    assert joined.family.tolist() == [0] * 5 + [1] * 5
    assert joined.group.tolist() == [0] * 10


@pytest.mark.parametrize(("overlap", "families"), [(0.9, {0}), (0.6, {0, 1})])
def test_two_pieces_with_few_edges_are_one_family_if_most_pairs_would_have_one(
    overlap: float, families: set[int]
):
    edges = [*clique(range(5)), *clique(range(5, 10)), an_edge(4, 5)]

    joined = join_families(
        pa.Table.from_pylist(edges, schema=EDGE_SCHEMA),
        10,
        look=ask_nothing,
        verify=lambda pairs: [
            Edge(**an_edge(a, b, overlap=overlap)) for a, b in pairs.tolist()
        ],
        verify_closely=lambda _: [],
        settings=SETTINGS,
    )

    assert set(joined.family.tolist()) == families
    assert set(joined.group.tolist()) == {0}


def test_a_lone_tile_goes_home_to_the_family_that_shares_most_of_it():
    joined = join([*clique(range(4)), an_edge(2, 4)], 6)

    assert joined.family.tolist() == [0, 0, 0, 0, 0, 1]


def test_a_lone_tile_that_shares_less_stays_in_the_group():
    joined = join([*clique(range(4)), an_edge(2, 4, overlap=0.75)], 5)

    assert joined.family.tolist() == [0, 0, 0, 0, 1]
    assert joined.group.tolist() == [0] * 5


def test_the_order_of_edges_changes_nothing():
    edges = [*clique(range(4)), *clique(range(4, 9)), an_edge(3, 4)]
    shuffled = [edges[i] for i in np.random.default_rng(0).permutation(len(edges))]

    assert np.array_equal(join(edges, 9).family, join(shuffled, 9).family)


def test_a_giant_family_raises_an_alarm_that_names_it():
    singles = 400
    joined = join(clique(range(30)), 30 + singles)

    (alarm,) = joined.alarms
    assert str(alarm).startswith("family 0: holds 30 pictures, more than the 10 that")


def test_a_giant_group_of_small_families_raises_an_alarm_that_names_it():
    families = [clique(range(start, start + 4)) for start in range(0, 80, 4)]
    bridges = [an_edge(row, row + 4, overlap=0.2) for row in range(0, 36, 4)]
    joined = join([*chain.from_iterable(families), *bridges], 80)

    (alarm,) = joined.alarms
    assert str(alarm).startswith("group 0: holds 40 pictures, more than the 12 that")


def some_vectors(count: int) -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=(count, 512))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


def nearest_pairs(vectors: np.ndarray, count: int) -> list[list[int]]:
    likeness = vectors.astype(np.float32) @ vectors.T.astype(np.float32)
    likeness -= 2 * np.eye(len(vectors), dtype=np.float32)
    nearest = np.argsort(-likeness, axis=1)[:, :count]
    rows = range(len(vectors))
    found = {tuple(sorted((a, b))) for a in rows for b in nearest[a].tolist()}
    return [list(pair) for pair in sorted(found)]


def test_candidates_are_the_nearest_of_all_rows():
    vectors = some_vectors(40)

    pairs = find_candidates(vectors, num_neighbours=5)

    assert pairs.tolist() == nearest_pairs(vectors, 5)


@pytest.mark.parametrize("block_rows", [7, 13, 39])
def test_the_nearest_are_found_block_by_block_too(block_rows: int):
    vectors = some_vectors(40)
    indexes = [
        build_index(vectors[i : i + block_rows]) for i in range(0, 40, block_rows)
    ]

    in_blocks = find_nearest(vectors, indexes, num_nearest=6)

    whole = find_nearest(vectors, [build_index(vectors)], num_nearest=6)
    assert np.array_equal(in_blocks, whole)


@given(st.lists(st.integers(0, 3), min_size=40, max_size=40))
def test_however_rows_are_shared_each_pair_is_one_task(owners: list[int]):
    vectors = some_vectors(40)
    found = find_nearest(vectors, [build_index(vectors)], num_nearest=6)

    tasks = [
        share_pairs(
            np.flatnonzero(np.array(owners) == owner), found.__getitem__, num_rows=40
        )[0]
        for owner in range(4)
    ]

    shared = np.concatenate(tasks)
    assert (
        sorted(shared.tolist()) == find_candidates(vectors, num_neighbours=5).tolist()
    )


@pytest.mark.parametrize("num_rows", [0, 1])
def test_fewer_than_two_rows_have_no_candidates(num_rows: int):
    descriptors = np.zeros((num_rows, 512), np.float16)

    assert find_candidates(descriptors, num_neighbours=5).shape == (0, 2)


def test_close_views_of_many_sources_are_found_though_they_look_like_others():
    images = []
    for seed in range(40):
        whole = a_source(seed, size_px=160)
        images += [whole, cv2.resize(whole[40:120, 40:120], (160, 160))]

    found = find_families(images)

    assert found.group.tolist() == np.repeat(np.arange(40), 2).tolist()


@pytest.mark.parametrize("kind", [str, Path])
def test_a_folder_stands_for_the_images_below_it(tmp_path: Path, kind):
    source = a_source()
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    cv2.imwrite(str(tmp_path / "b/1.PNG"), moved(source))
    cv2.imwrite(str(tmp_path / "a.png"), moved(source, angle=10.0))
    cv2.imwrite(str(tmp_path / "c.png"), moved(a_source(1)))
    cv2.imwrite(str(tmp_path / ".hidden/1.png"), moved(source))
    (tmp_path / "labels.csv").write_text("path,label\n")

    found = find_families(kind(tmp_path))

    names = [str(path.relative_to(tmp_path)) for path in found.paths]
    assert names == ["a.png", "b/1.PNG", "c.png"]
    assert found.family.tolist() == [0, 0, 1]
    assert find_families(found.paths).group.tolist() == found.group.tolist()


@pytest.mark.parametrize(
    ("name", "got"), [("nowhere", "none"), ("empty", "no image in it")]
)
def test_a_folder_without_images_is_named(tmp_path: Path, name, got):
    (tmp_path / "empty").mkdir()

    with pytest.raises(NotFoundError) as caught:
        find_families(str(tmp_path / name))

    assert str(caught.value) == (
        f"images: must be a folder with images, got {got}: {tmp_path / name}. Check "
        "the path."
    )
