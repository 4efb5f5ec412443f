"""Families of real tiles that a method once tore; skipped where they are absent."""

import csv
from pathlib import Path

import numpy as np
import pytest

from lcc import find_families

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_tiles = pytest.mark.skipif(not DATA.is_dir(), reason="needs the real tiles")


@needs_tiles
@pytest.mark.slow
def test_close_views_of_a_real_source_are_one_family_with_the_wide_ones():
    folder = DATA / "zoomed-family"
    with (folder / "views.csv").open(newline="") as file:
        views = [folder / row["path"] for row in csv.DictReader(file)]
    strangers = DATA / "lc25000-lung-224" / "lung_n"
    tiles = sorted(strangers.glob("*.jpeg"))[:300]

    found = find_families([*views, *tiles], n_jobs=2)

    assert len(set(found.family[: len(views)].tolist())) == 1
    assert not np.isin(found.group[len(views) :], found.group[: len(views)]).any()
