"""The group of all commands; each is imported when it is asked for."""

import os
import sys
from importlib import import_module

import click

from lcc import __version__
from lcc.cli.verbosity import verbosity_options
from lcc.errors import LccError

# Pydantic would search all that is installed for its plugins: a fifth of a dry run.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

GROUPS = {  # heading → commands, both in the order of use
    "Data": ("sample", "upload", "prepare", "families", "audit"),
    "Study": ("pipeline", "search", "train", "evaluate", "report", "compare"),
    "Use": ("predict", "export"),
    "Runs": ("list", "status", "logs", "cancel", "resume", "mlflow"),
    "Registry": ("promote", "rollback"),
    "Cluster": ("check",),
    "More": ("schema", "completion"),
}
COMMANDS = tuple(name for names in GROUPS.values() for name in names)
COMPLETION = "_LCC_LAUNCH_COMPLETE"  # the variable by which a shell asks


class LazyGroup(click.Group):
    """Commands from `lcc.cli.<name>`, so that `--help` loads nothing heavy."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return the names in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Return a command, None for an unknown name."""
        if name not in COMMANDS:
            return None
        command = import_module(f"lcc.cli.{name}").command
        assert isinstance(command, click.Command)  # noqa: S101 - for mypy
        return command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the commands by what they are for, in columns of one width."""
        width = max(map(len, COMMANDS))
        for heading, names in GROUPS.items():
            commands = {name: self.get_command(ctx, name) for name in names}
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (name.ljust(width), command.get_short_help_str(99))
                        for name, command in commands.items()
                        if command is not None
                    ]
                )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is answered with near names."""
        from difflib import get_close_matches

        near = get_close_matches(args[0], COMMANDS, n=1)
        if args[0] not in COMMANDS and near and not args[0].startswith("-"):
            ctx.fail(f"No such command '{args[0]}'. Did you mean {near[0]}?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an `LccError` becomes its message and exit code."""
        try:
            return super().invoke(ctx)
        except LccError as err:
            click.echo(_shown(err), err=True)
            ctx.exit(err.exit_code)


def _shown(err: LccError) -> str:
    """Return the message, faults one a line."""
    lines = str(err).split("\n")
    return "\n".join(
        f"{'Error: ' if n == 0 else '       '}{t}" for n, t in enumerate(lines)
    )


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 settings, 3 data, 4 a check found a fault, "
    "75 temporary, 130 and 143 stopped.",
)
@click.version_option(__version__, prog_name="lcc-launch")
@verbosity_options
def cli() -> None:
    """Train and judge tissue classifiers whose number can be believed."""


def main() -> None:
    """Run the command line, or answer a shell that completes it."""
    if COMPLETION in os.environ:
        import_module("lcc.cli.completion")  # bash is answered by a class of ours
    sys.exit(cli(prog_name="lcc-launch"))
