"""`lcc-launch logs [RUN]`: what a step wrote."""

from collections.abc import Iterator
from typing import Any

import click

from lcc.cli.options import settings_options


@click.command("logs", short_help="Show what a step wrote.")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--step", metavar="STEP", help="E.g. train, by default the last begun.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the step ends.")
@click.option(
    "--index",
    metavar="N",
    type=click.IntRange(min=0),
    help="Only the process N of the step, from 0.",
)
@settings_options()
def command(
    run_id: str | None, step: str | None, follow: bool, index: int | None, **given: Any
) -> None:
    """Show the log of a run's step, by default of the latest run.

    Of pods that are gone the log is read from the store.
    """
    from lcc.backends.kubernetes.logs import newest_job, read_kept_logs, read_pod_logs
    from lcc.cli.site import look_at_site
    from lcc.cli.standing import latest_run
    from lcc.launch.state import read_state

    with look_at_site(given) as site:
        state = read_state(site.store, latest_run(site, run_id))
        run_id = [state.run_id, *state.stages.values()][-1]
        job = newest_job(site.cluster, run_id, step) if site.cluster else None
        lines: Iterator[str] = iter(())
        if job is not None and site.cluster is not None:
            lines = read_pod_logs(site.cluster, job, follow=follow, index=index)
        is_empty = True
        for line in lines:
            is_empty = False
            click.echo(line)
        if is_empty:
            for line in read_kept_logs(site.store, run_id, step, index=index):
                click.echo(line)
