"""Tables as bytes, and back."""

import subprocess
import sys

import pyarrow as pa

from lcc.data.parquet import from_parquet, to_parquet

COUNT_THREADS = """
from pathlib import Path
import pyarrow as pa
from lcc.data.parquet import from_parquet, to_parquet

def count():
    return len(list(Path("/proc/self/task").iterdir()))

before = count()
table = pa.table({str(n): range(1000) for n in range(8)})
from_parquet(to_parquet(table))
print(count() - before)
"""


def test_a_table_comes_back_and_equal_tables_are_equal_bytes():
    table = pa.table({"path": ["a", None], "family": [0, 1]})

    content = to_parquet(table)

    assert from_parquet(content).equals(table)
    assert to_parquet(pa.table(table.to_pydict())) == content


def test_no_thread_is_left_to_outlive_the_process():
    done = subprocess.run(
        [sys.executable, "-c", COUNT_THREADS],
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout == "0\n"
