"""What ordinary features do not tie is looked at closely; both judges must agree."""

import numpy as np
import pytest

from lcc.config.data import FamilySettings
from lcc.data.features import extract_closely, extract_features
from lcc.data.sample import draw_source
from lcc.families.closer import CloserLook
from lcc.families.clustering import Clustering, join_families
from lcc.families.edges import Edge, EdgeKind, kind_of, tabulate_edges
from lcc.families.marks import find_marks
from lcc.families.verification import verify_pair

SETTINGS = FamilySettings()
SIDE = 224


def fields(seed: int, *, shared: float) -> list[np.ndarray]:
    """Return two squares of one source that share so much of their side."""
    draw = np.random.default_rng(seed)
    source = draw_source("lung_scc", size_px=2 * SIDE, seed=draw)
    start = round((1 - shared) * SIDE)
    return [
        np.ascontiguousarray(source[:SIDE, left : left + SIDE]) for left in (0, start)
    ]


def look_closely(
    images: list[np.ndarray], settings: FamilySettings = SETTINGS
) -> list[Edge]:
    records = [extract_closely(image) for image in images]
    marks = find_marks(records.__getitem__, len(records))
    closer = CloserLook(pixels=images.__getitem__, marks=marks, settings=settings)
    return closer(np.array([[0, 1]]))


@pytest.mark.parametrize("seed", range(4))
def test_fields_that_share_a_narrow_strip_are_tied_by_what_is_seen_closely(seed):
    images = fields(seed, shared=0.15)
    records = [extract_features(image, num_keypoints=200)[0] for image in images]

    edges = look_closely(images)

    ordinary = verify_pair(0, 1, features=records.__getitem__, settings=SETTINGS)
    assert ordinary is None
    assert [kind_of(edge, SETTINGS) for edge in edges] == [EdgeKind.OVERLAP]
    assert edges[0].overlap == pytest.approx(0.15, abs=0.02)


def test_strangers_are_not_tied_however_closely_one_looks():
    assert look_closely([fields(0, shared=0)[0], fields(1, shared=0)[1]]) == []


def test_keypoints_that_agree_are_not_enough_where_pixels_do_not():
    one, other = fields(0, shared=0.15)
    light = np.linspace(-90, 90, SIDE)[:, None, None]  # keypoints are blind to it
    other = np.clip(other + light, 0, 255).astype(np.uint8)
    lenient = SETTINGS.model_copy(update={"min_correlation": 0.01})

    assert len(look_closely([one, other], lenient)) == 1
    assert look_closely([one, other]) == []


def an_edge(a: int, b: int) -> Edge:
    return Edge(
        a=a,
        b=b,
        angle=0.0,
        scale=1.0,
        mirrored=False,
        inliers=50,
        overlap=0.3,
        correlation=0.9,
        matrix=(1.0, 0.0, 0.7, 0.0, 1.0, 0.0),
    )


def join(
    named: list[tuple[int, int]], num_rows: int, *, num_tied: int = 0
) -> tuple[Clustering, list]:
    """Join two tied rows and others, of which the first so many pairs prove tied.

    Returns:
        Families, and what was looked at closely.
    """
    looked_at: list[tuple[int, ...]] = []

    def verify_closely(pairs: np.ndarray) -> list[Edge]:
        looked_at.extend(map(tuple, pairs.tolist()))
        tied = set(named[:num_tied])
        return [an_edge(a, b) for a, b in pairs.tolist() if (a, b) in tied]

    joined = join_families(
        tabulate_edges([an_edge(0, 1)]),
        num_rows,
        look=lambda *_: np.array(named, np.int64),
        verify=lambda _: [],
        verify_closely=verify_closely,
        settings=SETTINGS,
    )
    return joined, looked_at


def test_what_is_tied_already_is_not_looked_at_closely():
    _, looked_at = join([(0, 2), (0, 1)], 3)

    assert looked_at == [(0, 2)]


def test_of_many_pairs_those_that_stand_out_most_are_looked_at_closely():
    named = [(row, 1999) for row in range(1500, 2, -1)]

    _, looked_at = join(named, 2000)

    assert looked_at == sorted(named[:500])


def test_while_it_pays_those_that_stand_out_less_are_looked_at_too():
    named = [(2 * row, 2 * row + 1) for row in range(1, 1500)]

    _, looked_at = join(named, 3000, num_tied=500)

    assert looked_at == [*named[:600], *named[600:1200]]
