"""`lcc-launch train --dry-run client` against kubectl's dry run of the same manifest.

Prints the ratio of the medians; the limit is 3. Runs are interleaved, so that a busy
machine slows both. Needs kubectl and a cluster that it can ask for its kinds.

    python benchmarks/dry_run.py
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NUM_ROUNDS = 15
OURS = [
    *(sys.executable, "-m", "lcc", "train", "--gpus", "4", "--name", "tiles"),
    *("--root", "s3://lcc/study", "-n", "default", "--dry-run", "client"),
]


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder, "train.yaml")
        manifest.write_bytes(subprocess.check_output(OURS, stderr=subprocess.DEVNULL))
        peer = ["kubectl", "create", "--dry-run=client", "-o", "yaml", "-f", manifest]
        rounds = [(seconds(peer), seconds(OURS)) for _ in range(NUM_ROUNDS)]
    theirs, ours = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"kubectl create --dry-run=client      {theirs * 1000:6.1f} ms")
    print(f"lcc-launch train --dry-run client    {ours * 1000:6.1f} ms")
    print(f"ratio {ours / theirs:.2f} (limit 3)")


if __name__ == "__main__":
    main()
