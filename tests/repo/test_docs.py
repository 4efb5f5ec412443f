"""Examples of the documents run as they stand there."""

import re
from pathlib import Path

import click
import pytest
import yaml

from lcc.cli.main import cli
from lcc.data.sample import write_sample
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "families.md"


def blocks_of(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_families_are_groups_for_scikit_learn(capsys: pytest.CaptureFixture[str]):
    write_sample(Path("tiles"), num_sources=2, num_copies=3, size_px=96)

    exec("\n".join(blocks_of("python")), {})  # noqa: S102 - our own page

    assert capsys.readouterr().out == "no leak found {}\n"
    assert Path("audit.html").is_file()


def commands() -> list[str]:
    (hooks,) = blocks_of("yaml")
    (hook,) = yaml.safe_load(hooks)["repos"][0]["hooks"]
    lines = [line for block in blocks_of("sh") for line in block.splitlines()]
    return [hook["entry"], *(line for line in lines if line.startswith("lcc-launch"))]


@pytest.mark.parametrize("line", commands())
def test_commands_of_the_page_parse(line: str):
    name, *arguments = line.split()[1:]
    context = click.Context(cli, info_name="lcc-launch", **cli.context_settings)

    command = cli.get_command(context, name)
    assert command is not None

    command.make_context(name, arguments, parent=context)
