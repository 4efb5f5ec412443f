"""The JSON Schema of `lcc.yaml`, made from the types: `lcc-launch schema`."""

from typing import Any

from lcc.config.settings import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def settings_schema() -> dict[str, Any]:
    """Return the schema: bounds, default and description of every setting.

    Unknown keys are refused at every level.
    """
    return {"$schema": DIALECT, **Settings.model_json_schema()}
