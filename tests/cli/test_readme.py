"""README's commands parse, and its tables are those of the code."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from lcc.cli.main import COMMANDS, cli
from lcc.config.fields import setting_fields
from tests.builders.commands import launch
from tests.builders.settings import load_settings

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "README.md"
SETTINGS = (
    "storage.root",
    "data.tile_size_px",
    "data.num_folds",
    "model.backbone",
    "model.weights",
    "model.frozen_stages",
    "train.epochs",
    "train.batch_size",
    "train.learning_rate",
    "search.grid",
)


def commands_of_readme() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(), flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("lcc-launch ")]


@pytest.mark.parametrize("line", commands_of_readme())
def test_every_command_of_the_readme_parses(line: str) -> None:
    name, *arguments = shlex.split(line, comments=True)[1:]
    context = click.Context(cli, info_name="lcc-launch", **cli.context_settings)

    command = cli.get_command(context, name)
    assert command is not None
    parsed = command.make_context(name, arguments, parent=context)

    overrides = parsed.params.get("overrides", ())
    file = parsed.params.get("file")
    load_settings(file=REPOSITORY / file if file else None, overrides=overrides)


def test_every_command_is_in_the_table(request: pytest.FixtureRequest) -> None:
    context = click.Context(cli, info_name="lcc-launch", **cli.context_settings)
    rows = []
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        own = click.Context(command, info_name=name, parent=context)
        usage = " ".join(command.collect_usage_pieces(own)).replace("[OPTIONS] ", "")
        usage = usage.replace("[OPTIONS]", "").replace("|", "\\|")
        rows.append(
            f"| `{f'{name} {usage}'.strip()}` | {command.get_short_help_str(99)} |"
        )
    table = "\n".join(["| command | does |", "| --- | --- |", *rows])

    check_section("commands", table, request)


def test_the_settings_are_those_of_the_code(request: pytest.FixtureRequest) -> None:
    rows = []
    for path in SETTINGS:
        field = setting_fields()[path]
        default = yaml.safe_dump(field.get_default(call_default_factory=True))
        value = default.removesuffix("...\n").strip()
        rows.append(f"| `{path}` | `{value}` | {field.description} |")
    table = "\n".join(["| setting | default | means |", "| --- | --- | --- |", *rows])

    check_section("settings", table, request)


def check_section(name: str, table: str, request: pytest.FixtureRequest) -> None:
    pattern = rf"(<!-- {name}: .*? -->\n)(.*?)\n?(<!-- end of {name} -->)"
    text = README.read_text(encoding="utf-8")
    found = re.search(pattern, text, flags=re.DOTALL)
    assert found is not None
    if request.config.getoption("--update-goldens"):
        new = f"{found[1]}{table}\n{found[3]}"
        README.write_text(text.replace(found[0], new), encoding="utf-8")
    else:
        assert found[2] == table


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.read_text().splitlines()) < 250


def test_make_study_runs_the_commands_of_the_readme() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    lines = study_commands()

    assert [f"$(BIN)/{line}" in makefile for line in lines] == [True, True]


def study_commands() -> list[str]:
    return [line for line in commands_of_readme() if "build/tiles" in line]


def figures_of(text: str) -> dict[str, tuple[float, float, float]]:
    """Return name → estimate and interval of each line that ends in all three."""
    number = r"([01]\.\d{3})"
    line = rf"^ +(.+?) {number} \({number}–{number}\)$"
    found = re.findall(line, text, flags=re.MULTILINE)
    return {name: (float(a), float(b), float(c)) for name, a, b, c in found}


@pytest.mark.slow
def test_the_study_prints_the_figures_of_the_readme(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    for line in study_commands():
        code, output, talk = launch(tmp_path, *shlex.split(line)[1:])
        assert code == 0, talk

    texts = output, README.read_text()
    found, shown = map(figures_of, texts)

    assert found.keys() == shown.keys()
    for name, expected in shown.items():  # other processors round otherwise
        assert found[name] == pytest.approx(expected, abs=0.05), name
    verdict = r"over all folds is ([01]\.\d{3}) above"
    above, above_shown = (float(re.findall(verdict, text)[0]) for text in texts)
    assert above == pytest.approx(above_shown, abs=0.05)
    _, honest_lower, honest_upper = found["macro F1"]
    _, _, best_upper = found["best baseline, macro F1"]
    inflated, inflated_lower, _ = found["on a random split, INVALID: macro F1"]
    assert best_upper < honest_lower
    assert honest_upper < inflated_lower
    assert honest_upper < 0.95 < inflated


@pytest.mark.parametrize("name", ["laptop", "study"])
def test_examples_are_settings(name: str) -> None:
    settings = load_settings(file=REPOSITORY / "examples" / f"{name}.yaml")

    assert settings.search.grid


def test_exit_codes_are_told_by_help() -> None:
    text = CliRunner().invoke(cli, ["--help"]).output
    codes = re.findall(r"^\| ([\d, ]+) \| \w", README.read_text(), flags=re.MULTILINE)

    assert [code for row in codes for code in row.split(", ") if code not in text] == []
