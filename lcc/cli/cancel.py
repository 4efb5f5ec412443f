"""`lcc-launch cancel RUN`: end a run; what it finished is kept."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options
from lcc.cli.suggestions import suggest_runs

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("cancel", short_help="End a run; what it finished is kept.")
@click.argument("run_id", metavar="RUN", shell_complete=suggest_runs)
@settings_options()
def command(run_id: str, sources: "SettingsSources") -> None:
    """End RUN: its pods save and go, MLflow says KILLED; `resume` goes on later."""
    from lcc.cli.context import find_backend

    with find_backend(sources) as backend:
        for line in backend.cancel(run_id):
            click.echo(f"{run_id}: {line}", err=True)
