"""`lcc-launch logs [RUN]`: what a step wrote."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options
from lcc.cli.suggestions import suggest_runs

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources
    from lcc.launch.backend import Backend

PAUSE_SECONDS = 1.0  # before a pipeline is asked for its next stage


@click.command("logs", short_help="Show what a step wrote.")
@click.argument("run_id", metavar="[RUN]", required=False, shell_complete=suggest_runs)
@click.option("--step", metavar="STEP", help="E.g. train, by default the last begun.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the end.")
@click.option(
    "--process-index",
    "index",
    metavar="N",
    type=click.IntRange(min=0),
    help="Only the process N of the step, from 0.",
)
@settings_options()
def command(
    run_id: str | None,
    step: str | None,
    follow: bool,
    index: int | None,
    sources: "SettingsSources",
) -> None:
    """Show the log of a run's step, by default of the latest run.

    Of a pipeline those of all its stages. Of pods that are gone the log is read from
    the store. What TensorFlow says when it starts is left out, but for -v.
    """
    from lcc.cli.context import find_backend, latest_run
    from lcc.cli.verbosity import level
    from lcc.launch.logs import is_chatter

    with find_backend(sources) as backend:
        run_id = latest_run(backend, run_id)
        for line in _lines(backend, run_id, step, index=index, follow=follow):
            if level() > 0 or not is_chatter(line):
                click.echo(line)


def _lines(
    backend: "Backend",
    run_id: str,
    step: str | None,
    *,
    index: int | None,
    follow: bool,
) -> Iterator[str]:
    """Yield the lines of a run, or of a pipeline's runs, each below its name.

    Raises:
        NotFoundError: There are none.
    """
    from lcc.errors import NotFoundError

    missing = None
    is_empty = True
    for part in run_parts(backend, run_id, follow=follow):
        if part != run_id:
            yield f"— {part}"
        try:
            for line in backend.logs(part, step, index=index, follow=follow):
                is_empty = False
                yield line
        except NotFoundError as err:  # of the one stage; another has the step
            missing = err
    if is_empty and missing is not None:
        raise missing


def run_parts(
    backend: "Backend",
    run_id: str,
    *,
    follow: bool,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """Yield a run, or of a pipeline the runs of its stages, in order.

    Args:
        backend: Where the run is.
        run_id: The run.
        follow: Whether to wait for stages that are still to come.
        sleep: Waits so many seconds.
    """
    from lcc.launch.plan import Stage
    from lcc.launch.state import RunStatus

    told: list[str] = []
    while True:
        state = backend.describe(run_id)[0]
        parts = list(state.stages.values())
        if state.stage != Stage.PIPELINE:
            parts = [run_id]
        for part in parts[len(told) :]:
            told.append(part)
            yield part
        is_over = not follow or state.status is not RunStatus.RUNNING
        if is_over or state.stage != Stage.PIPELINE:
            return
        sleep(PAUSE_SECONDS)
