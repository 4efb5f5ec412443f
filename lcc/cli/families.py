"""`lcc-launch families`: what `prepare` found to be made from one source."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from lcc.cli.options import settings_options

if TYPE_CHECKING:
    import pyarrow as pa

    from lcc.data.catalogue import Catalogue
    from lcc.data.explanation import Explanation, NamedEdge

MAX_LINES = 8  # links in a list: two lines each, two lists a screen


@click.command("families", short_help="Show the families of a data set.")
@click.option(
    "--explain",
    metavar="PATH",
    help="Say why this image is in its family and group.",
)
@settings_options("data.name", "data.catalogue")
def command(explain: str | None, **given: Any) -> None:
    """Show families by class, questionable links and alarms, or explain one image.

    SIZES are those of the smallest, the median and the largest family.
    """
    from lcc.cli.site import look_at_site
    from lcc.data.catalogue import read_catalogue
    from lcc.data.edges import read_edges
    from lcc.data.explanation import explain as explain_image
    from lcc.data.summary import read_audit
    from lcc.launch.resolve import resolve_catalogue

    with look_at_site(given) as site:
        settings = resolve_catalogue(site.settings, site.store)
        name, digest = str(settings.data.name), settings.data.catalogue
        catalogue = read_catalogue(site.store, name=name, digest=digest)
        edges = read_edges(site.store, catalogue)
        if explain is not None:
            lines = _explained(explain_image(catalogue, edges, explain))
        else:
            alarms = [a["text"] for a in read_audit(site.store, catalogue)["alarms"]]
            lines = _overview(catalogue, edges, alarms)
    for line in lines:
        click.echo(line)


def _overview(
    catalogue: "Catalogue", edges: "pa.Table", alarms: Sequence[str]
) -> Iterator[str]:
    from textwrap import wrap

    from lcc.data.edges import Link

    yield from _class_table(catalogue)
    kinds = edges["link"].to_pylist()
    counts = ", ".join(f"{kinds.count(kind):,} {kind}" for kind in Link)
    yield f"links: {counts}"
    questions = edges.filter([kind == Link.QUESTION for kind in kinds]).to_pylist()
    for edge in questions[:MAX_LINES]:
        paths = (catalogue.paths[edge[end]] for end in ("a", "b"))
        yield f"question: {' and '.join(paths)}: {_words(edge)}"
    if len(questions) > MAX_LINES:
        yield f"… and {len(questions) - MAX_LINES:,} more questions"
    for alarm in alarms:
        yield from wrap(f"alarm: {alarm}", 80, subsequent_indent="  ")


def _class_table(catalogue: "Catalogue") -> Iterator[str]:
    from statistics import median_high

    from lcc.data.explanation import class_sizes

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
    place = f", {row['split']}" if row["split"] else ""
    yield f"{row['path']}: {row['label']}, {row['status']}{place}"
    if row["family"] is None:
        yield f"unreadable: {row['reason']}"
        return
    if row["duplicate_of"]:
        yield f"a copy of {row['duplicate_of']}"
    yield f"family {row['family']}: {found.num_family:,} images, first {found.leader}"
    yield from _listed(found.chain)
    others = [str(code) for code in found.families if code != row["family"]]
    yield f"group {row['group']}, other families: {', '.join(others) or 'none'}"
    yield from _listed(found.bridges)


def _listed(ties: Sequence["NamedEdge"]) -> Iterator[str]:
    for tie in ties[:MAX_LINES]:
        yield f"  {tie.first} and {tie.second}"
        yield f"    {tie.edge['link']}: {_words(tie.edge)}"
    if len(ties) > MAX_LINES:
        yield f"  … and {len(ties) - MAX_LINES:,} more links"


def _words(edge: dict[str, Any]) -> str:
    mirrored = ", mirrored" if edge["mirrored"] else ""
    judged = f"{edge['inliers']} inliers" if edge["inliers"] else "pixels alone"
    return (
        f"{edge['angle']:.0f}°{mirrored}, × {edge['scale']:.2f}, {judged}, "
        f"overlap {edge['overlap']:.2f}, correlation {edge['correlation']:.2f}"
    )
