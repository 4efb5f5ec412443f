"""Values, schema and README agree; no helm is needed."""

import json
import runpy
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from tests.chart.rendering import CHART, EVERYTHING
from tests.conftest import REPOSITORY

CONDITIONS = (
    "if",
    "then",
    "else",
    "not",
    "anyOf",
)  # they name keys to ask, not to explain
SERVERS = ("s3", "mlflow", "postgresql")
FREE_FORM = {  # maps of Kubernetes' own, whose keys are not ours
    *("settings", "nodeSelector", "affinity", "global", "podAnnotations", "podLabels"),
    *("mlflow.ingress.annotations",),
    *(f"serviceAccounts.{who}.annotations" for who in ("worker", "driver", "server")),
    *(f"{part}.resources" for part in (*SERVERS, "cleanup", "helpers")),
    *(f"{part}.podAnnotations" for part in (*SERVERS, "cleanup")),
    *(f"{part}.podLabels" for part in (*SERVERS, "cleanup")),
}


@pytest.fixture
def schema() -> dict[str, Any]:
    return json.loads((CHART / "values.schema.json").read_text())


@pytest.fixture
def values() -> dict[str, Any]:
    return yaml.safe_load((CHART / "values.yaml").read_text())


def renderer(script: str) -> Callable[[], str]:
    return runpy.run_path(str(REPOSITORY / "charts" / script))["render"]


def resolve(node: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        found = root
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        return resolve(found, root)
    parts = [resolve(part, root) for part in node.get("allOf", []) if "$ref" in part]
    return next(iter(parts), node)


def schema_paths(
    node: dict[str, Any], root: dict[str, Any], prefix: str = ""
) -> Iterator[str]:
    for key, inner in node.get("properties", {}).items():
        path = f"{prefix}{key}"
        yield path
        if path not in FREE_FORM:
            yield from schema_paths(resolve(inner, root), root, f"{path}.")


def value_paths(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, inner in values.items():
        path = f"{prefix}{key}"
        yield path
        if isinstance(inner, dict) and path not in FREE_FORM:
            yield from value_paths(inner, f"{path}.")


def owned_objects(
    node: dict[str, Any], root: dict[str, Any], path: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for key, inner in node.get("properties", {}).items():
        below = f"{path}.{key}".strip(".")
        found = resolve(inner, root)
        if below not in FREE_FORM and found.get("type") == "object":
            yield from owned_objects(found, root, below)


def keys_of(
    node: Any, root: dict[str, Any], path: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key that the schema names, in definitions and lists as well."""
    if isinstance(node, list):
        for item in node:
            yield from keys_of(item, root, path)
    elif isinstance(node, dict):
        for word, inner in node.items():
            below = f"{path}/{word}"
            if word == "properties":
                yield from ((f"{below}/{key}", part) for key, part in inner.items())
            if word not in CONDITIONS:
                yield from keys_of(inner, root, below)


def test_default_values_are_valid(schema, values):
    jsonschema.Draft7Validator.check_schema(schema)

    jsonschema.validate(values, schema)


def test_values_with_everything_are_valid(schema, values):
    _merge(values, yaml.safe_load(EVERYTHING.read_text()))

    jsonschema.validate(values, schema)


def test_values_with_everything_set_every_part(values):
    everything = yaml.safe_load(EVERYTHING.read_text())

    assert set(everything) == set(values)


def test_schema_and_values_have_the_same_keys(schema, values):
    in_schema = set(schema_paths(schema, schema)) - {"global"}

    assert in_schema == set(value_paths(values))


def test_no_level_takes_an_unknown_key(schema):
    for path, node in owned_objects(schema, schema):
        assert node.get("additionalProperties") is False, path


def test_every_key_of_the_schema_has_a_description(schema):
    keys = dict(keys_of(schema, schema))

    bare = [
        path
        for path, node in keys.items()
        if not node.get("description") and not resolve(node, schema).get("description")
    ]

    assert bare == []
    assert "/definitions/settings/definitions/ClusterSettings/properties/image" in keys


def test_a_value_is_described_by_its_comment(schema):
    size = schema["properties"]["s3"]["properties"]["bucket"]["description"]

    assert size.startswith("Bucket of all results; the bundled store makes it")


def test_settings_of_the_schema_are_those_of_the_types():
    current = (CHART / "values.schema.json").read_text()

    assert renderer("schema.py")() == current, "repair: python charts/schema.py"


def test_the_readme_lists_the_values():
    current = (CHART / "README.md").read_text()

    assert renderer("readme.py")() == current, "repair: python charts/readme.py"


def test_every_value_has_a_sentence(values):
    described = runpy.run_path(str(REPOSITORY / "charts" / "readme.py"))
    text = (CHART / "values.yaml").read_text()
    paths = {path for path, _, _ in described["described_values"](text)}

    assert set(value_paths(values)) == paths


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        pytest.param({"foo": 1}, [], id="unknown key"),
        pytest.param({"s3": {"size": "1Gi"}}, ["s3"], id="unknown key of s3"),
        pytest.param(
            {"settings": {"train": {"epoch": 3}}},
            ["settings", "train"],
            id="unknown setting",
        ),
        pytest.param(
            {"settings": {"launch": {"parallelism": -1}}},
            ["settings", "launch", "parallelism"],
            id="negative parallelism",
        ),
        pytest.param(
            {"image": {"repository": "lcc:0.1.0"}},
            ["image", "repository"],
            id="tag in the repository",
        ),
        pytest.param({"image": {"tag": "latest"}}, ["image"], id="tag latest"),
        pytest.param(
            {"image": {"tag": "a b; rm -rf"}}, ["image", "tag"], id="shell in a tag"
        ),
        pytest.param({"s3": {"image": {"tag": ""}}}, ["s3", "image"], id="no tag"),
        pytest.param(
            {"s3": {"persistence": {"size": "lots"}}},
            ["s3", "persistence", "size"],
            id="no quantity",
        ),
        pytest.param(
            {"mlflow": {"resources": {"limits": {"memory": "2 GB"}}}},
            ["mlflow", "resources", "limits", "memory"],
            id="no quantity of memory",
        ),
        pytest.param(
            {"fullnameOverride": "a\nb"}, ["fullnameOverride"], id="newline in a name"
        ),
        pytest.param(
            {"caBundle": {"configMap": "$(id)"}},
            ["caBundle", "configMap"],
            id="shell in a name",
        ),
        pytest.param(
            {"mlflow": {"replicas": 0}}, ["mlflow", "replicas"], id="no replica"
        ),
        pytest.param(
            {"launcher": {"subjects": [{"kind": "Robot", "name": "r"}]}},
            ["launcher", "subjects", 0, "kind"],
            id="unknown kind of subject",
        ),
        pytest.param(
            {"settings": {"cluster": {"queue": "Not A Queue"}}},
            ["settings", "cluster", "queue"],
            id="queue that is no name",
        ),
    ],
)
def test_the_schema_refuses(schema, values, changes, place):
    _merge(values, changes)

    errors = list(jsonschema.Draft7Validator(schema).iter_errors(values))

    assert [list(error.absolute_path) for error in errors] == [place]


def _merge(values: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, change in changes.items():
        if isinstance(change, dict) and isinstance(values.get(key), dict):
            _merge(values[key], change)
        else:
            values[key] = change
