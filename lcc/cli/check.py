"""`lcc-launch check`: what is there, what is missing, how to mend it."""

from typing import Any

import click

from lcc.cli.options import settings_options


@click.command("check", short_help="Look whether a cluster is ready.")
@settings_options()
def command(**given: Any) -> None:
    """Look at the cluster, its chart, the bucket and MLflow; exit 4 on a fault."""
    from lcc.backends.kubernetes.preflight import check_cluster
    from lcc.cli.site import look_at_site
    from lcc.errors import CheckFailed, ConfigError

    with look_at_site(given) as site:
        if site.cluster is None:
            message = "check: looks at a cluster, got --local. Pass --namespace."
            raise ConfigError(message)
        reachable = site.reach(site.settings)
        findings = check_cluster(
            site.cluster, site.settings, store=site.store, reachable=reachable
        )
        num_faults = 0
        for finding in findings:
            mark = "✗" if finding.is_fault else "✓"
            click.echo(f"{mark} {finding.name:<13} {finding.text}")
            num_faults += finding.is_fault
    if num_faults:
        message = f"{num_faults} of these must be mended before a launch."
        raise CheckFailed(message)
