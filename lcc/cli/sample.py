"""`lcc-launch sample FOLDER`: synthetic tiles to try everything on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from lcc.cli.options import LocalPath
from lcc.cli.verbosity import verbosity_options
from lcc.config.commands import command_line


def _number(
    flag: str, default: int, *, low: int, text: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    kind = click.IntRange(min=low)
    return click.option(flag, default=default, show_default=True, type=kind, help=text)


@click.command("sample", short_help="Draw synthetic tissue tiles.")
@click.argument("folder", type=LocalPath())
@_number("--sources", 64, low=2, text="Source tiles per class.")
@_number("--copies", 14, low=1, text="Augmented tiles per source.")
@_number("--size-px", 96, low=32, text="Side of a tile.")
@_number("--seed", 0, low=0, text="Of everything random.")
@click.option(
    "--random-split",
    metavar="FILE.csv",
    type=LocalPath(),
    help="Write a random split of the tiles as well: it leaks.",
)
@verbosity_options
def command(
    folder: Path,
    sources: int,
    copies: int,
    size_px: int,
    seed: int,
    random_split: Path | None,
) -> None:
    """Draw synthetic tissue tiles in three classes into FOLDER.

    They are made as LC25000 was: sources, then rotated, mirrored and cropped copies.
    """
    from lcc.cli.watching import watch_progress
    from lcc.data.sample import write_random_split, write_sample
    from lcc.errors import ConfigError
    from lcc.tracking.progress import start_progress

    if folder.exists() and any(folder.iterdir()):
        message = f"{folder}: must be empty or new, got files. Name another folder."
        raise ConfigError(message)
    with watch_progress("sample"):
        count = write_sample(
            folder,
            num_sources=sources,
            num_copies=copies,
            size_px=size_px,
            seed=seed,
            progress=start_progress,
        )
    click.echo(f"{count} tiles in {folder}")
    if random_split is not None:
        write_random_split(folder, random_split, seed=seed)
        click.echo(f"a random split in {random_split}")
        words = [str(random_split), "--images", str(folder)]
        click.echo(f"next: {command_line('audit', *words)}")
    else:
        small = ("--set", "model.backbone=small", "--set", "model.weights=none")
        words = [str(folder), "--local", *small]
        click.echo(f"next: {command_line('pipeline', *words)}")
