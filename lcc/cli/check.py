"""`lcc-launch check`: what is there, what is missing, how to mend it."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("check", short_help="Look whether a cluster is ready.")
@settings_options()
def command(sources: "SettingsSources") -> None:
    """Look at the cluster, its chart, the bucket and MLflow; exit 4 on a fault."""
    from lcc.cli.context import find_backend
    from lcc.errors import CheckFailed

    num_faults = 0
    with find_backend(sources) as backend:
        for finding in backend.check():
            mark = "✗" if finding.is_fault else "✓"
            click.echo(f"{mark} {finding.name:<13} {finding.text}")
            num_faults += finding.is_fault
    if num_faults:
        message = f"{num_faults} of these must be mended before a launch."
        raise CheckFailed(message)
