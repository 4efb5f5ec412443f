"""Commands that outputs print, as somebody who pastes them takes them."""

import re
import shlex

import click

from lcc.cli.main import cli


def printed_commands(text: str) -> list[list[str]]:
    """Return the words of each command in a text: it stands at the end of its line."""
    found = re.findall(r"\blcc-launch [a-z].*$", text, flags=re.MULTILINE)
    return [shlex.split(line)[1:] for line in found]


def check_parses(words: list[str]) -> click.Context:
    """Return the context of a command that click takes as it is."""
    context = click.Context(cli, info_name="lcc-launch", **cli.context_settings)
    command = cli.get_command(context, words[0])
    assert command is not None, words
    return command.make_context(words[0], list(words[1:]), parent=context)
