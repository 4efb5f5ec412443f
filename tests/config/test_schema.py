from collections.abc import Iterator
from typing import Any

from lcc.config.schema import settings_schema


def objects_of(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    yield from schema["$defs"].values()


def test_every_section_refuses_unknown_keys() -> None:
    sections = [s for s in objects_of(settings_schema()) if "properties" in s]

    assert len(sections) == 22
    assert [s["title"] for s in sections if s["additionalProperties"] is not False] == [
        "Volume"  # its source is Kubernetes' own
    ]


def test_every_setting_has_a_default_and_a_description() -> None:
    schema = settings_schema()

    bare = [
        name
        for section in schema["$defs"].values()
        for name, field in section.get("properties", {}).items()
        if "$ref" not in field
        and not {"default", "description"} <= field.keys()
        and name not in section.get("required", [])
        and name
        not in {"families", "augmentation", "grid", "node_selector", "class_map"}
        and name not in {"pod_annotations", "pod_labels"}
    ]

    assert bare == []


def test_bounds_are_part_of_the_schema() -> None:
    epochs = settings_schema()["$defs"]["TrainSettings"]["properties"]["epochs"]

    assert (epochs["minimum"], epochs["maximum"], epochs["default"]) == (1, 10_000, 30)
