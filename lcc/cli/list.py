"""`lcc-launch list`: the runs of a root."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("list", short_help="List the runs of a root.")
@settings_options()
def command(sources: "SettingsSources") -> None:
    """List the runs under the root, oldest first; end in MLflow those that died."""
    from functools import partial

    from lcc.cli.context import find_backend
    from lcc.cli.tables import run_table
    from lcc.launch.mlflow_sync import settle_all, tracking_server

    with find_backend(sources) as backend:
        states = backend.list_runs()
        settle_all(backend.store, states, partial(tracking_server, backend))
    if not states:
        click.echo(f"No runs under {backend.store.uri}.", err=True)
        return
    for line in run_table(states):
        click.echo(line)
