"""The picture of the rooms in docs/architecture.md is that of the code."""

import re
from itertools import product

import grimp

from tests.conftest import REPOSITORY

Arrows = set[tuple[str, str]]
NO_ROOM = {"lcc", "api", "__main__", "version"}  # single files beside the rooms


def room_of(module: str) -> str:
    first, *rest = module.split(".")
    if first == "jobs" or not rest:
        return first
    return rest[1] if rest[0] == "backends" and len(rest) > 1 else rest[0]


def arrows_of_the_code() -> Arrows:
    graph = grimp.build_graph("lcc", "jobs", cache_dir=None)
    found = {
        (room_of(importer), room_of(imported))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    return {(a, b) for a, b in found if a != b and not {a, b} & NO_ROOM}


def reached_from(room: str, arrows: Arrows) -> set[str]:
    found: set[str] = set()
    edge = {room}
    while edge := {b for a, b in arrows if a in edge} - found:
        found |= edge
    return found


def shortened(arrows: Arrows) -> Arrows:
    """Return the arrows that no way by another room says already."""
    below = {a: reached_from(a, arrows) for a, _ in arrows}
    return {
        (a, b)
        for a, b in arrows
        if not any(b in below.get(c, ()) for x, c in arrows if x == a and c != b)
    }


def arrows_of_the_picture() -> Arrows:
    page = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = page.partition("## The rooms")[2].partition("```mermaid")[2]
    lines = re.sub(r"\[.*?\]", "", picture.partition("```")[0]).splitlines()
    sides = [line.split(" --> ") for line in lines if " --> " in line]
    return {
        (start.strip(), end.strip())
        for starts, ends in sides
        for start, end in product(starts.split("&"), ends.split("&"))
    }


def test_the_picture_of_the_rooms_is_that_of_the_code() -> None:
    assert arrows_of_the_picture() == shortened(arrows_of_the_code())


def test_no_room_is_reached_from_itself() -> None:
    arrows = arrows_of_the_code()

    assert [room for room, _ in arrows if room in reached_from(room, arrows)] == []


def test_every_room_has_its_row() -> None:
    page = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {room for arrow in arrows_of_the_code() for room in arrow}
    rows = re.findall(r"^\| `(?:lcc\.)?(\w+)` \|", page, flags=re.MULTILINE)

    assert rooms - {"local", "kubernetes"} == set(rows)
