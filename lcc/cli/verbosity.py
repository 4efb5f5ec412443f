"""The options `-v` and `-q`, before or after the command, and the logging they set."""

from collections.abc import Callable
from typing import Any

import click

LEVEL = "lcc.cli.level"  # in click's context: below 0 quiet, above 0 talkative


def _remember(ctx: click.Context, _: click.Parameter, count: int) -> None:
    ctx.meta[LEVEL] = ctx.meta.get(LEVEL, 0) + count


def _remember_quiet(ctx: click.Context, _: click.Parameter, is_quiet: bool) -> None:
    if is_quiet:
        ctx.meta[LEVEL] = -1


def verbosity_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-v` and `-q` to a command."""
    command = click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_remember_quiet,
        help="Say nothing but errors and results.",
    )(command)
    return click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_remember,
        help="Say more; -vv for everything.",
    )(command)


def level() -> int:
    """Return how much to say: below 0 nothing, 0 as usual, above 0 more."""
    value = click.get_current_context().meta.get(LEVEL, 0)
    return int(value)


def configure_logging() -> None:
    """Send warnings to stderr, with `-v` what the launcher does, with `-vv` all."""
    import logging
    import os

    from lcc.config import environment, log_lines

    levels = {-1: "ERROR", 0: "WARNING", 1: "INFO"}
    chosen = levels.get(level(), "DEBUG")
    log_lines.configure("WARNING")  # libraries; their chatter is not about the study
    logging.getLogger("lcc").setLevel(chosen)
    if chosen == "DEBUG":
        os.environ.setdefault(environment.LOG_LEVEL, "DEBUG")  # of the steps' processes
