"""Brings a table of predictions from the root to a file of this machine.

Knows files; not what the table says.
"""

import shutil
import tempfile
from pathlib import Path

from lcc.config.commands import command_line
from lcc.data.pages import check_destination
from lcc.errors import ConfigError
from lcc.storage import layout
from lcc.storage.store import Store
from lcc.storage.uri import shown_uri

KEYS = {".csv": layout.predictions_csv, ".parquet": layout.predictions}


def check_output(output: Path) -> None:
    """Check that a table can be written to a file, hours before it is.

    Raises:
        ConfigError: It has another ending, or cannot be written there.
    """
    check_destination(output, option="--output", endings=tuple(KEYS))
    try:
        with tempfile.TemporaryFile(dir=output.absolute().parent):
            if output.exists():
                output.open("ab").close()
    except OSError as err:
        raise ConfigError(_not_written(output, err)) from err


def bring_home(store: Store, run_id: str, output: Path | None) -> None:
    """Write the predictions of a run to a file, whole, where there are some.

    Args:
        store: The root.
        run_id: The run.
        output: The file; none: nothing is brought.

    Raises:
        ConfigError: The file cannot be written; says where the table lies.
    """
    if output is None:
        return
    key = KEYS[output.suffix.lower()](run_id)
    if not store.exists(key):
        return
    folder = output.absolute().parent
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".lcc-") as scratch:
            copy = Path(scratch, "copy")
            shutil.copyfile(store.fetch(key, Path(scratch, "fetched")), copy)
            copy.replace(output)
    except OSError as err:
        where = f"The table lies at {shown_uri(store.uri, key)}"
        message = f"{_not_written(output, err)} {where}"
        raise ConfigError(message) from err


def _not_written(output: Path, err: OSError) -> str:
    what = f"got {output}: {err.strerror}"
    return f"--output: must be a file to write, {what}. Name another."


def not_with_detach(output: Path) -> ConfigError:
    """Return the error of a file that nobody would be there to write."""
    again = command_line("predict", "SOURCE", "--output", str(output))
    return ConfigError(
        f"--output: must not go with --detach, got {output}. Leave it out; once the "
        f"run is done, this brings the table, and answers nothing twice: {again}"
    )
