"""Write the parts of the chart's schema that other files know already.

`python charts/schema.py` rewrites values.schema.json; `--check` only compares. Settings
come from the Python types, the description of a value from its comment in values.yaml.
The rest of the schema is written by hand and left as it is.
"""

import json
import sys
from pathlib import Path
from typing import Any

from charts.readme import described_values
from lcc.config.schema import settings_schema

CHART = Path(__file__).parent / "lcc"
FILE = CHART / "values.schema.json"
PLACE = "#/definitions/settings"


def with_settings(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the chart's schema with the settings as they are now."""
    generated = {k: v for k, v in settings_schema().items() if k != "$schema"}
    generated["definitions"] = generated.pop("$defs")
    return schema | {
        "properties": schema["properties"] | {"settings": {"$ref": PLACE}},
        "definitions": schema["definitions"] | {"settings": _translated(generated)},
    }


def describe(schema: dict[str, Any], path: str, sentence: str) -> None:
    """Give a value its sentence; one of a shared definition has its own there."""
    *parents, last = path.split(".")
    node = schema
    for key in parents:
        node = node["properties"][key]
        if "properties" not in node:
            return
    value = node["properties"][last]
    node["properties"][last] = {"description": sentence} | _as_part(value)


def _as_part(value: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that may stand beside a description: a reference may not."""
    if "$ref" in value:
        return {"allOf": [{"$ref": value["$ref"]}]}
    return {key: inner for key, inner in value.items() if key != "description"}


def _translated(value: Any) -> Any:
    """Return a part of a pydantic schema in the older dialect that every Helm reads."""
    if isinstance(value, list):
        return [_translated(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:  # draft 7 reads nothing beside a reference
        reference = value["$ref"].replace("#/$defs", f"{PLACE}/definitions")
        beside = {key: inner for key, inner in value.items() if key != "$ref"}
        part = {"$ref": reference}
        return beside | {"allOf": [part]} if beside else part
    is_title = isinstance(value.get("title"), str) and "type" in value
    return {
        key: _translated(inner)
        for key, inner in value.items()
        if key != "title" or not is_title
    }


def render() -> str:
    """Return the file as it should be."""
    schema = with_settings(json.loads(FILE.read_text()))
    for path, sentence, _ in described_values((CHART / "values.yaml").read_text()):
        describe(schema, path, sentence)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    text = render()
    if "--check" in sys.argv:
        is_same = text == FILE.read_text()
        sys.exit(0 if is_same else f"{FILE.name}: is old. Run python charts/schema.py")
    FILE.write_text(text)
