"""`lcc-launch train`: one model on the development part."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import Launch, launch_options

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("train", short_help="Train a model and register it.")
@launch_options(
    "data.name",
    "data.catalogue",
    "launch.gpus",
    "launch.pods",
    "model.backbone",
    "train.epochs",
    "train.batch_size",
    "train.learning_rate",
    "train.seed",
)
def command(sources: "SettingsSources", how: Launch) -> None:
    """Train a model and register it with the alias candidate."""
    from lcc.cli.launching import launch_stage
    from lcc.launch.plan import Stage

    launch_stage(Stage.TRAIN, sources, how)
