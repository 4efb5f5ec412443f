"""Convert tables to Parquet and back; the same table always gives the same bytes."""

import pyarrow as pa
import pyarrow.parquet as pq


def to_parquet(table: pa.Table) -> bytes:
    """Return a table as Parquet; no time stamp or process enters the bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_statistics=False)
    return bytes(sink.getvalue().to_pybytes())


def from_parquet(data: bytes) -> pa.Table:
    """Return the table of a Parquet file.

    In the caller's thread: `read_table` leaves threads behind, and about one process in
    a hundred aborted at its end (https://github.com/apache/arrow/issues/34314).
    """
    return pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)
