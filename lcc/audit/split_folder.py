"""Read a split from a folder: `train/`, `val/`, `test/`, perhaps with class folders.

Knows the layouts of Keras (`train/<class>/…`) and of Hugging Face's imagefolder
(`train/…`, labels in `metadata.csv` where there is one).
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pyarrow as pa
from pyarrow import json

from lcc.audit.user_split import UserSplit, gather_images, note_spellings
from lcc.data.digest import encode_name
from lcc.data.listing import why_no_image
from lcc.data.parquet import from_parquet
from lcc.data.roles import role_of
from lcc.data.table import find_columns, first_few, read_table
from lcc.errors import DataError
from lcc.storage.local import LocalStore

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
NEEDED, OPTIONAL = ("path",), ("label",)  # columns of them
NUMBERED = re.compile(r"(cv|fold|part|split)[ _-]?\d+", re.IGNORECASE)


def read_split_folder(folder: Path) -> UserSplit:
    """Read a split from the folders that are named after splits.

    An image's class is the folder directly below its split, unless its metadata has a
    column of labels. Hidden files and side files (`.csv`, `.json` …) are no images;
    other folders are left out, and a note says so.

    Raises:
        DataError: Fewer than two folders are named after splits, a split holds no
            image, or its metadata are broken or name files that are not there.
    """
    keys = sorted(_image_keys(folder))
    counts = Counter(key.parts[0] for key in keys)
    splits = sorted(name for name in counts if _is_split(name))
    _check(splits, counts, folder)
    labels = {
        path: label
        for name in ("", *splits)
        for path, label in _read_labels(folder / name, prefix=name).items()
    }
    chosen = [key for key in keys if key.parts[0] in splits]
    _check_metadata(labels, chosen, folder)
    images, _ = gather_images(
        (
            encode_name(str(key)),
            folder / key,
            key.parts[0],
            labels.get(str(key)) or _class_of(key),
        )
        for key in chosen
    )
    left_out = [
        f"{encode_name(name)}/: left out, no split's name; {count} files."
        for name, count in sorted(counts.items())
        if name not in splits
    ]
    notes = (*left_out, *note_spellings(splits))
    return UserSplit(name=folder.resolve().name, images=images, notes=notes)


def _image_keys(folder: Path) -> Iterator[PurePosixPath]:
    """Yield what may be an image in a folder of the folder."""
    for entry in LocalStore(folder).list_objects():
        key = PurePosixPath(entry.key)
        if len(key.parts) > 1 and not why_no_image(key):
            yield key


def _is_split(name: str) -> bool:
    return role_of(name) is not None or NUMBERED.fullmatch(name) is not None


def _class_of(key: PurePosixPath) -> str:
    """Return the folder below the split, nothing where images lie in it directly."""
    return encode_name(key.parts[1]) if len(key.parts) > 2 else ""  # noqa: PLR2004 - split, class, file


def _check(splits: list[str], counts: Counter[str], folder: Path) -> None:
    if len(splits) > 1:
        return
    found = first_few([f"{encode_name(name)}/" for name in sorted(counts)]) or "none"
    message = (
        f"{folder}: must hold images in at least two folders named train, val, test or "
        f"fold1 …, got {found}. Name the folder above them, or a CSV with path and "
        "split."
    )
    raise DataError(message)


def _check_metadata(
    labels: dict[str, str], keys: list[PurePosixPath], folder: Path
) -> None:
    missing = sorted(labels.keys() - set(map(str, keys)))
    if missing:
        names = [encode_name(name) for name in missing]
        message = (
            f"{folder}: every file that its metadata names must be there, got "
            f"{len(missing)} that are not: {first_few(names)}. "
            "Bring them, or remove their rows."
        )
        raise DataError(message)


def _read_labels(folder: Path, *, prefix: str) -> dict[str, str]:
    """Return the label of each image that a folder's metadata name.

    Args:
        folder: Where the metadata may lie; its paths start there.
        prefix: What to put before them.

    Raises:
        DataError: There are several such files, or one is broken.
    """
    files = [folder / name for name in METADATA if (folder / name).is_file()]
    if len(files) > 1:
        found = " and ".join(file.name for file in files)
        message = f"{folder}: must hold one file of metadata, got {found}. Keep one."
        raise DataError(message)
    return {
        str(PurePosixPath(prefix, path)): label
        for file in files
        for path, label in _read_metadata(file)
    }


def _read_metadata(file: Path) -> list[tuple[str, str]]:
    if file.suffix == ".csv":
        table = read_table(file, field=str(file), needed=NEEDED, optional=OPTIONAL)
        return [(row.cells["path"], row.cells.get("label", "")) for row in table.rows]
    try:
        found = _metadata_table(file)
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


def _metadata_table(file: Path) -> pa.Table:
    if file.suffix == ".parquet":
        return from_parquet(file.read_bytes())
    # Arrow's threads may outlive the process's end: see `from_parquet`.
    return json.read_json(str(file), json.ReadOptions(use_threads=False))


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
