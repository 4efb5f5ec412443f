"""What a Hugging Face imagefolder says of its images, beside them.

Knows `metadata.csv`, `metadata.jsonl` and `metadata.parquet`; not what splits are.
"""

from pathlib import Path, PurePosixPath

import pyarrow as pa
from pyarrow import json

from lcc.data.parquet import from_parquet
from lcc.data.table import find_columns, read_table
from lcc.errors import DataError

NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
NEEDED, OPTIONAL = ("path",), ("label",)


def read_labels(folder: Path, *, prefix: str) -> dict[str, str]:
    """Return the label of each image that a folder's metadata names.

    Args:
        folder: Where the metadata may lie; its paths start there.
        prefix: What to put before them.

    Raises:
        DataError: There are several such files, or one is broken.
    """
    files = [folder / name for name in NAMES if (folder / name).is_file()]
    if len(files) > 1:
        found = " and ".join(file.name for file in files)
        message = f"{folder}: must hold one file of metadata, got {found}. Keep one."
        raise DataError(message)
    return {
        str(PurePosixPath(prefix, path)): label
        for file in files
        for path, label in _read(file)
    }


def _read(file: Path) -> list[tuple[str, str]]:
    if file.suffix == ".csv":
        table = read_table(file, field=str(file), needed=NEEDED, optional=OPTIONAL)
        return [(row.cells["path"], row.cells.get("label", "")) for row in table.rows]
    try:
        found = _table(file)
    except pa.ArrowException as err:
        form = "a JSON object a line" if file.suffix == ".jsonl" else "Parquet"
        message = f"{file}: must be {form}, got {err}. Write it anew."
        raise DataError(message) from err
    names = found.column_names
    columns = find_columns(names, str(file), needed=NEEDED, optional=OPTIONAL)
    paths = found.column(columns["path"]).to_pylist()
    empty = [None] * len(paths)
    labels = found.column(columns["label"]).to_pylist() if "label" in columns else empty
    return [
        (_text(path), _text(label)) for path, label in zip(paths, labels, strict=True)
    ]


def _table(file: Path) -> pa.Table:
    if file.suffix == ".parquet":
        return from_parquet(file.read_bytes())
    # Arrow's threads may outlive the process's end: see `from_parquet`.
    return json.read_json(str(file), json.ReadOptions(use_threads=False))


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
