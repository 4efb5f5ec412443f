"""`lcc-launch sample FOLDER`: synthetic tiles to try everything on."""

from pathlib import Path

import click

from lcc.cli.verbosity import verbosity_options


@click.command("sample", short_help="Draw synthetic tissue tiles.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--sources", default=24, show_default=True, type=click.IntRange(2, 5000),
              help="Source tiles per class.")  # fmt: skip
@click.option("--copies", default=9, show_default=True, type=click.IntRange(1, 500),
              help="Augmented tiles per source.")  # fmt: skip
@click.option("--size-px", default=128, show_default=True, type=click.IntRange(32, 1024),
              help="Side of a tile.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0),
              help="Of everything random.")  # fmt: skip
@verbosity_options
def command(folder: Path, sources: int, copies: int, size_px: int, seed: int) -> None:
    """Draw synthetic tissue tiles in three classes into FOLDER.

    They are made the way LC25000 was: sources, then rotated, mirrored and cropped copies.
    """
    from lcc.cli.watching import watch_progress
    from lcc.data.sample import write_sample
    from lcc.errors import ConfigError

    if folder.exists() and any(folder.iterdir()):
        message = f"{folder}: must be empty or new, got files. Name another folder."
        raise ConfigError(message)
    with watch_progress("sample"):
        count = write_sample(
            folder, num_sources=sources, num_copies=copies, size_px=size_px, seed=seed
        )
    click.echo(f"{count} tiles in {folder}")
    click.echo(f"Next: lcc-launch pipeline {folder} --local")
