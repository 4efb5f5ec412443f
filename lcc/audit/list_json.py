"""Read splits from JSON: objects by split, by draw or by image, and JSON lines.

Knows the shapes that people give such files; not what a name in one means.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lcc.audit.list_part import (
    IMAGE_NAME,
    ListPart,
    as_cells,
    as_text,
    has_path,
    without_header,
)
from lcc.audit.roles import is_split, role_in
from lcc.data.table import Cells, read_text
from lcc.errors import DataError


def read_json(file: Path) -> Iterator[ListPart]:
    """Yield the tables and lists of a JSON document.

    Raises:
        DataError: It is no JSON.
    """
    text, notes = read_text(file, field=str(file))
    for part in _walk(_parse(text, str(file)), ()):
        yield replace(part, notes=notes)


def read_json_lines(file: Path) -> Iterator[ListPart]:
    """Yield the table of a file with a JSON object a line.

    Raises:
        DataError: A line is no JSON.
    """
    text, notes = read_text(file, field=str(file))
    lines = enumerate(text.splitlines(), 1)
    rows = [_parse(line, f"{file}, line {n}") for n, line in lines if line.strip()]
    for part in _walk_list(rows, ()):
        yield replace(part, notes=notes)


def _parse(text: str, field: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as err:
        message = f"{field}: must be JSON, got {err}. Write it anew."
        raise DataError(message) from err


def _walk(node: Any, names: tuple[str, ...]) -> Iterator[ListPart]:
    if isinstance(node, list):
        yield from _walk_list(node, names)
    elif isinstance(node, dict):
        table = _table_of_object(node)
        if table is not None:
            yield ListPart(names=names, noun="row", table=table)
        else:
            for name, inner in node.items():
                yield from _walk(inner, (*names, name))


def _walk_list(node: list[Any], names: tuple[str, ...]) -> Iterator[ListPart]:
    if _are_objects(node) and _are_flat(node):
        yield ListPart(names=names, noun="row", table=_table_of(node))
    elif _are_rows(node):
        rows = [tuple(map(as_text, item)) for item in node]
        table = without_header(list(enumerate(rows, 1)))
        yield ListPart(names=names, noun="row", table=table)
    elif any(isinstance(item, dict | list) for item in node):
        for number, item in enumerate(node):
            yield from _walk(item, (*names, str(number)))
    else:
        yield ListPart(names=names, noun="item", values=tuple(node))


def _are_objects(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(value, dict) for value in values)


def _are_flat(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the values of all rows are no lists or objects."""
    return not any(isinstance(v, list | dict) for row in rows for v in row.values())


def _are_rows(node: Sequence[Any]) -> bool:
    """Return whether lists are rows of one path each and what is known of it."""
    return bool(node) and all(
        isinstance(row, list)
        and len(row) > 1
        and not any(isinstance(cell, list | dict) for cell in row)
        and sum(IMAGE_NAME.fullmatch(str(cell)) is not None for cell in row) == 1
        for row in node
    )


def _table_of(rows: Sequence[Mapping[str, Any]]) -> Cells:
    header = list(dict.fromkeys(name for row in rows for name in row))
    return as_cells(header, [[row.get(name) for name in header] for row in rows])


def _table_of_object(node: Mapping[str, Any]) -> Cells | None:
    """Return the table that an object is: COCO's, one by columns, or one by images."""
    values = list(node.values())
    if _are_objects(node.get("images") or ()):
        return _table_of(node["images"])
    if has_path(list(node)) and all(isinstance(value, list) for value in values):
        is_table = len({len(value) for value in values}) == 1
        return (
            as_cells(list(node), list(zip(*values, strict=True))) if is_table else None
        )
    if values and all(isinstance(value, str) for value in values):
        column = "split" if any(map(is_split, values)) else "label"
        return as_cells(("path", column), list(node.items()))
    if _are_objects(values) and _are_flat(values) and not any(map(role_in, node)):
        return _table_of([{"path": name} | row for name, row in node.items()])
    return None
