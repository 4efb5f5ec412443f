"""`lcc-launch search`: every point of the grid on every fold."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import Launch, launch_options

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("search", short_help="Try every point of the grid on every fold.")
@launch_options(
    "data.name",
    "data.catalogue",
    "launch.parallelism",
    "model.backbone",
    "train.epochs",
    "train.batch_size",
)
def command(sources: "SettingsSources", how: Launch) -> None:
    """Try every point of search.grid on every fold, and choose the best.

    E.g. --set search.grid.train.learning_rate=[0.1,0.01].
    """
    from lcc.cli.launching import launch_stage
    from lcc.launch.plan import Stage

    launch_stage(Stage.SEARCH, sources, how)
