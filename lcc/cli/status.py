"""`lcc-launch status [RUN]`: how one run stands."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options
from lcc.cli.suggestions import suggest_runs

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("status", short_help="Show how a run stands.")
@click.argument("run_id", metavar="[RUN]", required=False, shell_complete=suggest_runs)
@click.option("--watch", is_flag=True, help="Show it until it ends.")
@settings_options()
def command(run_id: str | None, watch: bool, sources: "SettingsSources") -> None:
    """Show the steps of a run, by default the latest, and send what MLflow missed."""
    from functools import partial

    from lcc.cli.context import find_backend, latest_run
    from lcc.cli.tables import run_tree, wait_lines
    from lcc.cli.watching import watch_run
    from lcc.launch.mlflow_sync import reconcile, tracking_server

    with find_backend(sources) as backend:
        run_id = latest_run(backend, run_id)
        if watch:
            watch_run(backend, run_id)
        states = backend.describe(run_id)
        for line in run_tree(states[0], states[1:]):
            click.echo(line)
        for line in wait_lines(backend.store, states):
            click.echo(line)
        waiting = reconcile(backend.store, states, partial(tracking_server, backend))
    if waiting:
        click.echo(f"MLflow: {waiting} reports wait until the server is back", err=True)
    if watch and states[0].exit_code:
        click.get_current_context().exit(states[0].exit_code)
