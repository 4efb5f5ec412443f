"""`lcc-launch logs [RUN]`: what a step wrote."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options
from lcc.cli.suggestions import suggest_runs

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("logs", short_help="Show what a step wrote.")
@click.argument("run_id", metavar="[RUN]", required=False, shell_complete=suggest_runs)
@click.option("--step", metavar="STEP", help="E.g. train, by default the last begun.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the step ends.")
@click.option(
    "--process-index",
    "index",
    metavar="N",
    type=click.IntRange(min=0),
    help="Only the process N of the step, from 0.",
)
@settings_options()
def command(
    run_id: str | None,
    step: str | None,
    follow: bool,
    index: int | None,
    sources: "SettingsSources",
) -> None:
    """Show the log of a run's step, by default of the latest run.

    Of pods that are gone the log is read from the store.
    """
    from lcc.cli.context import find_backend, latest_run
    from lcc.launch.state import read_state

    with find_backend(sources) as backend:
        state = read_state(backend.store, latest_run(backend, run_id))
        last = [state.run_id, *state.stages.values()][-1]
        for line in backend.logs(last, step, index=index, follow=follow):
            click.echo(line)
