"""`lcc-launch list`: the runs of a root."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("list", short_help="List the runs of a root.")
@settings_options()
def command(sources: "SettingsSources") -> None:
    """List the runs under the root, oldest first; end what killed ones left open."""
    from functools import partial

    from lcc.cli.context import find_backend
    from lcc.cli.tables import run_table, terminal_width
    from lcc.launch.driver import clean_up
    from lcc.launch.mlflow_sync import settle_all, tracking_server
    from lcc.storage.uri import shown_uri

    with find_backend(sources) as backend:
        states = backend.list_runs()
        settle_all(backend.store, states, partial(tracking_server, backend))
        clean_up(backend.store)
    if not states:
        click.echo(f"No runs under {shown_uri(backend.store.uri)}.", err=True)
        return
    for line in run_table(states, width=terminal_width()):
        click.echo(line)
