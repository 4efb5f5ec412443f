"""`lcc-launch schema`: the JSON Schema of lcc.yaml."""

import click


@click.command("schema", short_help="Print the JSON Schema of lcc.yaml.")
def command() -> None:
    """Print the JSON Schema of lcc.yaml: every setting, its bounds and default."""
    import json

    from lcc.config.schema import settings_schema

    click.echo(json.dumps(settings_schema(), indent=2))
