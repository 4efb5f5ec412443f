"""What a page of families shows: which first, and the same tissue at the same spot."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from lcc.data.drawing import NOTHING, lay, lay_over, transform_of
from lcc.gallery.cards import Cards
from lcc.gallery.lineage import trace_lineage
from lcc.gallery.pages import write_gallery
from lcc.gallery.ranking import edges_between_families, rank_families
from tests.builders.families import a_catalogue, an_edge, some_edges
from tests.builders.pictures import a_picture
from tests.builders.preparation import SilentCounter

HALF = np.array([[0.5, 0.0, 0.25], [0.0, 0.5, 0.25]])  # a is the middle of b
LEFT = np.array([[1.0, 0.0, -0.25], [0.0, 1.0, 0.0]])


def a_smooth_picture(seed: int = 0, size_px: int = 128) -> np.ndarray:
    noise = a_picture(seed, size_px=size_px)
    smooth = cv2.GaussianBlur(noise, (0, 0), 6)
    return cv2.normalize(smooth, None, 0, 200, cv2.NORM_MINMAX).astype(np.uint8)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    shown = (one != NOTHING).any(axis=2) & (other != NOTHING).any(axis=2)
    return float(np.corrcoef(one[shown].ravel(), other[shown].ravel())[0, 1])


def test_a_tile_is_laid_where_its_content_lies_in_the_other():
    whole = a_smooth_picture()
    middle = cv2.resize(whole[32:96, 32:96], (128, 128), interpolation=cv2.INTER_CUBIC)

    laid = lay(middle, transform_of(HALF, mirrored=False), size_px=128)

    assert likeness(laid, whole) > 0.99
    assert (laid[:30] == NOTHING).all()


def test_a_mirrored_tile_is_turned_round():
    whole = a_smooth_picture()

    laid = lay(whole[:, ::-1], transform_of(np.eye(2, 3), mirrored=True), size_px=128)

    assert likeness(laid, whole) > 0.999


def test_a_chessboard_of_two_copies_looks_like_either():
    whole = a_smooth_picture()

    board = lay_over(whole, whole, np.eye(3), size_px=128)

    inner = (slice(4, -4), slice(4, -4))
    assert likeness(board[inner], whole[inner]) > 0.999


def test_edges_of_either_direction_lead_to_the_leader():
    catalogue = a_catalogue([0] * 3, [0] * 3)
    edges = some_edges(
        an_edge(0, 2, matrix=HALF), an_edge(1, 2, matrix=LEFT, mirrored=True)
    )

    lineage = trace_lineage(catalogue, edges)
    transform = lineage.to_leader(1)

    assert transform is not None
    # Row 1 → mirrored and moved into 2 → 2 is twice as large as 0.
    corner = transform @ [0, 0, 1]
    assert corner[:2] == pytest.approx([(1.25 - 0.25) / 0.5, (0 - 0.25) / 0.5])
    assert lineage.to_leader(0) == pytest.approx(np.eye(3))


def test_families_that_deserve_a_look_come_first():
    #                        alone   two joined     far      sure    alarmed
    catalogue = a_catalogue([0, 0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5],
                            [0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4])  # fmt: skip
    edges = some_edges(
        an_edge(0, 1, 20), an_edge(2, 3), an_edge(4, 5), an_edge(3, 4, overlap=0.2),
        an_edge(6, 7), an_edge(7, 8), an_edge(9, 10, 90), an_edge(11, 12, 90),
    )  # fmt: skip

    lineage = trace_lineage(catalogue, edges)

    assert rank_families(catalogue, lineage, [("family", 5)]) == [5, 1, 2, 3, 0, 4]
    assert edges_between_families(catalogue, edges) == [3]


@pytest.fixture
def cards() -> Cards:
    """Five families of two: a tile and its middle half."""
    whole = [a_smooth_picture(seed) for seed in range(5)]
    halves = [cv2.resize(tile[32:96, 32:96], (128, 128)) for tile in whole]
    tiles = [tile for pair in zip(whole, halves, strict=True) for tile in pair]
    families = np.repeat(np.arange(5), 2).tolist()
    catalogue = a_catalogue(families, families)
    back = np.array([[2.0, 0.0, -0.5], [0.0, 2.0, -0.5]])
    made = [an_edge(row, row + 1, matrix=back) for row in range(0, 10, 2)]
    edges = some_edges(*made, questions=frozenset({4}))
    return Cards(
        catalogue=catalogue,
        edges=edges,
        lineage=trace_lineage(catalogue, edges),
        read=tiles.__getitem__,
    )


def test_pages_hold_every_family_once_and_lead_to_one_another(
    cards: Cards, tmp_path: Path
):
    alarms = [{"kind": "family", "code": 3, "text": "family 3: holds 2 pictures"}]

    files = write_gallery(
        tmp_path / "all.html",
        cards,
        alarms=alarms,
        progress=SilentCounter,
        per_page=2,
    )

    texts = [file.read_text() for file in files]
    shown = [re.findall(r'id="f(\d+)"', text) for text in texts]
    assert [file.name for file in files] == ["all.html", "all-2.html", "all-3.html"]
    assert shown == [["3", "0"], ["1", "2"], ["4"]]
    assert "Family 3: holds 2 pictures" in texts[0]
    assert "Questionable edges: 1" in texts[0]
    assert all('href="all-3.html"' in text for text in texts[:2])
    assert all(text.count("data:image/webp") >= 2 for text in texts)


def test_members_lie_on_their_leader(cards: Cards):
    card = cards.family(2, max_figures=8)

    assert [figure.path for figure in card.figures] == ["tile4", "tile5"]
    assert card.figures[0].text == "the first of the family"
    assert "50 inliers" in card.figures[1].text


def test_an_image_without_a_path_to_the_first_is_shown_and_said_to_be_so():
    catalogue = a_catalogue([0, 0, 0], [0, 0, 0])
    edges = some_edges(an_edge(0, 1))
    tile = a_smooth_picture()
    cards = Cards(
        catalogue=catalogue,
        edges=edges,
        lineage=trace_lineage(catalogue, edges),
        read=[tile, tile, tile].__getitem__,
    )

    texts = [figure.text for figure in cards.family(0, max_figures=8).figures]

    assert texts[:2] == ["the first of the family", "no edge leads to the first"]
