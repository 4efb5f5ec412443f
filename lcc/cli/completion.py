"""`lcc-launch completion SHELL`: the script that completes commands and options."""

import click

VARIABLE = "_LCC_LAUNCH_COMPLETE"  # what click makes of the name of the program


@click.command("completion", short_help="Print a shell completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a completion script, e.g. eval "$(lcc-launch completion bash)"."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    root = click.get_current_context().find_root().command
    if kind is not None:  # None only for a shell that click does not know
        click.echo(kind(root, {}, "lcc-launch", VARIABLE).source())
