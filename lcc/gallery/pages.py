"""Write HTML pages: a gallery of all families, or the explanation of one image.

Knows which cards stand on which page; `cards` draws them.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from lcc.data.pages import check_destination, render, write_document
from lcc.data.work import ProgressCounter
from lcc.gallery.cards import Cards
from lcc.gallery.explanation import Explanation, class_sizes
from lcc.gallery.ranking import edges_between_families, question_edges, rank_families

T = TypeVar("T")
OPTION = "gallery"
FAMILIES_PER_PAGE = 250  # some 6 MB
FIGURES_PER_FAMILY = 10  # a row at 1120 px
MAX_FIGURES = 200  # of one family that is explained
MAX_EDGES = 40  # of a kind: some 2 MB
NUM_THREADS = 8  # a bucket answers many at once


def check_gallery(file: Path) -> None:
    """Check that pages can be written, before the work begins.

    Raises:
        ConfigError: It does not end in .html, or there is no such folder.
    """
    check_destination(file, option=OPTION, endings=(".html",))


def write_gallery(
    file: Path,
    cards: Cards,
    *,
    alarms: Sequence[dict[str, Any]],
    progress: Callable[[int], ProgressCounter],
    per_page: int = FAMILIES_PER_PAGE,
) -> list[Path]:
    """Write all families, those first that deserve a look; edges that need one above.

    Args:
        file: The first page; later ones are named `<name>-2.html` and so on.
        cards: What draws them.
        alarms: Those that `audit.json` holds.
        progress: Starts a counter of so many units of work.
        per_page: Families of one page.

    Returns:
        The files written.
    """
    named = [(alarm["kind"], alarm["code"]) for alarm in alarms]
    order = rank_families(cards.catalogue, cards.lineage, named)
    counter = progress(len(order))
    starts = range(0, max(len(order), 1), per_page)
    files = [_page(file, number) for number in range(1, len(starts) + 1)]
    for number, (page, start) in enumerate(zip(files, starts, strict=True), 1):
        draw = partial(cards.family, max_figures=FIGURES_PER_FAMILY)
        chosen = order[start : start + per_page]
        text = render(
            "gallery.html.j2",
            package="lcc.gallery",
            **_overview(cards, alarms) if number == 1 else {},
            name=cards.catalogue.name,
            digest=cards.catalogue.digest,
            families=_drawn(draw, chosen, counter),
            num_families=len(order),
            first=start + 1,
            number=number,
            pages=[one.name for one in files],
        )
        write_document(page, text, option=OPTION)
    return files


def write_explanation(file: Path, cards: Cards, found: Explanation) -> Path:
    """Write why one image is in its family and group, edge by edge."""
    code = found.row["family"]
    text = render(
        "explanation.html.j2",
        package="lcc.gallery",
        found=found,
        family=None if code is None else cards.family(code, max_figures=MAX_FIGURES),
        to_leader=_edges(cards, [edge.number for edge in found.path]),
        to_others=_edges(cards, [edge.number for edge in found.to_others]),
    )
    write_document(file, text, option=OPTION)
    return file


def _page(file: Path, number: int) -> Path:
    return file if number == 1 else file.with_stem(f"{file.stem}-{number}")


def _overview(cards: Cards, alarms: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what the first page shows in addition."""
    return {
        "alarms": alarms,
        "classes": class_sizes(cards.catalogue),
        "questions": _edges(cards, question_edges(cards.edges)),
        "between": _edges(cards, edges_between_families(cards.catalogue, cards.edges)),
    }


def _edges(cards: Cards, numbers: Sequence[int]) -> dict[str, Any]:
    return {"count": len(numbers), "cards": _drawn(cards.edge, numbers[:MAX_EDGES])}


def _drawn(
    draw: Callable[[int], T],
    numbers: Iterable[int],
    counter: ProgressCounter | None = None,
) -> list[T]:
    found = []
    with ThreadPoolExecutor(NUM_THREADS) as threads:
        for card in threads.map(draw, numbers):
            found.append(card)
            if counter:
                counter.advance()
    return found
