"""`lcc-launch report [RUN]`: the report of an evaluation, made anew."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options
from lcc.cli.suggestions import suggest_runs

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("report", short_help="Make the report of an evaluation anew.")
@click.argument("run_id", metavar="[RUN]", required=False, shell_complete=suggest_runs)
@settings_options()
def command(run_id: str | None, sources: "SettingsSources") -> None:
    """Judge anew what an evaluation predicted, by default the latest.

    Needs the predictions that it kept, no model and no GPU. Figures, plots and report
    below the run are written again; MLflow keeps those that it was sent.
    """
    import tempfile
    from pathlib import Path

    from lcc.cli.context import find_backend
    from lcc.launch.evaluations import find_evaluation
    from lcc.launch.needs import REPORTING, check_installed
    from lcc.launch.state import read_run_settings
    from lcc.storage import layout
    from lcc.storage.uri import shown_uri

    check_installed(REPORTING, what="report")
    with find_backend(sources) as backend:
        run_id = find_evaluation(backend.store, run_id)
        settings = read_run_settings(backend.store, run_id)
        from lcc.evaluate.evaluation import remake_report

        with tempfile.TemporaryDirectory() as scratch:
            report = remake_report(
                settings, backend.store, run_id=run_id, scratch=Path(scratch)
            )
        click.echo(report.verdict)
        click.echo(report.forecast)
        click.echo(shown_uri(backend.store.uri, layout.report(run_id)))
