"""Write the settings part of the chart's schema from the Python types.

`python charts/schema.py` rewrites values.schema.json; `--check` only compares. The rest
of the schema is written by hand and left as it is.
"""

import json
import sys
from pathlib import Path
from typing import Any

from lcc.config.schema import settings_schema

FILE = Path(__file__).parent / "lcc" / "values.schema.json"
PLACE = "#/definitions/settings"


def with_settings(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the chart's schema with the settings as they are now."""
    generated = {k: v for k, v in settings_schema().items() if k != "$schema"}
    generated["definitions"] = generated.pop("$defs")
    return schema | {
        "properties": schema["properties"] | {"settings": {"$ref": PLACE}},
        "definitions": schema["definitions"] | {"settings": _translated(generated)},
    }


def _translated(value: Any) -> Any:
    """Return a part of a pydantic schema in the older dialect that every Helm reads."""
    if isinstance(value, list):
        return [_translated(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:  # draft 7 reads nothing beside a reference
        return {"$ref": value["$ref"].replace("#/$defs", f"{PLACE}/definitions")}
    is_title = isinstance(value.get("title"), str) and "type" in value
    return {
        key: _translated(inner)
        for key, inner in value.items()
        if key != "title" or not is_title
    }


def render() -> str:
    """Return the file as it should be."""
    schema = with_settings(json.loads(FILE.read_text()))
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    text = render()
    if "--check" in sys.argv:
        is_same = text == FILE.read_text()
        sys.exit(0 if is_same else f"{FILE.name}: is old. Run python charts/schema.py")
    FILE.write_text(text)
