"""The words that users read first; `pytest --update-goldens` rewrites them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from lcc.cli.main import COMMANDS, cli

GOLDENS = Path(__file__).parent / "goldens"
HEAVY = ("boto3", "keras", "kubernetes", "mlflow", "numpy", "pydantic", "tensorflow")


def help_of(*command: str) -> str:
    # 80 columns whoever runs the tests
    result = CliRunner().invoke(cli, [*command, "--help"], prog_name="lcc-launch",
                                env={"COLUMNS": "80"}, terminal_width=80)  # fmt: skip
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("command", [pytest.param("", id="lcc-launch"), *COMMANDS])
def test_help_is_what_the_golden_says(
    command: str, request: pytest.FixtureRequest
) -> None:
    golden = GOLDENS / f"{command or 'lcc-launch'}.txt"

    text = help_of(*command.split())

    if request.config.getoption("--update-goldens"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_no_line_is_wider_than_a_terminal() -> None:
    lines = [line for name in COMMANDS for line in help_of(name).splitlines()]

    assert [line for line in lines if len(line) > 80] == []


def test_every_command_says_what_it_does_in_the_list() -> None:
    listed = re.findall(r"^  (\w+)  +(\S.*)$", help_of(), flags=re.MULTILINE)

    assert tuple(name for name, _ in listed) == COMMANDS
    assert [text for _, text in listed if text.endswith("...")] == []


def modules_after(*arguments: str) -> set[str]:
    code = (
        "import sys\n"
        "from lcc.cli.main import cli\n"
        f"cli({list(arguments)!r}, standalone_mode=False)\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return set(done.stderr.split())


def test_help_loads_nothing_heavy() -> None:
    assert modules_after("--help") & {*HEAVY, "rich", "yaml"} == set()


def test_a_dry_run_loads_nothing_heavy_but_pydantic() -> None:
    loaded = modules_after("train", "--local", "--dry-run", "client")

    assert loaded & set(HEAVY) == {"pydantic"}
