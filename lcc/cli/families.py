"""`lcc-launch families`: what `prepare` found to be made from one source."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lcc.cli.options import LocalPath, settings_options

if TYPE_CHECKING:
    import pyarrow as pa

    from lcc.config.load import SettingsSources
    from lcc.data.catalogue import Catalogue
    from lcc.gallery.cards import Cards
    from lcc.gallery.explanation import Explanation, NamedEdge
    from lcc.launch.backend import Backend

MAX_LINES = 8  # edges in a list: two lines each, two lists a screen


@click.command("families", short_help="Show the families of a data set.")
@click.option(
    "--explain",
    metavar="PATH",
    help="Say why this image is in its family and group.",
)
@click.option(
    "--gallery",
    metavar="FILE.html",
    type=LocalPath(),
    help="Write pages of pictures: of all families, or of the explained image.",
)
@settings_options("data.name", "data.catalogue")
def command(
    explain: str | None, gallery: Path | None, sources: "SettingsSources"
) -> None:
    """Show families by class, questionable edges and alarms, or explain one image.

    SIZES are those of the smallest, the median and the largest family.
    """
    from lcc.cli.context import find_backend
    from lcc.cli.watching import watch_progress
    from lcc.gallery.explanation import explain as explain_image
    from lcc.gallery.pages import check_gallery, write_explanation, write_gallery
    from lcc.prepare.summary import read_summary
    from lcc.tracking.progress import start_progress

    if gallery is not None:
        check_gallery(gallery)
    with find_backend(sources) as backend:
        catalogue, edges = _read(backend)
        if explain is not None:
            found = explain_image(catalogue, edges, explain)
            _print(_explained(found))
            if gallery is not None:
                cards = _open_cards(backend, catalogue, edges)
                _print([write_explanation(gallery, cards, found)])
            return
        alarms = read_summary(backend.store, catalogue)["alarms"]
        _print(_overview(catalogue, edges, [alarm["text"] for alarm in alarms]))
        if gallery is not None:
            cards = _open_cards(backend, catalogue, edges)
            with watch_progress("gallery"):
                files = write_gallery(
                    gallery, cards, alarms=alarms, progress=start_progress
                )
            _print(files)


def _read(backend: "Backend") -> tuple["Catalogue", "pa.Table"]:
    from lcc.data.catalogue import read_catalogue
    from lcc.families.edges import read_edges
    from lcc.launch.resolve import resolve_catalogue

    data = resolve_catalogue(backend.settings, backend.store).data
    name = str(data.name)
    catalogue = read_catalogue(backend.store, name=name, digest=data.catalogue)
    return catalogue, read_edges(backend.store, catalogue)


def _open_cards(
    backend: "Backend", catalogue: "Catalogue", edges: "pa.Table"
) -> "Cards":
    from lcc.data.tiles import read_tiles
    from lcc.gallery.cards import Cards
    from lcc.gallery.lineage import trace_lineage

    return Cards(
        catalogue=catalogue,
        edges=edges,
        lineage=trace_lineage(catalogue, edges),
        read=read_tiles(backend.store, catalogue),
    )


def _print(lines: Iterable[object]) -> None:
    for line in lines:
        click.echo(line)


def _overview(
    catalogue: "Catalogue", edges: "pa.Table", alarms: Sequence[str]
) -> Iterator[str]:
    from textwrap import wrap

    from lcc.families.edges import EdgeKind
    from lcc.gallery.explanation import describe_edge, name_edge
    from lcc.gallery.ranking import question_edges

    yield from _class_table(catalogue)
    kinds = edges["kind"].to_pylist()
    counts = ", ".join(f"{kinds.count(kind):,} {kind}" for kind in EdgeKind)
    yield f"edges: {counts}"
    questions = question_edges(edges)
    for number in questions[:MAX_LINES]:
        named = name_edge(catalogue, edges, number)
        words = describe_edge(named.edge)
        yield f"question: {named.first} and {named.second}: {words}"
    if len(questions) > MAX_LINES:
        yield f"… and {len(questions) - MAX_LINES:,} more questions"
    for alarm in alarms:
        yield from wrap(f"alarm: {alarm}", 80, subsequent_indent="  ")


def _class_table(catalogue: "Catalogue") -> Iterator[str]:
    from statistics import median_high

    from lcc.gallery.explanation import class_sizes

    rows = [("CLASS", "IMAGES", "KEPT", "FAMILIES", "GROUPS", "SIZES", "ALONE")]
    for found in class_sizes(catalogue):
        sizes = found.families or (0,)
        counts = (found.num_images, found.num_kept, len(found.families))
        images, kept, families = (f"{count:,}" for count in counts)
        span = f"{min(sizes)}–{median_high(sizes)}–{max(sizes)}"
        alone = str(sizes.count(1))
        rows.append(
            (found.name, images, kept, families, f"{found.num_groups:,}", span, alone)
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        right = (c.rjust(w) for c, w in zip(cells, widths[1:], strict=True))
        yield "  ".join((name.ljust(widths[0]), *right))


def _explained(found: "Explanation") -> Iterator[str]:
    row = found.row
    split = f", {row['split']}" if row["split"] else ""
    yield f"{row['path']}: {row['label']}, {row['status']}{split}"
    if row["family"] is None:
        yield f"unreadable: {row['reason']}"
        return
    if row["duplicate_of"]:
        yield f"a copy of {row['duplicate_of']}"
    yield f"family {row['family']}: {_images(found.num_family)}, first {found.leader}"
    yield from _listed(found.path)
    others = [str(code) for code in found.families if code != row["family"]]
    yield f"group {row['group']}, other families: {', '.join(others) or 'none'}"
    yield from _listed(found.to_others)


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def _listed(edges: Sequence["NamedEdge"]) -> Iterator[str]:
    from lcc.gallery.explanation import describe_edge

    for named in edges[:MAX_LINES]:
        yield f"  {named.first} and {named.second}"
        yield f"    {named.edge['kind']}: {describe_edge(named.edge)}"
    if len(edges) > MAX_LINES:
        yield f"  … and {len(edges) - MAX_LINES:,} more edges"
