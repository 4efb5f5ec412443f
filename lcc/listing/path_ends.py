"""Find the images that a list means, though its paths begin elsewhere.

Knows paths as text; not what a list says of an image.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from posixpath import splitext

from lcc.data.digest import encode_name


def find_by_end(cells: Iterable[str], paths: Sequence[str]) -> dict[str, list[str]]:
    """Return the images that each path of a list may mean, by how paths end.

    A cell means the images whose path ends in it, with or without the ending of the
    file's name. Where no cell fits any image, the folders that cells begin with are cut
    from all of them alike, as those of another machine have to be.

    Args:
        cells: Paths as a list has them, with slashes or backslashes.
        paths: Of the images, in text form.

    Returns:
        Cell → images, none where it means none, several where it is ambiguous.

    Example:
        >>> find_by_end(["/mnt/n/1.png", "/mnt/2.png"], ["n/1.png", "a/1.png"])
        {'/mnt/n/1.png': ['n/1.png'], '/mnt/2.png': []}
    """
    index = _index(paths)
    forms = {cell: _form(cell, index) for cell in cells}
    depth = max((form.count("/") for form in forms.values()), default=0)
    cuts = ({c: _cut(form, n) for c, form in forms.items()} for n in range(depth + 1))
    ends = next((cut for cut in cuts if any(end in index for end in cut.values())), {})
    return {cell: index.get(ends.get(cell, ""), []) for cell in forms}


def _index(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return every end of a path, with and without its file's ending → the images."""
    index: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        for text in (path, splitext(path)[0]):
            places = [place for place, letter in enumerate(text) if letter == "/"]
            for place in (-1, *places):
                index[text[place + 1 :]].append(path)
    return dict(index)


def _form(cell: str, index: Mapping[str, object]) -> str:
    """Return a cell as the text form of a path: as it is, or with backslashes."""
    forms = (cell, encode_name(cell), cell.replace("\\", "/"))
    found = next((form for form in forms if form in index), forms[-1])
    return "/".join(part for part in found.split("/") if part not in {"", "."})


def _cut(form: str, num_parts: int) -> str:
    return "/".join(form.split("/")[num_parts:])
