"""Families of real tiles, ours against imagededup's PHash, on the same processes.

Ours: the steps hash, link and catalogue. The peer: PHash of each tile in its eight
flips and quarter turns, then `find_duplicates` over all of them. Prints seconds, those
of processors too, which others on the machine disturb less, the ratio of each, and
recall and precision over all pairs of tiles, by the hand-made families.
Usage: python benchmarks/prepare_peer.py FAMILIES.csv [--processes 2]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from peer import MAX_DISTANCE, load_methods, symmetries
from tiles import Tiles, in_processes, read_image, read_tiles

from lcc.data.catalogue import read_catalogue
from lcc.storage.uri import open_store

Codes = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", type=Path)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    tiles = read_tiles(arguments.families)
    truth = np.unique(tiles.families, return_inverse=True)[1]
    with tempfile.TemporaryDirectory() as folder:
        seconds, ours = prepare(
            arguments.families.parent, tiles, Path(folder), arguments.processes
        )
    print(f"lcc: {told(seconds)}, {quality(same_code(ours), truth)}", flush=True)
    peer_seconds, pairs = deduplicate(tiles, arguments.processes)
    print(f"imagededup PHash × 8: {told(peer_seconds)}, {quality(pairs, truth)}")
    wall, processors = seconds / peer_seconds
    print(f"lcc / imagededup: {wall:.2f} of the time, {processors:.2f} of processors'")


def clock() -> NDArray[np.float64]:
    """Return seconds of the wall, and of processors here and in ended children."""
    used = os.times()
    children = used.children_user + used.children_system
    return np.array([used.elapsed, used.user + used.system + children])


def told(seconds: NDArray[np.float64]) -> str:
    return f"{seconds[0]:.0f} s, {seconds[1]:.0f} s of processors"


def prepare(
    source: Path, tiles: Tiles, work: Path, num_processes: int
) -> tuple[NDArray[np.float64], Codes]:
    """Return seconds of the three steps, and the family of each tile."""
    settings = work / "settings.yaml"
    root = str(work / "root")
    data = {"source": str(source), "name": "tiles"}
    settings.write_text(yaml.safe_dump({"storage": {"root": root}, "data": data}))
    run_step("list", settings, 1)
    start = clock()
    run_step("hash", settings, num_processes)
    run_step("link", settings, num_processes)
    run_step("catalogue", settings, 1)
    seconds = clock() - start
    catalogue = read_catalogue(open_store(root), name="tiles")
    families = dict(zip(catalogue.paths, catalogue.families.tolist(), strict=True))
    return seconds, np.array(
        [families[path.relative_to(source).as_posix()] for path in tiles.paths]
    )


def run_step(step: str, settings: Path, num_processes: int) -> None:
    command = [sys.executable, "-m", f"jobs.{step}", "--settings", str(settings)]
    command += ["--run", "benchmark", "--num-processes", str(num_processes)]
    started = [
        subprocess.Popen(
            [*command, "--process-index", str(index)], stdout=subprocess.DEVNULL
        )
        for index in range(num_processes)
    ]
    codes = [process.wait() for process in started]
    if any(codes):
        sys.exit(f"{step} failed")


def deduplicate(
    tiles: Tiles, num_processes: int
) -> tuple[NDArray[np.float64], set[tuple[int, int]]]:
    """Return seconds, and the pairs of tiles that the peer calls duplicates."""
    method = load_methods()["PHash"]
    start = clock()
    hashes = in_processes(encode, tiles.paths)
    names = {
        f"{row}-{turn}": code
        for row, codes in enumerate(hashes)
        for turn, code in enumerate(codes)
    }
    found = method.find_duplicates(
        encoding_map=names,
        max_distance_threshold=MAX_DISTANCE,
        num_dist_workers=num_processes,
    )
    seconds = clock() - start
    rows = [
        (int(name.split("-")[0]), int(other.split("-")[0]))
        for name, others in found.items()
        for other in others
    ]
    return seconds, {(a, b) for a, b in rows if a < b}


def encode(path: Path) -> Sequence[str]:
    method = load_methods()["PHash"]
    return [
        method.encode_image(image_array=view) for view in symmetries(read_image(path))
    ]


def same_code(codes: Codes) -> set[tuple[int, int]]:
    """Return the pairs of rows with one code."""
    pairs: set[tuple[int, int]] = set()
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code).tolist()
        pairs.update((a, b) for a in rows for b in rows if a < b)
    return pairs


def quality(found: set[tuple[int, int]], truth: Codes) -> str:
    wanted = same_code(truth)
    shared = len(found & wanted)
    return f"recall {shared / len(wanted):.4f}, precision {shared / len(found):.4f}"


if __name__ == "__main__":
    main()
