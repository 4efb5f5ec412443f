"""Each format of an exported model beside Keras: time of a call, and size on the disk.

Exports the model of a train run, then calls all by turns on the same noise, in batches
of 1 and of 32; prints the median time of a call, and its ratio to that of Keras.
Usage: python benchmarks/export.py ROOT RUN [--calls 30]
"""

import argparse
import logging
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from lcc.evaluate.grad_cam import compiled
from lcc.launch.models import latest_evaluation
from lcc.predict.export import ExportRequest, export_model
from lcc.predict.exported import Exported
from lcc.predict.formats import Format
from lcc.predict.silence import start_tensorflow_silently
from lcc.predict.written import in_batches, load_keras, open_written
from lcc.storage import layout
from lcc.storage.local import LocalStore

BATCHES = (1, 32)
WARM_UP = 3  # calls: a graph is traced, memory is laid out
TRAINED = "as trained"

Run = Callable[[Any], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("run")
    parser.add_argument("--calls", type=int, default=30)
    arguments = parser.parse_args()
    start_tensorflow_silently()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # graphs of two shapes
    store = LocalStore(arguments.root.absolute())
    with tempfile.TemporaryDirectory() as folder:
        compare(store, arguments.run, Path(folder), calls=arguments.calls)


def compare(store: LocalStore, run: str, folder: Path, *, calls: int) -> None:
    """Export in every format, and print the table."""
    path = store.fetch(layout.model(run), folder)
    network = compiled(load_keras(path))
    runs: dict[str, Run] = {TRAINED: lambda images: in_batches(network, images)}
    sizes, differences = {TRAINED: path.stat().st_size}, {TRAINED: "0"}
    for name, request in requests(store, run).items():
        facts = export_model(store, request, folder / name, scratch=folder)
        written = folder / name / facts.network
        runs[name] = open_written(written, request.written_as)
        sizes[name], differences[name] = size_of(written), shown(facts)
    side = facts.side_px
    medians = {size: time_calls(runs, side, size, calls=calls) for size in BATCHES}
    print(f"{run}: images of {side} px, {os.cpu_count()} cores, {calls} calls each\n")
    print("| format | MB | " + " | ".join(f"{n} images, ms" for n in BATCHES), end="")
    print(" | against Keras | largest difference |\n" + "| --- " * 6 + "|")
    for name in runs:
        times = [medians[size][name] for size in BATCHES]
        ratios = [medians[n][name] / medians[n][TRAINED] for n in BATCHES]
        cells = [name, f"{sizes[name] / 1e6:.2f}", *(f"{t * 1e3:.2f}" for t in times)]
        cells += [", ".join(f"{ratio:.2f}" for ratio in ratios), differences[name]]
        print("| " + " | ".join(cells) + " |")


def requests(store: LocalStore, run: str) -> Mapping[str, ExportRequest]:
    """Return what is exported, by the name of its row."""
    evaluation = latest_evaluation(store, run)
    plain = {
        str(own): ExportRequest(model_run=run, evaluation=evaluation, written_as=own)
        for own in Format
    }
    integers = ExportRequest(
        model_run=run,
        evaluation=evaluation,
        written_as=Format.TFLITE,
        is_quantized=True,
    )
    return plain | {"tflite, int8": integers}


def shown(facts: Exported) -> str:
    """Return how a written network compares with the trained one."""
    found = facts.verified
    same = f"same class {found.num_same_class} of {found.num_images}"
    return f"{found.max_difference:.1e}; {same}"


def size_of(path: Path) -> int:
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def time_calls(
    runs: Mapping[str, Run], side: int, size: int, *, calls: int
) -> Mapping[str, float]:
    """Return the median seconds of a call of each, which take turns."""
    shape = (size, side, side, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for call in range(WARM_UP + calls):
        for name, run in runs.items():
            start = time.perf_counter()
            run(images)
            if call >= WARM_UP:
                taken[name].append(time.perf_counter() - start)
    return {name: float(np.median(times)) for name, times in taken.items()}


if __name__ == "__main__":
    main()
