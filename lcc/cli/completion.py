"""`lcc-launch completion SHELL`: the script that completes commands and options."""

import os
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from lcc.cli.main import COMPLETION

BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' response completion type value

    response=$(env COMP_LINE="${COMP_LINE:0:$COMP_POINT}" \
COMP_WORDBREAKS="$COMP_WORDBREAKS" %(complete_var)s=bash_complete $1)

    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("$value")
                [[ $value == *[.=] ]] && compopt -o nospace ;;
        esac
    done
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


@add_completion_class
class BashWithAssignments(BashComplete):
    """Completes `--set path=value` in bash, which takes `=` for the end of a word.

    Click's own class is given the words that bash made, and cannot tell `a=b` from
    `a = b`; this one is given the line.
    """

    source_template = BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor, and the one that it is in."""
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)[1:]
        return (words, "") if line[-1:].isspace() else (words[:-1], words[-1])

    def get_completions(
        self, args: list[str], incomplete: str
    ) -> list[CompletionItem[Any]]:
        """Return what bash puts in place of the part behind the last `=`."""
        found = super().get_completions(args, incomplete)
        typed = incomplete.partition("=")[2] if incomplete[:1] == "-" else incomplete
        path, assigned, _ = typed.partition("=")
        if assigned and "=" in os.environ["COMP_WORDBREAKS"]:
            for item in found:
                item.value = item.value.removeprefix(f"{path}=")
        return found


@click.command("completion", short_help="Print a shell completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a completion script, e.g. eval "$(lcc-launch completion bash)"."""
    kind = get_completion_class(shell)
    root = click.get_current_context().find_root().command
    if kind is not None:  # None only for a shell that click does not know
        click.echo(kind(root, {}, "lcc-launch", COMPLETION).source())
