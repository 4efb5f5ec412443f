"""Peak memory of a link shard's search, at two sizes and two settings.

Draws the facts and global descriptors of N pictures, as `hash` would leave them, and
asks a fresh process for the pairs of one shard of 1,000. Prints its largest resident
set above that of a shard of 1,000 pictures alone, MiB.
Usage: python benchmarks/link_memory.py [--num-images 50000 200000]
"""

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from lcc.config.data import FamilySettings
from lcc.data.hashing import FACTS
from lcc.data.parquet import to_parquet
from lcc.data.shards import HashShards
from lcc.data.work import single_threaded
from lcc.families.link_step import LinkShards
from lcc.storage.uri import open_store

SHARD = 1000  # pictures of a shard
INDEX_MIB = (64, 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-images", type=int, nargs=2, default=[50_000, 200_000])
    parser.add_argument("--shard", nargs=3, metavar=("ROOT", "N", "MIB"))
    arguments = parser.parse_args()
    if arguments.shard:
        root, count, mib = arguments.shard
        print(measure(root, int(count), int(mib)))
        return
    base = peak_of(SHARD, INDEX_MIB[0])
    print(
        "| index_memory_mib | "
        + " | ".join(f"{n} images" for n in arguments.num_images)
    )
    for mib in INDEX_MIB:
        peaks = [peak_of(count, mib) - base for count in arguments.num_images]
        print(
            f"| {mib} | " + " | ".join(f"{peak:.0f} MiB" for peak in peaks), flush=True
        )


def peak_of(count: int, mib: int) -> float:
    """Return the peak of a process that asks for the pairs of one shard, MiB."""
    with tempfile.TemporaryDirectory() as root:
        draw_shards(hash_shards(root, count))
        command = [sys.executable, __file__, "--shard", root, str(count), str(mib)]
        return float(subprocess.check_output(command, text=True))


def measure(root: str, count: int, mib: int) -> float:
    settings = FamilySettings(index_memory_mib=mib)
    with single_threaded():
        LinkShards(hashed=hash_shards(root, count), settings=settings).pairs([0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def hash_shards(root: str, count: int) -> HashShards:
    return HashShards(
        store=open_store(root),
        digest="0" * 64,
        num_shards=count // SHARD,
        num_keypoints=FamilySettings().num_keypoints,
        scratch=Path(root),
    )


def draw_shards(shards: HashShards) -> None:
    """Write facts and descriptors: families of ten around random directions."""
    draw = np.random.default_rng(0)
    for index in range(shards.num_shards):
        centres = np.repeat(draw.normal(size=(SHARD // 10, 512)), 10, axis=0)
        vectors = centres + draw.normal(size=centres.shape) / 2
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        shards.store.write(
            shards.key(index, "globals"), vectors.astype("<f2").tobytes()
        )
        paths = [f"{index}/{row}" for row in range(SHARD)]
        rows = [
            {"path": p, "pixel_sha256": hashlib.sha256(p.encode()).hexdigest()}
            for p in paths
        ]
        table = pa.Table.from_pylist(rows, schema=FACTS)
        shards.store.write(shards.key(index, "parquet"), to_parquet(table))


if __name__ == "__main__":
    main()
