"""`lcc-launch resume RUN`: goes on where a run stopped."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options
from lcc.cli.suggestions import suggest_runs

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("resume", short_help="Go on with a run where it stopped.")
@click.argument("run_id", metavar="RUN", shell_complete=suggest_runs)
@click.option("--detach", is_flag=True, help="Drive it from inside the cluster.")
@settings_options()
def command(run_id: str, detach: bool, sources: "SettingsSources") -> None:
    """Go on with RUN where it stopped, with the settings it was made with."""
    from lcc.cli.launching import resume_run

    resume_run(run_id, sources, detach=detach)
