"""`lcc-launch pipeline SOURCE`: all stages in one go."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import Launch, launch_options
from lcc.cli.suggestions import suggest_folders

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("pipeline", short_help="Run all stages in one go.")
@click.argument("source", required=False, shell_complete=suggest_folders)
@launch_options(
    "data.name",
    "launch.gpus",
    "launch.pods",
    "launch.parallelism",
    "model.backbone",
    "train.epochs",
    "train.batch_size",
    "train.learning_rate",
)
def command(source: str | None, sources: "SettingsSources", how: Launch) -> None:
    """Run all stages in one go: prepare, search, train at the best point, evaluate.

    SOURCE is a folder or s3:// URI with one folder of images per class. The search runs
    where the settings have a grid.
    """
    from lcc.cli.launching import launch_stage
    from lcc.launch.plan import Stage

    launch_stage(Stage.PIPELINE, sources.with_flags(data__source=source), how)
