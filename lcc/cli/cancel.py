"""`lcc-launch cancel RUN`: end a run; what it finished is kept."""

from typing import Any

import click

from lcc.cli.options import settings_options


@click.command("cancel", short_help="End a run; what it finished is kept.")
@click.argument("run_id", metavar="RUN")
@settings_options()
def command(run_id: str, **given: Any) -> None:
    """End RUN: its pods save and go, MLflow says KILLED; `resume` goes on later."""
    from lcc.backends.kubernetes.cancel import (
        cancel_local,
        delete_jobs,
        record_cancelled,
        wait_for_pods,
    )
    from lcc.cli.site import look_at_site
    from lcc.launch.state import Status, read_state

    with look_at_site(given) as site:
        state = read_state(site.store, run_id)
        if site.cluster is None:
            cancel_local(state)
            click.echo(f"{run_id}: asked to stop", err=True)
            return
        run_ids = [run_id, *state.stages.values()]
        number = delete_jobs(site.cluster, run_ids)
        click.echo(f"{run_id}: {number} jobs deleted, their pods save and go", err=True)
        try:
            wait_for_pods(site.cluster, run_ids)
        finally:
            for run in reversed(run_ids):
                own = read_state(site.store, run)
                if own.status is not Status.DONE:
                    record_cancelled(site.store, own, site.reach)
    click.echo(f"{run_id}: cancelled", err=True)
