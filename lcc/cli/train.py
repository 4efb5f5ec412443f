"""`lcc-launch train`: one model on the development part."""

from typing import Any

import click

from lcc.cli.options import launch_options


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
def command(**given: Any) -> None:
    """Train a model and register it with the alias candidate."""
    from lcc.cli.running import launch
    from lcc.launch.plan import Stage

    launch(Stage.TRAIN, given)
