"""`lcc-launch predict SOURCE`: what a trained model says of new images."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lcc.cli.options import Launch, LaunchMode, LocalPath, launch_options
from lcc.cli.suggestions import suggest_folders, suggest_runs

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources

OUTPUT = "predictions.csv"


@click.command("predict", short_help="Say what a trained model sees in new images.")
@click.argument("source", required=False, shell_complete=suggest_folders)
@click.option(
    "--model",
    metavar="MODEL",
    shell_complete=suggest_runs,
    help="A train run, champion, candidate, models:/NAME/VERSION or "
    "models:/NAME@ALIAS; by default the champion, else the candidate.",
)
@click.option(
    "--resize",
    is_flag=True,
    help="Answer images larger than the training images too, scaled down.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=LocalPath(),
    help="Where the table is brought, .csv or .parquet; by default predictions.csv. "
    "Not with --detach.",
)
@launch_options("launch.gpus", "launch.parallelism")
def command(
    source: str | None,
    model: str | None,
    resize: bool,
    output: Path | None,
    sources: "SettingsSources",
    how: Launch,
) -> None:
    """Predict images without labels: a row each, with a decision.

    SOURCE is a folder or s3:// URI of images, at any depth. An image is answered by a
    class, referred to a person where the model is not sure enough, or called
    unfamiliar where it shows no tissue that the model knows. Not for clinical use.
    """
    from lcc.cli.bringing import check_output, not_with_detach
    from lcc.cli.launching import launch_stage
    from lcc.launch.plan import Stage

    if how.mode is LaunchMode.DETACH and output is not None:
        raise not_with_detach(output)
    if how.mode is LaunchMode.RUN:
        output = output or Path(OUTPUT)
        check_output(output)
        how = replace(how, output=output)
    sources = sources.with_flags(
        predict__source=source,
        predict__model_run=model,
        predict__resize="true" if resize else None,
    )
    launch_stage(Stage.PREDICT, sources, how)
