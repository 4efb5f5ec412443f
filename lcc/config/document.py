"""Reads and writes YAML as people write it; a fault is named with its line.

Knows YAML; not which settings there are.
"""

import re
from typing import Any

import yaml

from lcc.errors import ConfigError


class _Loader(yaml.SafeLoader):
    """YAML as 1.2 has it: 1e-3 is a number, `no` a word; and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: list[object] = []
        for key, _ in node.value:
            if key.value in seen:
                problem = f"key {key.value!r} stands twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.append(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)$"),
    list("-+.0123456789"),
)

BOOL = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    letter: [pair for pair in pairs if pair[0] != BOOL]
    for letter, pairs in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    BOOL, re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def parse_yaml(text: str, *, source: str) -> Any:
    """Return the value of a YAML text.

    Args:
        text: The YAML.
        source: Name of the text in a message, e.g. `lcc.yaml`.

    Raises:
        ConfigError: The text is not YAML; names the line.

    Example:
        >>> parse_yaml("{a: 1e-3}", source="example")
        {'a': 0.001}
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        line = f", line {mark.line + 1}" if mark and "\n" in text.strip() else ""
        message = (
            f"{source}{line}: must be YAML, got {err.problem}. Correct what stands "
            "there; a value with special characters needs quotes."
        )
        raise ConfigError(message) from err
    except yaml.YAMLError as err:
        message = (
            f"{source}: must be YAML text, got {str(err).splitlines()[0]}. "
            "Is it the right file?"
        )
        raise ConfigError(message) from err


def to_yaml(value: object) -> str:
    r"""Return plain values as YAML, in their own order.

    Example:
        >>> to_yaml({"b": 1, "a": [1, 2]})
        'b: 1\na: [1, 2]\n'
    """
    return yaml.safe_dump(
        value, sort_keys=False, allow_unicode=True, default_flow_style=None, width=88
    )
