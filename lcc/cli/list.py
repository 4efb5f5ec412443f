"""`lcc-launch list`: the runs of a root."""

from typing import Any

import click

from lcc.cli.options import settings_options


@click.command("list", short_help="List the runs of a root.")
@settings_options()
def command(**given: Any) -> None:
    """List the runs under the root, oldest first."""
    from lcc.backends.kubernetes.jobs import with_jobs
    from lcc.cli.site import look_at_site
    from lcc.cli.standing import take_inventory_of
    from lcc.cli.tables import run_table
    from lcc.launch.state import read_states

    with look_at_site(given) as site:
        inventory = take_inventory_of(site)
        states = [with_jobs(state, inventory) for state in read_states(site.store)]
    if not states:
        click.echo(f"No runs under {site.store.uri}.", err=True)
        return
    for line in run_table(states):
        click.echo(line)
