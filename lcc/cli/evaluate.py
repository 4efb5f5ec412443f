"""`lcc-launch evaluate`: the sealed test split."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import Launch, launch_options

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("evaluate", short_help="Judge a model on the sealed test split.")
@click.option(
    "--run",
    "run_id",
    metavar="RUN",
    help="Train run to judge; by default the model with alias candidate.",
)
@launch_options("data.name", "data.catalogue")
def command(run_id: str | None, sources: "SettingsSources", how: Launch) -> None:
    """Judge a trained model on the sealed test split, and write the report."""
    from lcc.cli.launching import launch_stage
    from lcc.launch.plan import Stage

    launch_stage(Stage.EVALUATE, sources.with_flags(evaluate__model_run=run_id), how)
