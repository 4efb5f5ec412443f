"""`lcc-launch upload FOLDER URI`: tiles from this machine to the cluster's bucket."""

from typing import TYPE_CHECKING

import click

from lcc.cli.options import settings_options

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources


@click.command("upload", short_help="Bring a folder of tiles to the bucket.")
@click.argument("folder", type=click.Path())
@click.argument("uri", metavar="S3URI")
@settings_options()
def command(folder: str, uri: str, sources: "SettingsSources") -> None:
    """Copy FOLDER to S3URI, e.g. s3://lcc/sources/lung; what is there is left alone."""
    from pathlib import Path

    from lcc.cli.context import find_backend
    from lcc.cli.watching import watch_progress
    from lcc.launch.upload import upload_folder
    from lcc.storage.uri import open_store

    with find_backend(sources) as backend:
        storage = backend.reachable(backend.settings).storage
        target = open_store(uri.rstrip("/"), storage)
        with watch_progress("upload"):
            done = upload_folder(Path(folder), target)
    click.echo(f"{target.uri}: {done.copied} files copied, {done.kept} there already")
    command = f"lcc-launch prepare {target.uri} {backend.location}"
    click.echo(f"next: {command}", err=True)
