"""`lcc-launch check`: what is there, what is missing, how to mend it."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources
    from lcc.launch.backend import Finding


@click.command("check", short_help="Look whether a cluster is ready.")
@settings_options()
def command(sources: "SettingsSources") -> None:
    """Look at the cluster, its chart, pods, bucket and MLflow; exit 4 on a fault.

    Before an install it says what the install needs.
    """
    from lcc.backends import backend_class
    from lcc.cli.context import find_settings
    from lcc.errors import CheckFailed

    settings = find_settings(sources)
    num_faults = 0
    for finding in backend_class(settings.launch.backend).check(sources, settings):
        _print_row(finding)
        num_faults += finding.is_fault
    if num_faults:
        message = f"{num_faults} of these must be mended before a launch."
        raise CheckFailed(message)


def _print_row(finding: "Finding") -> None:
    known = "✗" if finding.is_fault else "✓"
    mark = known if finding.is_known else "·"
    click.echo(f"{mark} {finding.name:<15} {finding.text}")
    if finding.remedy:
        click.echo(f"  {'':<15} → {finding.remedy}")
