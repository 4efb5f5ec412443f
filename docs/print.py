"""Print docs/reference/: every setting and every command, as the code has them.

`python docs/print.py` rewrites the files; `--check` only compares.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import yaml

from lcc.cli.main import GROUPS, cli
from lcc.config.faults import PATTERNS
from lcc.config.fields import environment_name, setting_fields
from lcc.config.schema import settings_schema
from lcc.config.section import Section
from lcc.config.settings import Settings

FOLDER = Path(__file__).parent / "reference"
PRINTED = "<!-- Printed by `python docs/print.py`, not typed. -->\n"
SETTINGS = f"""\
# Settings
{PRINTED}
The later wins: the default, `lcc.yaml` or `--settings FILE`, the variable,
`--set PATH=VALUE`, a named flag. `null` stands for none. `lcc-launch schema` prints the
same as JSON Schema, for an editor.
"""
COMMANDS = f"""\
# Commands
{PRINTED}
`--help` prints these. Results go to stdout, talk to stderr; how a command ends stands
in [exit codes](exit-codes.md).
"""
WORDS = {
    "boolean": "`true`, `false`",
    "integer": "whole number",
    "null": "",
    "number": "number",
    "object": "mapping",
    "string": "text",
}
BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
}
WIDTH = 80  # of a terminal that shows a command's help

Schema = dict[str, Any]


def settings_page() -> str:
    """Return the page of all settings, a table for each section."""
    sections: dict[str, list[str]] = {}
    for path in setting_fields():
        sections.setdefault(path.rpartition(".")[0], []).append(path)
    return SETTINGS + "".join(
        f"\n{'#' * (2 + section.count('.'))} {section}\n\n{_purpose(section)}\n\n"
        "| setting, variable | takes | default | means |\n| --- | --- | --- | --- |\n"
        + "".join(map(_row, paths))
        for section, paths in sections.items()
    )


def _purpose(section: str) -> str:
    """Return the first line of the docstring of a section's class."""
    kind: type[Section] = Settings
    for word in section.split("."):
        inner = kind.model_fields[word].annotation
        assert isinstance(inner, type)  # noqa: S101 - a section, by its path
        kind = inner
    return (kind.__doc__ or "").splitlines()[0]


def _row(path: str) -> str:
    field = setting_fields()[path]
    default = _shown(field.get_default(call_default_factory=True))
    cells = (
        f"`{path}`<br>`{environment_name(path)}`",
        _takes(_property(path)),
        default,
        f"{field.description}",
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _shown(default: object) -> str:
    if default is None:
        return "none"
    plain = list(default) if isinstance(default, tuple) else default
    text = yaml.safe_dump(plain if isinstance(plain, (dict, list)) else str(plain))
    is_word = isinstance(plain, bool)
    text = str(plain).lower() if is_word else text.removesuffix("...\n").strip("'\n")
    return f"`{text}`"


@cache
def _schema() -> Schema:
    return settings_schema()


def _property(path: str) -> Schema:
    found: Schema = _schema()
    for word in path.split("."):
        found = _target(found["properties"][word])
    return found


def _target(schema: Schema) -> Schema:
    """Return a schema with what its reference leads to in it."""
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rpartition("/")[2]
    return {**_schema()["$defs"][name], **schema}


def _takes(schema: Schema) -> str:
    """Return in words which values a schema takes."""
    schema = _target(schema)
    if "anyOf" in schema:
        kinds = (_takes(part) for part in schema["anyOf"])
        return " or ".join(kind for kind in kinds if kind)
    if schema.get("type") == "array":
        return f"list of {_takes(schema['items'])}"
    if "properties" in schema:
        return f"{{{', '.join(schema['properties'])}}}"
    return ", ".join(_limits(schema))


def _limits(schema: Schema) -> Iterator[str]:
    """Yield the kind of a plain value, and each of its bounds."""
    if "enum" in schema or "const" in schema:
        yield from (f"`{word}`" for word in schema.get("enum", [schema.get("const")]))
        return
    pattern = schema.get("pattern", "")
    if pattern in PATTERNS:
        yield re.sub(r"^must be (an? )?", "", PATTERNS[pattern])
    else:
        yield WORDS.get(schema.get("type", ""), "anything")
    if pattern and pattern not in PATTERNS:
        yield f"`{pattern}`"
    for name, words in BOUNDS.items():
        if name in schema:
            yield words.format(f"{schema[name]:,}")


def commands_page() -> str:
    """Return the page of all commands, each with its help."""
    context = click.Context(cli, info_name="lcc-launch", **cli.context_settings)
    parts = [COMMANDS]
    for heading, names in GROUPS.items():
        parts.append(f"\n## {heading}\n")
        for name in names:
            command = cli.get_command(context, name)
            assert command is not None  # noqa: S101 - a name of the group
            parts.append(f"\n### {name}\n\n```\n{_help(command, context)}\n```\n")
    return "".join(parts)


def _help(command: click.Command, parent: click.Context) -> str:
    own = click.Context(
        command, info_name=command.name, parent=parent, terminal_width=WIDTH
    )
    return command.get_help(own)


def pages() -> dict[str, str]:
    """Return what each printed file must hold."""
    return {"settings.md": settings_page(), "commands.md": commands_page()}


def main() -> None:
    """Write the files, or with `--check` say which are old."""
    for name, text in pages().items():
        file = FOLDER / name
        is_current = file.exists() and file.read_text(encoding="utf-8") == text
        if not is_current and "--check" in sys.argv:
            sys.exit(f"{name}: is old. Run python docs/print.py")
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
