"""`lcc-launch audit SPLIT.csv`: does anybody's split leak?"""

from pathlib import Path
from typing import Any

import click

from lcc.cli.options import settings_options


@click.command("audit", short_help="Find leaks in anybody's split.")
@click.argument("split_csv", metavar="SPLIT.csv", type=click.Path(path_type=Path))
@click.option(
    "--images",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Where the paths of the CSV start; by default the folder of the CSV.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the report there instead of stdout.",
)
@settings_options()
def command(
    split_csv: Path, images: Path | None, output: Path | None, **given: Any
) -> None:
    """Look for copies and families across the splits of SPLIT.csv (path,split).

    Exits with 4 where a leak was found, 3 where the data cannot be read.
    """
    from lcc.cli.options import load
    from lcc.cli.watching import watch_progress
    from lcc.data.split_audit import audit_split
    from lcc.errors import CheckFailed
    from lcc.tracking.progress import Progress

    settings = load(given)
    with watch_progress("audit"):
        audit = audit_split(
            split_csv, images or split_csv.parent, settings.data, progress=Progress
        )
    if output is None:
        click.echo(audit.markdown(), nl=False)
    else:
        output.write_text(audit.markdown(), encoding="utf-8")
    if audit.leaks:
        message = (
            f"{split_csv}: splits must share no tissue, got {audit.summary()}. "
            "Keep each family in one split."
        )
        raise CheckFailed(message)
