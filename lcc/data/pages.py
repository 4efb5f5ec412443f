"""Make HTML and Markdown documents from templates.

Knows files, Jinja and the page that all documents share; not what a document says.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from lcc.errors import ConfigError
from lcc.version import __version__


def render(
    template: str,
    *,
    package: str,
    filters: Mapping[str, Callable[..., object]] | None = None,
    **values: Any,
) -> str:
    """Return a document; values are escaped where it is HTML.

    Args:
        template: Name of a template; its first ending is that of the document.
        package: Package with the folder `templates` that holds it.
        filters: Functions that it may use.
        values: What it shows.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("lcc.data")]),
        autoescape=".html." in template,  # noqa: S701 - Markdown is no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters or {}
    return environment.get_template(template).render(version=__version__, **values)


def check_destination(file: Path, *, option: str, endings: Collection[str]) -> None:
    """Check that a document can be written to a file, before the work begins.

    Args:
        file: The file.
        option: The option that named it.
        endings: Those it may have.

    Raises:
        ConfigError: It has another ending, or there is no such folder.
    """
    if file.suffix.lower() not in endings:
        allowed = ", ".join(endings)
        choice = f"one of {allowed}" if len(endings) > 1 else allowed
        message = f"{option}: must end in {choice}, got {file.name}. Rename it."
        raise ConfigError(message)
    if not file.absolute().parent.is_dir():
        message = f"{option}: must lie in a folder, got {file.parent}. Make it first."
        raise ConfigError(message)


def write_document(file: Path, text: str, *, option: str) -> None:
    """Write a document.

    Raises:
        ConfigError: The file cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as err:
        message = (
            f"{option}: must be a file to write, got {file}: {err.strerror}. Name "
            "another."
        )
        raise ConfigError(message) from err
