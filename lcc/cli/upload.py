"""`lcc-launch upload FOLDER URI`: tiles from this machine to the cluster's bucket."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lcc.cli.options import LocalPath, settings_options
from lcc.config.commands import command_line
from lcc.errors import DataError

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources
    from lcc.storage.store import Store

NUM_THREADS = 8  # small files: the answers are waited for, not the bytes


@click.command("upload", short_help="Bring a folder of tiles to the bucket.")
@click.argument("folder", type=LocalPath())
@click.argument("uri", metavar="S3URI")
@settings_options()
def command(folder: Path, uri: str, sources: "SettingsSources") -> None:
    """Copy FOLDER to S3URI, e.g. s3://lcc/sources/lung; what is there is left alone."""
    from lcc.cli.context import find_backend
    from lcc.cli.watching import watch_progress
    from lcc.storage.uri import bucket_uri, open_store

    uri = bucket_uri(uri)
    with find_backend(sources) as backend:
        storage = backend.reachable(backend.settings).storage
        target = open_store(uri, storage)
        with watch_progress("upload"):
            done = upload_folder(folder, target)
        click.echo(
            f"{target.uri}: {done.num_sent} files copied, {done.num_present} there "
            "already"
        )
        click.echo(f"next: {command_line('prepare', target.uri)}", err=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """What was done.

    Attributes:
        num_sent: Files copied.
        num_present: Files that were there with the same size.
    """

    num_sent: int
    num_present: int


def upload_folder(folder: Path, target: "Store") -> Uploaded:
    """Copy all files below a folder, in several streams; prints progress lines.

    Raises:
        DataError: The folder holds no file, a link that leads nowhere, or a name that
            is not UTF-8.
        ConfigError: The bucket is missing or refuses.
    """
    from lcc.tracking.progress import start_progress

    files = _files_below(folder)
    present = {item.key: item.size_bytes for item in target.list_objects()}
    missing = {
        key: path
        for key, path in files.items()
        if present.get(key) != path.stat().st_size
    }
    progress = start_progress(len(files), found=len(files) - len(missing))
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        for _ in pool.map(lambda item: target.upload(*item), sorted(missing.items())):
            progress.advance()
    return Uploaded(num_sent=len(missing), num_present=len(files) - len(missing))


def _files_below(folder: Path) -> dict[str, Path]:
    from lcc.data.table import first_few
    from lcc.storage.local import LocalStore

    source = LocalStore(folder)
    broken = list(source.broken_links())
    if broken:  # a bucket has no links: there they would not even be counted
        message = (
            f"{folder}: must hold what its links mean, got {len(broken)} that lead "
            f"nowhere: {first_few(broken)}. Fetch it (dvc pull, git annex get .)."
        )
        raise DataError(message)
    files = {item.key: folder / item.key for item in source.list_objects()}
    if not files:
        message = (
            f"{folder}: must be a folder that holds files, got none. Check the path."
        )
        raise DataError(message)
    return files
