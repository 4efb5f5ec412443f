"""`lcc-launch status [RUN]`: how one run stands."""

from typing import Any

import click

from lcc.cli.options import settings_options


@click.command("status", short_help="Show how a run stands.")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--watch", is_flag=True, help="Show it until it ends.")
@settings_options()
def command(run_id: str | None, watch: bool, **given: Any) -> None:
    """Show the steps of a run, by default the latest, and send what MLflow missed."""
    from lcc.cli.site import look_at_site
    from lcc.cli.standing import latest_run, read_standing, take_inventory_of
    from lcc.cli.tables import run_tree
    from lcc.cli.watching import watch_run
    from lcc.launch.reconcile import reconcile

    with look_at_site(given) as site:
        run_id = latest_run(site, run_id)
        if watch:
            watch_run(site, run_id)
        inventory = take_inventory_of(site)
        state, parts = read_standing(site, run_id, inventory)
        for line in run_tree(state, parts):
            click.echo(line)
        waiting = reconcile(
            site.store, [state, *parts], site.reach, is_alive=inventory.is_alive
        )
    if waiting:
        click.echo(f"MLflow: {waiting} reports wait until the server is back", err=True)
    if watch and state.exit_code:
        click.get_current_context().exit(state.exit_code)
