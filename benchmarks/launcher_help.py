"""`lcc-launch --help` against `python -c "import click"`, each in a fresh process.

Prints the ratio of the medians; the limit is 2. Runs are interleaved, so that a busy
machine slows both.
"""

import statistics
import subprocess
import sys
import time

NUM_ROUNDS = 21
PEER = [sys.executable, "-c", "import click"]
OURS = [sys.executable, "-c", "from lcc.cli.main import main; main()", "--help"]


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    rounds = [(seconds(PEER), seconds(OURS)) for _ in range(NUM_ROUNDS)]
    peer, ours = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"import click       {peer * 1000:6.1f} ms")
    print(f"lcc-launch --help  {ours * 1000:6.1f} ms")
    print(f"ratio {ours / peer:.2f} (limit 2)")


if __name__ == "__main__":
    main()
