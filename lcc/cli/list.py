"""`lcc-launch list`: the runs of a root."""

from typing import Any

import click

from lcc.cli.options import settings_options


@click.command("list", short_help="List the runs of a root.")
@settings_options()
def command(**given: Any) -> None:
    """List the runs under the root, oldest first."""
    from lcc.cli.running import open_root, resolved
    from lcc.cli.tables import run_table
    from lcc.launch.state import read_states

    store = open_root(resolved(given))
    states = read_states(store)
    if not states:
        click.echo(f"No runs under {store.uri}.", err=True)
        return
    for line in run_table(states):
        click.echo(line)
