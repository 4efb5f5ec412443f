"""`lcc-launch evaluate`: the sealed test split."""

from typing import Any

import click

from lcc.cli.options import launch_options


@click.command("evaluate", short_help="Judge a model on the sealed test split.")
@click.option(
    "--run",
    "run_id",
    metavar="RUN",
    help="Train run to judge; by default the model with alias candidate.",
)
@launch_options("data.name", "data.catalogue")
def command(run_id: str | None, **given: Any) -> None:
    """Judge a trained model on the sealed test split, and write the report."""
    from lcc.cli.running import launch
    from lcc.launch.plan import Stage

    launch(Stage.EVALUATE, given, evaluate__model_run=run_id)
