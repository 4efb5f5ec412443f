"""The hash step, features left out, against a bare loop of the same work.

The bare loop reads a file, takes MD5 and SHA-256, decodes it with OpenCV, takes the
SHA-256 of the pixels, resizes and appends the tile to a file. Both on one core, by
turns, medians of five. Then two processes against one, each with its share of the
shards; the bare loop's own gain from two processes is what the machine can give.

    python benchmarks/hash_step.py [--tiles FOLDER] [--num-images 3000]

Wanted: ratio ≥ 0.8, two processes ≥ 1.8 × one.
"""

import argparse
import hashlib
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from lcc.config.settings import Settings
from lcc.data.hashing import hash_image
from lcc.prepare.steps import hash_shards, list_images
from lcc.prepare.task import Task
from lcc.storage.uri import open_store

DEFAULT_TILES = Path(__file__).parents[2] / "shared" / "data" / "lc25000-lung-224"
SIZE_PX = 150  # the original notebook's; smaller than the source: both really resize
NUM_SHARDS = 8
NUM_ROUNDS = 5


class NoProgress:
    """Shows nothing."""

    def __init__(self, total: int) -> None:
        """Start."""

    def advance(self, count: int = 1) -> None:
        """Count, in silence."""


def main() -> None:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        source = copy_some(arguments.tiles, work / "tiles", arguments.num_images)
        files = sorted(path for path in source.rglob("*") if path.is_file())
        bare, step = [], []
        for number in range(NUM_ROUNDS):
            bare.append(measure(partial(bare_loop, files, work / "bare.tiles")))
            step.append(
                measure(partial(run_step, prepared(source, work / f"a{number}")))
            )
        ratio = statistics.median(bare) / statistics.median(step)
        print(f"images={len(files)} rounds={NUM_ROUNDS} size_px={SIZE_PX}")
        print(f"bare loop      {len(files) / statistics.median(bare):8.1f} images/s")
        print(f"hash step      {len(files) / statistics.median(step):8.1f} images/s")
        print(f"ratio          {ratio:8.2f}  (wanted ≥ 0.8)")
        speedup, limit = compare_processes(source, files, work)
        print(f"two processes  {speedup:8.2f} × one  (wanted ≥ 1.8)")
        print(f"  bare loop    {limit:8.2f} × one  (what this machine gives)")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    tiles = Path(os.environ.get("LCC_TEST_TILES", DEFAULT_TILES))
    parser.add_argument("--tiles", type=Path, default=tiles)
    parser.add_argument("--num-images", type=int, default=3000)
    return parser.parse_args()


def copy_some(source: Path, target: Path, count: int) -> Path:
    """Link `count` images, the same number of each class."""
    folders = sorted(path for path in source.iterdir() if path.is_dir())
    for folder in folders:
        (target / folder.name).mkdir(parents=True)
        for path in sorted(folder.iterdir())[: count // len(folders)]:
            (target / folder.name / path.name).symlink_to(path.absolute())
    return target


def prepared(source: Path, root: Path) -> Task:
    """Return a task whose listing is made."""
    settings = Settings.model_validate(
        {
            "storage": {"root": str(root)},
            "data": {
                "source": str(source),
                "name": "tiles",
                "tile_size_px": SIZE_PX,
                "num_shards": NUM_SHARDS,
            },
        }
    )
    root.mkdir()
    task = Task(
        run_id="benchmark",
        store=open_store(str(root)),
        settings=settings,
        scratch=root,
        progress=NoProgress,
    )
    list_images(task)
    return task


def run_step(task: Task, index: int = 0, num_processes: int = 1) -> None:
    """Hash without features."""
    scratch = task.scratch / f"scratch-{index}"
    scratch.mkdir(exist_ok=True)
    own = replace(task, scratch=scratch)
    bare_hash = partial(hash_image, size_px=SIZE_PX, max_megapixels=200, extract=None)
    hash_shards(own, process_index=index, num_processes=num_processes, hasher=bare_hash)


def bare_loop(files: list[Path], target: Path) -> None:
    """Do the same work with nothing around it."""
    cv2.setNumThreads(1)
    with target.open("wb") as out:
        for path in files:
            data = path.read_bytes()
            hashlib.md5(data, usedforsecurity=False).hexdigest()
            hashlib.sha256(data).hexdigest()
            buffer = np.frombuffer(data, np.uint8)
            pixels = cv2.imdecode(buffer, cv2.IMREAD_COLOR_RGB)
            hashlib.sha256(pixels).hexdigest()
            tile = cv2.resize(pixels, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)
            out.write(tile)


def compare_processes(
    source: Path, files: list[Path], work: Path
) -> tuple[float, float]:
    """Return how much faster two processes are than one: the step, the bare loop."""

    def bare(index: int, count: int) -> None:
        bare_loop(files[index::count], work / f"bare-{index}.tiles")

    seconds: dict[str, list[float]] = {
        "step1": [],
        "step2": [],
        "bare1": [],
        "bare2": [],
    }
    for number in range(NUM_ROUNDS):
        for count in (1, 2):
            task = prepared(source, work / f"processes-{number}-{count}")
            seconds[f"step{count}"].append(
                run_processes(partial(run_step, task), count)
            )
            seconds[f"bare{count}"].append(run_processes(bare, count))
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    return middle["step1"] / middle["step2"], middle["bare1"] / middle["bare2"]


def run_processes(work: Callable[[int, int], None], count: int) -> float:
    """Return the seconds of the slowest of `count` processes, start-up left out."""
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(count + 1)

    def run(index: int) -> None:
        ready.wait()
        work(index, count)

    workers = [context.Process(target=run, args=(index,)) for index in range(count)]
    for worker in workers:
        worker.start()
    ready.wait()
    return measure(lambda: [worker.join() for worker in workers])


def measure(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
