"""`lcc-launch evaluate`: the sealed test split, or another data set."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import Launch, launch_options
from lcc.cli.suggestions import suggest_folders

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("evaluate", short_help="Judge a model on the sealed test split.")
@click.option(
    "--run",
    "run_id",
    metavar="RUN",
    help="Train run to judge; by default the model with alias candidate.",
)
@click.option(
    "--data",
    metavar="SOURCE",
    shell_complete=suggest_folders,
    help="Judge it on another data set that it has never seen: ./folder, s3://…, or "
    "the name of a prepared one.",
)
@launch_options("data.name", "data.catalogue")
def command(
    run_id: str | None, data: str | None, sources: "SettingsSources", how: Launch
) -> None:
    """Judge a trained model on the sealed test split, and write the report.

    With --data: on another data set, once it is sure that it is another.
    """
    from lcc.cli.launching import launch_stage
    from lcc.launch.outside import outside_flags
    from lcc.launch.plan import Stage

    sources = sources.with_flags(evaluate__model_run=run_id)
    if data is not None:
        sources = sources.with_flags(**outside_flags(data, sources.flags))
    launch_stage(Stage.EVALUATE, sources, how)
