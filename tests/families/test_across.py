"""Pictures of one data set that show tissue of another."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from lcc.data.changes import close_view, mirror, rotate
from lcc.data.sample import draw_source
from lcc.families.across import LinkedSet, find_across
from lcc.families.edges import EdgeKind, kinds_of
from lcc.families.link_step import LinkShards
from lcc.prepare.steps import hash_shards, list_images
from tests.builders.preparation import SilentCounter, a_task

SIDE_PX = 96
NUM_PLANTED = 20
NUM_STRANGERS = 1


def a_drawn_set(folder: Path, *, seed: int, num_images: int) -> list[np.ndarray]:
    """Draw unrelated tiles of two classes into a folder; return their pixels."""
    tiles = []
    for number in range(num_images):
        label = ("lung_aca", "lung_scc")[number % 2]
        draw = np.random.default_rng([seed, number])
        tile = draw_source(label, size_px=SIDE_PX, seed=draw)
        tiles.append(np.asarray(tile, np.uint8))
        save(tiles[-1], folder / label / f"{number:03d}.png")
    return tiles


def save(tile: np.ndarray, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), cv2.cvtColor(tile, cv2.COLOR_RGB2BGR))


def linked(folder: Path, source: Path) -> tuple[LinkedSet, list[str]]:
    """Hash a set; return its pictures, each a group of its own, and their paths."""
    task = a_task(
        folder,
        source,
        name=source.name,
        run_id=f"prepare-{source.name}",
        tile_size_px=SIDE_PX,
        families={},
    )
    listing = list_images(task)
    hash_shards(task, process_index=0, num_processes=1)
    pictures = LinkShards(
        hashed=task.hash_shards(listing), settings=task.settings.data.families
    )
    codes = np.arange(len(listing))
    found = LinkedSet(linked=pictures, family=codes, group=codes, size_px=SIDE_PX)
    return found, listing.table["path"].to_pylist()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory):
    """Twenty turned and zoomed copies of known tiles among strangers."""
    folder = tmp_path_factory.mktemp("sets")
    tiles = a_drawn_set(folder / "known", seed=0, num_images=NUM_PLANTED)
    a_drawn_set(folder / "other", seed=1, num_images=NUM_STRANGERS)
    draw = np.random.default_rng(2)
    for number, tile in enumerate(tiles):
        change = (rotate, close_view)[number % 2]
        copy = mirror(change(tile, draw), draw)
        save(copy, folder / "other" / "lung_scc" / f"planted{number:03d}.png")
    known, known_paths = linked(folder, folder / "known")
    others, other_paths = linked(folder, folder / "other")
    settings = known.linked.settings
    edges = find_across(known, others, settings=settings, progress=SilentCounter)
    pairs = [
        (known_paths[edge["a"]], other_paths[edge["b"]]) for edge in edges.to_pylist()
    ]
    return pairs, kinds_of(edges, settings)


def test_each_turned_and_zoomed_copy_is_tied_to_its_source(found):
    pairs, kinds = found

    tied = {
        (Path(ours).stem, Path(theirs).stem.removeprefix("planted"))
        for (ours, theirs), kind in zip(pairs, kinds, strict=True)
        if kind != EdgeKind.QUESTION
    }
    assert {(f"{n:03d}", f"{n:03d}") for n in range(NUM_PLANTED)} <= tied


def test_strangers_are_tied_to_nothing(found):
    pairs, _ = found

    assert all("planted" in theirs for _, theirs in pairs)
