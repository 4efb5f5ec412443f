"""`lcc-launch prepare SOURCE`: from images to a catalogue."""

from typing import Any

import click

from lcc.cli.options import launch_options


@click.command("prepare", short_help="Make a catalogue: families, splits, tiles.")
@click.argument("source", required=False)
@launch_options("data.name", "launch.parallelism")
def command(source: str | None, **given: Any) -> None:
    """Make a catalogue: digests, families, a proven split, packed tiles.

    SOURCE is a folder or s3:// URI with one folder of images per class.
    """
    from lcc.cli.running import launch
    from lcc.launch.plan import Stage

    launch(Stage.PREPARE, given, data__source=source)
