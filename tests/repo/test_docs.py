"""Examples of the documents run as they stand there."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from lcc import audit_split
from lcc.cli.main import cli
from lcc.data.sample import write_sample
from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
AUDIT = DOCS / "how-to" / "audit.md"
FIRST_AUDIT = DOCS / "start" / "first-audit.md"


def blocks_of(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_families_are_groups_for_scikit_learn(capsys: pytest.CaptureFixture[str]):
    write_sample(Path("tiles"), num_sources=2, num_copies=3, size_px=96)

    exec("\n".join(blocks_of(AUDIT, "python")), {})  # noqa: S102 - our own page

    assert capsys.readouterr().out == "no leak found {}\n"
    assert Path("audit.html").is_file()


def test_the_first_audit_ends_with_a_split_that_does_not_leak():
    write_sample(Path("tiles"), num_sources=2, num_copies=3, size_px=96)

    exec("\n".join(blocks_of(FIRST_AUDIT, "python")), {})  # noqa: S102 - our own page

    assert audit_split("split.csv", "tiles").verdict == "no leak found"


def commands() -> list[str]:
    (hooks,) = blocks_of(AUDIT, "yaml")
    (hook,) = yaml.safe_load(hooks)["repos"][0]["hooks"]
    blocks = (block for page in DOCS.rglob("*.md") for block in blocks_of(page, "sh"))
    lines = {line for block in blocks for line in block.splitlines()}
    return [hook["entry"], *sorted(li for li in lines if li.startswith("lcc-launch"))]


@pytest.mark.parametrize("line", commands())
def test_commands_of_the_pages_parse(line: str):
    name, *arguments = shlex.split(line, comments=True)[1:]
    context = click.Context(cli, info_name="lcc-launch", **cli.context_settings)

    command = cli.get_command(context, name)
    assert command is not None

    command.make_context(name, arguments, parent=context)
