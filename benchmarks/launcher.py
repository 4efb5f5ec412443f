"""What the launcher itself costs, against peers, each in a fresh process.

`lcc-launch --help` against `python -c "import click"`, limit 2; and, where kubectl has
a cluster that it can ask for its kinds, `lcc-launch train --dry-run client` against
kubectl's dry run of the same manifest, limit 3. Prints the ratios of the medians. Runs
are interleaved, so that a busy machine slows both.

    python benchmarks/launcher.py
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NUM_ROUNDS = 21
LAUNCHER = [sys.executable, "-m", "lcc"]
TRAIN = [
    *(*LAUNCHER, "train", "--gpus", "4", "--name", "tiles", "-n", "default"),
    *("--root", "s3://lcc/study", "--dry-run", "client"),
]


def main() -> None:
    click = [sys.executable, "-c", "import click"]
    compare("--help / import click", [*LAUNCHER, "--help"], click, limit=2)
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder, "train.yaml")
        manifest.write_bytes(subprocess.check_output(TRAIN, stderr=subprocess.DEVNULL))
        kubectl = ["kubectl", "create", "--dry-run=client", "-f", str(manifest)]
        try:
            compare("train / kubectl, dry runs", TRAIN, kubectl, limit=3)
        except (OSError, subprocess.CalledProcessError) as err:
            print(f"train / kubectl, dry runs: left out, {err}")


def compare(name: str, ours: list[str], peer: list[str], *, limit: int) -> None:
    rounds = [(seconds(ours), seconds(peer)) for _ in range(NUM_ROUNDS)]
    own, other = (statistics.median(times) for times in zip(*rounds, strict=True))
    times = f"{own * 1000:6.1f} ms / {other * 1000:6.1f} ms"
    print(f"{name:26} {times}  ratio {own / other:.2f} (limit {limit})")


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
