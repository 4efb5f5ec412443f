"""`lcc-launch mlflow`: the tracking UI, through the API server."""

import time
from typing import Any

import click

from lcc.cli.options import settings_options


@click.command("mlflow", short_help="Open MLflow's pages.")
@click.option("--port", type=int, default=5000, show_default=True, help="Local port.")
@click.option("--no-browser", is_flag=True, help="Print the address alone.")
@settings_options()
def command(port: int, no_browser: bool, **given: Any) -> None:
    """Open MLflow's pages on this machine, until Ctrl-C."""
    from lcc.backends.kubernetes.port_forward import forwarding, service_of
    from lcc.cli.site import look_at_site
    from lcc.errors import ConfigError

    with look_at_site(given) as site:
        uri = site.settings.tracking.uri
        found = service_of(uri or "")
        if site.cluster is None or found is None:
            where = uri or f"the database under {site.store.uri}"
            message = (
                f"tracking.uri: must be a Service of a cluster, got {where}. Open it "
                "with a browser, or with: mlflow ui --backend-store-uri URI"
            )
            raise ConfigError(message)
        name, target = found
        with forwarding(site.cluster, name, target, local_port=port) as local:
            click.echo(f"http://127.0.0.1:{local}")
            if not no_browser:
                click.launch(f"http://127.0.0.1:{local}")
            while True:
                time.sleep(3600)
