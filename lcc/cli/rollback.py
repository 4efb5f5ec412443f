"""`lcc-launch rollback`: alias champion to the version that had it before."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("rollback", short_help="Give alias champion back.")
@click.option("--reason", metavar="TEXT", default="", help="Why; kept in MLflow.")
@settings_options()
def command(reason: str, sources: "SettingsSources") -> None:
    """Give alias champion back to the version that had it before the present one."""
    from lcc.cli.context import find_backend
    from lcc.cli.promote import champion_line, check_reason
    from lcc.launch.mlflow_sync import tracking_server
    from lcc.tracking.champion import this_person

    check_reason(reason)
    with find_backend(sources) as backend:
        server = tracking_server(backend, backend.settings)
        change = server.roll_back(who=this_person(), why=reason)
    click.echo(champion_line(server.settings.registered_model, change))
