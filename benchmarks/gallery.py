"""The gallery of few families and of many: time and bytes a family.

Takes a catalogue of real tiles, and the same again and again under new numbers until
it has as many families as asked for; writes all pages of both.

    python benchmarks/gallery.py ROOT NAME [--families 25000]

Wanted: time and bytes a family do not grow with their number.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from hash_step import NoProgress

from lcc.data.catalogue import Catalogue, read_catalogue
from lcc.data.tiles import read_tiles
from lcc.families.edges import read_edges, renumber_edges
from lcc.gallery.cards import Cards
from lcc.gallery.lineage import trace_lineage
from lcc.gallery.pages import write_gallery
from lcc.storage.uri import open_store


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root")
    parser.add_argument("name")
    parser.add_argument("--families", type=int, default=25_000)
    arguments = parser.parse_args()
    store = open_store(arguments.root)
    catalogue = read_catalogue(store, name=arguments.name)
    edges = read_edges(store, catalogue)
    read = read_tiles(store, catalogue)
    count = len(np.unique(catalogue.families[catalogue.families >= 0]))
    for times in (1, -(-arguments.families // count)):
        many, more = repeated(catalogue, edges, times)
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            cards = Cards(
                catalogue=many,
                edges=more,
                lineage=trace_lineage(many, more),
                read=read,
            )
            files = write_gallery(
                Path(folder) / "all.html", cards, alarms=[], progress=NoProgress
            )
            seconds = time.perf_counter() - start
            size = sum(file.stat().st_size for file in files)
            largest = max(file.stat().st_size for file in files)
        total = count * times
        print(
            f"{total:>6} families, {len(many.paths)} images: {len(files)} pages, the "
            f"largest {largest / 1e6:.1f} MB, {size / total / 1e3:.0f} KB and "
            f"{1e3 * seconds / total:.0f} ms a family",
            flush=True,
        )


def repeated(
    catalogue: Catalogue, edges: pa.Table, times: int
) -> tuple[Catalogue, pa.Table]:
    """Return the catalogue's rows and edges so many times, each with its own codes."""
    tables, copies = [], []
    size = len(catalogue.paths)
    for turn in range(times):
        table = catalogue.table
        for column in ("family", "group"):
            codes = pa.compute.add(table[column], turn * size)
            table = table.set_column(
                table.schema.get_field_index(column), column, codes
            )
        pixels = [
            None if text is None else f"{turn}-{text}"
            for text in table["pixel_sha256"].to_pylist()
        ]
        position = table.schema.get_field_index("pixel_sha256")
        tables.append(table.set_column(position, "pixel_sha256", pa.array(pixels)))
        copies.append(renumber_edges(edges, np.arange(size) + turn * size))
    many = Catalogue(
        name=catalogue.name, digest=catalogue.digest, table=pa.concat_tables(tables)
    )
    return many, pa.concat_tables(copies)


if __name__ == "__main__":
    main()
