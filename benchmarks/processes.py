"""Two processes against one: the link step of `prepare`, and `find_families`.

Real tiles, hashed once; then both by turns, medians of three. A busy loop in two
processes against one says what the machine can give.

    python benchmarks/processes.py [--tiles FOLDER] [--num-images 3000]

Wanted: two processes ≥ 1.8 × one.
"""

import statistics
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from hash_step import NoProgress, copy_some, measure, parse_arguments, run_processes

from lcc import find_families
from lcc.config.settings import Settings
from lcc.data.work import single_threaded
from lcc.prepare.steps import hash_shards, link_shards, list_images
from lcc.prepare.task import Task
from lcc.storage.uri import open_store

NUM_ROUNDS = 3
NUM_SHARDS = 8


def main() -> None:
    arguments = parse_arguments()
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        source = copy_some(arguments.tiles, work / "tiles", arguments.num_images)
        files = sorted(path for path in source.rglob("*") if path.is_file())
        task = a_task(source, work / "root")
        list_images(task)
        run_processes(partial(run_hash, task), 2)
        for _ in range(NUM_ROUNDS):
            for count in (1, 2):
                measured = {
                    "link step": run_link(task, count),
                    "find_families": measure(
                        partial(find_families, files, n_jobs=count)
                    ),
                    "busy loop": run_processes(busy, count),
                }
                for name, value in measured.items():
                    seconds.setdefault(f"{name} {count}", []).append(value)
    print(f"images={len(files)} rounds={NUM_ROUNDS}")
    for name in measured:
        one, two = (statistics.median(seconds[f"{name} {count}"]) for count in (1, 2))
        print(f"{name:<14}{len(files) / two:8.1f} images/s  {one / two:6.2f} × one")


def a_task(source: Path, root: Path) -> Task:
    data = {"source": str(source), "name": "tiles", "num_shards": NUM_SHARDS}
    settings = Settings.model_validate({"storage": {"root": str(root)}, "data": data})
    root.mkdir()
    return Task(
        run_id="benchmark",
        store=open_store(str(root)),
        settings=settings,
        scratch=root,
        progress=NoProgress,
    )


def run_hash(task: Task, index: int, count: int) -> None:
    scratch = task.scratch / f"scratch-{index}"
    scratch.mkdir()
    hash_shards(
        replace(task, scratch=scratch), process_index=index, num_processes=count
    )


def run_link(task: Task, count: int) -> float:
    for shard in task.scratch.glob("work/*/link/*"):
        shard.unlink()

    def link(index: int, num_processes: int) -> None:
        link_shards(task, process_index=index, num_processes=num_processes)

    return run_processes(link, count)


def busy(index: int, count: int) -> None:
    """Multiply matrices in this process's share of the rounds."""
    matrix = np.random.default_rng(index).random((200, 128), dtype=np.float32)
    with single_threaded():
        for _ in range(40_000 // count):
            matrix @ matrix.T


if __name__ == "__main__":
    main()
