"""`lcc-launch status [RUN]`: how one run stands."""

from typing import Any

import click

from lcc.cli.options import settings_options


@click.command("status", short_help="Show how a run stands.")
@click.argument("run_id", metavar="[RUN]", required=False)
@settings_options()
def command(run_id: str | None, **given: Any) -> None:
    """Show the steps of a run, by default the latest, and send what MLflow missed."""
    from lcc.cli.running import open_root, resolved
    from lcc.cli.tables import run_tree
    from lcc.errors import NotFoundError
    from lcc.launch.reconcile import reconcile
    from lcc.launch.state import read_state, read_states

    store = open_root(resolved(given))
    if run_id is None:
        states = [state for state in read_states(store) if state.study is None]
        if not states:
            message = (
                f"{store.uri}: must hold a run, got none. Start one, or check --root."
            )
            raise NotFoundError(message)
        run_id = states[-1].run_id
    state = read_state(store, run_id)
    parts = [read_state(store, part) for part in state.stages.values()]
    for line in run_tree(state, parts):
        click.echo(line)
    waiting = reconcile(store, [state, *parts])
    if waiting:
        click.echo(f"MLflow: {waiting} reports wait until the server is back", err=True)
