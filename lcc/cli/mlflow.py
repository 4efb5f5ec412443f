"""`lcc-launch mlflow`: MLflow's pages of a cluster, in a browser here."""

import time
import webbrowser
from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("mlflow", short_help="Open MLflow's pages.")
@click.option("--port", type=int, default=5000, show_default=True, help="Local port.")
@click.option("--no-browser", is_flag=True, help="Print the address alone.")
@settings_options()
def command(port: int, no_browser: bool, sources: "SettingsSources") -> None:
    """Open MLflow's pages on this machine, until Ctrl-C."""
    from lcc.cli.context import find_backend

    with find_backend(sources) as backend, backend.open_tracking(port) as url:
        click.echo(url)
        if not no_browser:
            webbrowser.open(url)
        while True:
            time.sleep(3600)
