"""Does the step `predict` keep its network busy?

Images a second of the step in one process, with the network loaded, beside a bare loop
that decodes the same files and a bare `model.predict` on their tiles, by turns; and the
step over the slower of these. And the processor time of the step over that of the two
together: what it adds, also where other work shares the machine. Where cores are few, a
network as fast as the decoder leaves no core for it.
Usage: python benchmarks/predict.py ROOT SOURCE [--model RUN] [--rounds 5] [--repeat 1]
ROOT is changed: take a copy. The model must lie there; SOURCE is a folder of images.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lcc.config.load import changed_settings
from lcc.config.settings import Settings
from lcc.data.tiles import decode_tile
from lcc.data.work import single_threaded
from lcc.evaluate.predicting import open_network
from lcc.launch.evaluations import evaluations_of
from lcc.launch.models import trained_runs
from lcc.predict.answers import BATCH
from lcc.predict.steps import answer_given, list_new_images, open_model
from lcc.predict.task import PredictTask
from lcc.storage import layout
from lcc.storage.local import LocalStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=1, help="links to each image")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source = links(arguments.source, Path(scratch, "new"), arguments.repeat)
        task = a_task(arguments.root, source, Path(scratch), arguments.model)
        with single_threaded():
            report(task, arguments.rounds)
    print(f"{os.cpu_count()} cores, model {task.model_run}, {task.rules.side_px} px")


def links(source: Path, folder: Path, repeat: int) -> Path:
    """Return a folder with several links to each image of another."""
    for number in range(repeat):
        shutil.copytree(source, folder / str(number), copy_function=os.link)
    return folder


def a_task(root: Path, source: Path, scratch: Path, model: str | None) -> PredictTask:
    """Return the task of a run that has listed the source."""
    store = LocalStore(root)
    run = model or trained_runs(store)[-1]
    own = {
        "storage.root": store.uri,
        "predict.source": source.as_uri(),
        "predict.model_run": run,
        "predict.evaluation": next(iter(evaluations_of(store, run)), None),
        "predict.resize": True,
    }
    name = f"predict-benchmark-{time.time_ns()}"
    settings = changed_settings(Settings(), own)
    task = PredictTask(run_id=name, store=store, settings=settings, scratch=scratch)
    list_new_images(task)
    return task


def report(task: PredictTask, rounds: int) -> None:
    """Print the figures."""
    store, rules = task.store, task.rules
    ask = open_model(task)
    folder = Path(task.source.uri.removeprefix("file://"))
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    model = open_network(
        store, task.model_run, task.scratch, side_px=rules.side_px
    ).model
    tiles = np.stack([decode(path, rules.side_px) for path in paths])
    numbers = range(len(task.shards))

    def step() -> None:
        answer_given(task, numbers, ask)

    def decoding() -> None:
        for path in paths:
            decode(path, rules.side_px)

    def predicting() -> None:
        model.predict(tiles, batch_size=BATCH, verbose=0)

    works = {"decode loop": decoding, "model.predict": predicting, "step": step}
    seconds = by_turns(works, rounds)
    for number in numbers:
        store.delete(task.shards.key(number))
    for key in (layout.images_listed, layout.images_note):
        store.delete(key(task.run_id))
    wall, busy = (
        {name: np.array(own)[:, column] for name, own in seconds.items()}
        for column in (0, 1)
    )
    for name in works:
        pace = len(paths) / wall[name]
        print(
            f"{name:<14}{np.median(pace):9.1f} images/s ({pace.min():.1f}–"
            f"{pace.max():.1f}), {1000 * np.median(busy[name]) / len(paths):.2f} ms of "
            "processor an image"
        )
    bare = ("decode loop", "model.predict")
    slower = max(np.median(wall[name]) for name in bare)
    both = sum(np.median(busy[name]) for name in bare)
    print(f"step / the slower of the two: {slower / np.median(wall['step']):.2f}")
    print(f"processor, step / the two: {np.median(busy['step']) / both:.2f}")
    print(f"{len(paths)} images, {rounds} rounds")


def decode(path: Path, side_px: int) -> np.ndarray:
    """Return the tile of a file."""
    return decode_tile(path.read_bytes(), size_px=side_px, max_megapixels=200)[1]


def by_turns(
    works: dict[str, Callable[[], None]], rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Return seconds and processor seconds of each work in each round but the first."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            start, busy = time.perf_counter(), time.process_time()
            work()
            if number:
                own = time.perf_counter() - start, time.process_time() - busy
                seconds[name].append(own)
    return seconds


if __name__ == "__main__":
    main()
