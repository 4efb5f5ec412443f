"""Peak memory of each step of `prepare`, at 1,000 tiles and at all of them.

Runs the entry points as processes, one at a time, and prints the largest resident set
of each in MiB. Shards are streamed: what may grow is rows, some 4 KiB an image in
`catalogue` (facts, verdict, edges, a global descriptor of 1 KiB), 3 KiB in `link`, up
to what `index_memory_mib` allows.

    python benchmarks/prepare_memory.py [--tiles FOLDER] [--num-images 1000 4880]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

DEFAULT_TILES = Path(__file__).parents[2] / "shared" / "data" / "lc25000-lung-224"
STEPS = {"list": 1, "hash": 2, "link": 2, "catalogue": 1}  # processes of each
KIB_PER_MIB = 1024


def main() -> None:
    arguments = parse_arguments()
    peaks = {count: measure(arguments.tiles, count) for count in arguments.num_images}
    small, large = min(peaks), max(peaks)
    print(f"{'step':10} " + " ".join(f"{count:>7} tiles" for count in peaks))
    for step in STEPS:
        row = " ".join(f"{peaks[count][step]:9.0f} MiB" for count in peaks)
        growth = (peaks[large][step] - peaks[small][step]) * KIB_PER_MIB
        print(f"{step:10} {row}  {growth / max(large - small, 1):6.2f} KiB per tile")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    tiles = Path(os.environ.get("LCC_TEST_TILES", DEFAULT_TILES))
    parser.add_argument("--tiles", type=Path, default=tiles)
    parser.add_argument("--num-images", type=int, nargs="+", default=[1000, 4880])
    return parser.parse_args()


def measure(tiles: Path, count: int) -> dict[str, float]:
    """Return the peak of each step, MiB, over its processes."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        link_some(tiles, work / "tiles", count)
        settings = write_settings(work)
        peaks = {}
        for step, processes in STEPS.items():
            start = time.perf_counter()
            peaks[step] = max(
                run_step(step, settings, index=index, num_processes=processes)
                for index in range(processes)
            )
            seconds = time.perf_counter() - start
            print(f"# {count} tiles: {step} {seconds:.0f} s", file=sys.stderr)
        return peaks


def link_some(source: Path, target: Path, count: int) -> None:
    """Link `count` images, as equal a number of each class as there is."""
    folders = sorted(path for path in source.iterdir() if path.is_dir())
    per_class = {folder: sorted(folder.iterdir()) for folder in folders}
    order = [
        (number, folder, path)
        for folder, paths in per_class.items()
        for number, path in enumerate(paths)
    ]
    for _, folder, path in sorted(order)[:count]:
        (target / folder.name).mkdir(parents=True, exist_ok=True)
        (target / folder.name / path.name).symlink_to(path.absolute())


def write_settings(work: Path) -> Path:
    path = work / "settings.yaml"
    data = {"source": str(work / "tiles"), "name": "tiles", "num_shards": 8}
    root = {"root": str(work / "root")}
    path.write_text(yaml.safe_dump({"storage": root, "data": data}))
    return path


def run_step(step: str, settings: Path, *, index: int, num_processes: int) -> float:
    """Run one process of a step; return its peak resident set in MiB."""
    command = [sys.executable, "-m", f"jobs.{step}", "--settings", str(settings)]
    command += ["--run", "benchmark", "--process-index", str(index)]
    command += ["--num-processes", str(num_processes)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return usage.ru_maxrss / KIB_PER_MIB


if __name__ == "__main__":
    main()
