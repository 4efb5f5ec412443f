"""Messages for pydantic's errors: path, rule, value, what to do."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lcc.config.cluster import (
    ABSOLUTE,
    IMAGE,
    LABEL,
    LABEL_VALUE,
    NAME,
    QUALIFIED,
    QUANTITY,
    VARIABLE,
)
from lcc.config.commands import command_line
from lcc.config.fields import is_mapping, section_paths, setting_fields
from lcc.config.layers import Layers

RULES: Mapping[str, str] = {
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be above {gt:g}",
    "less_than_equal": "must be at most {le:g}",
    "less_than": "must be below {lt:g}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_short": "must have at least {min_length} character(s)",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "model_type": "must be a mapping of settings",
    "model_attributes_type": "must be a mapping of settings",
    "dict_type": "must be a mapping",
    "tuple_type": "must be a list",
}
FEW = 8  # names of a section that fit a line
PATTERNS: Mapping[str, str] = {  # what Kubernetes asks of names, in words
    QUANTITY: "must be a Kubernetes quantity such as 500m or 4Gi",
    IMAGE: "must be an image with a tag or digest, such as lcc:0.1.0",
    LABEL: "must be a DNS label: lower-case letters, digits and dashes, 63 at most",
    NAME: "must be a DNS name: lower-case letters, digits, dashes and dots",
    QUALIFIED: "must be a label key such as kubernetes.io/arch",
    LABEL_VALUE: "must be a label value: letters, digits and -_. between, 63 at most",
    VARIABLE: "must be a variable's name: letters, digits and -_., no digit first",
    ABSOLUTE: "must be an absolute path without a colon",
}


def describe_faults(err: ValidationError) -> list[str]:
    """Return a message for each fault of values that no user's source is known of."""
    return [message for _, message in faults_by_path(err, Layers())]


def faults_by_path(err: ValidationError, layers: Layers) -> list[tuple[str, str]]:
    """Return (dotted path, message) of each fault, alternatives of one field joined."""
    found: dict[str, list[ErrorDetails]] = {}
    for error in err.errors(include_url=False):
        found.setdefault(_path_of(error["loc"]), []).append(error)
    return [(path, _describe(path, errors, layers)) for path, errors in found.items()]


def remedy(path: str, layers: Layers) -> str:
    """Return where the user can change a setting."""
    origin = layers.origin_of(path)
    if origin is None:
        return f"Set it with --set {path}=VALUE."
    if origin.startswith("--") or origin.isupper():
        return f"Change {origin}."
    return f"Change it in {origin}."


def near_words(path: str) -> str:
    """Return a hint at the setting that was meant.

    Example:
        >>> near_words("launch.gpu")
        'Did you mean launch.gpus?'
        >>> near_words("cluster.resources.train.cpu")[:48]
        'Did you mean cluster.resources.train.cpu_request'
        >>> near_words("cluster.resources.prepare")
        'In cluster.resources there are data, light, train.'
    """
    known = [p for p in (*setting_fields(), *section_paths()) if p != path]
    section, _, last = path.rpartition(".")
    siblings = {
        p.rpartition(".")[2]: p for p in known if p.rpartition(".")[0] == section
    }
    close = get_close_matches(last, siblings, n=1, cutoff=0.7)
    near = [p for p in known if p.rpartition(".")[2] == last]
    near = near or [siblings[name] for name in close]
    near = near or [p for name, p in siblings.items() if name.startswith(f"{last}_")]
    near = near or get_close_matches(path, known, n=1, cutoff=0.85)
    if not near and section in section_paths() and len(siblings) <= FEW:
        return f"In {section} there are {', '.join(sorted(siblings))}."
    if not near:
        return f"All of them: {command_line('schema')}"
    return f"Did you mean {' or '.join(near)}?"


def _path_of(location: Sequence[int | str]) -> str:
    """Return the dotted path without pydantic's names of union members."""
    words = [str(word) for word in location]
    for end in range(1, len(words) + 1):
        path = ".".join(words[:end])
        if path in setting_fields():
            keys = [word for word in words[end:] if "." in word or word.isidentifier()]
            is_mapped = is_mapping(path) and keys
            return f"{path}.{keys[0]}" if is_mapped else path
    return ".".join(words)


def _describe(path: str, errors: list[ErrorDetails], layers: Layers) -> str:
    first = errors[0]
    if first["type"] == "extra_forbidden":
        origin = layers.origin_of(path) or "the settings"
        if path in setting_fields():  # a field of an entry of a list
            path = ".".join(str(word) for word in first["loc"])
        return f"{path}: is not a setting, got it from {origin}. {near_words(path)}"
    if first["type"] == "value_error":  # a validator of this package
        mark = ": " if path in setting_fields() else "."  # of a field, or of a section
        return f"{path}{mark}{first['ctx']['error']}".removeprefix(".")
    rules = " or ".join(dict.fromkeys(_rules(errors)))
    return f"{path}: {rules}, got {_shown(first['input'])}. {remedy(path, layers)}"


def _rules(errors: list[ErrorDetails]) -> Iterator[str]:
    for number, error in enumerate(errors):
        context = error.get("ctx", {})
        template = PATTERNS.get(context.get("pattern", ""), RULES.get(error["type"]))
        rule = template.format(**context) if template else error["msg"]
        yield rule if number == 0 else rule.removeprefix("must be ")


def _shown(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"  # noqa: PLR2004 - a line
