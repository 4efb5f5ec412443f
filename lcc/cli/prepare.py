"""`lcc-launch prepare SOURCE`: from images to a catalogue."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import Launch, launch_options
from lcc.cli.suggestions import suggest_folders

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("prepare", short_help="Make a catalogue: families, splits, tiles.")
@click.argument("source", required=False, shell_complete=suggest_folders)
@launch_options("data.name", "launch.parallelism")
def command(source: str | None, sources: "SettingsSources", how: Launch) -> None:
    """Make a catalogue: digests, families, a checked split, packed tiles.

    SOURCE is a folder or s3:// URI with one folder of images per class.
    """
    from lcc.cli.launching import launch_stage
    from lcc.launch.plan import Stage

    launch_stage(Stage.PREPARE, sources.with_flags(data__source=source), how)
