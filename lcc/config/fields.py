"""Which settings there are: every dotted path of the tree and its field.

Walks the pydantic models; knows nothing of files, environment or flags.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from lcc.config import environment
from lcc.config.section import Section
from lcc.config.settings import Settings


@cache
def setting_fields() -> dict[str, FieldInfo]:
    """Return every setting by dotted path, in the order of the sections.

    Example:
        >>> "data.families.num_keypoints" in setting_fields()
        True
    """
    return dict(_walk(Settings, ""))


def _walk(section: type[Section], prefix: str) -> list[tuple[str, FieldInfo]]:
    found: list[tuple[str, FieldInfo]] = []
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            found += _walk(kind, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", field))
    return found


@cache
def section_paths() -> frozenset[str]:
    """Return the dotted path of every section.

    Example:
        >>> "data.families" in section_paths()
        True
    """
    parents = set()
    for path in setting_fields():
        words = path.split(".")[:-1]
        parents |= {".".join(words[:end]) for end in range(1, len(words) + 1)}
    return frozenset(parents)


def environment_name(path: str) -> str:
    """Return the variable that sets a path.

    Example:
        >>> environment_name("launch.gpus")
        'LCC_LAUNCH_GPUS'
    """
    return f"{environment.OWN_PREFIX}{path.replace('.', '_').upper()}"


def is_mapping(path: str) -> bool:
    """Return whether a setting holds names and values of the user's own.

    Example:
        >>> is_mapping("search.grid"), is_mapping("train.epochs")
        (True, False)
    """
    field = setting_fields().get(path)
    return field is not None and dict in _kinds(field.annotation)


def takes_text(path: str) -> bool:
    """Return whether a setting holds any text, also one that looks like a number.

    Example:
        >>> takes_text("data.catalogue"), takes_text("model.frozen_stages")
        (True, False)
    """
    field = setting_fields().get(path)
    return field is not None and str in _kinds(field.annotation)


def words_of(path: str) -> tuple[str, ...]:
    """Return the words that a setting may be set to, none where it takes a value.

    Example:
        >>> words_of("train.device"), words_of("train.epochs"), words_of("train.xla")
        (('gpu', 'cpu'), (), ('true', 'false'))
    """
    field = setting_fields().get(path)
    return () if field is None else tuple(_words(field.annotation))


def _words(annotation: object) -> Iterator[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is bool:
        yield from ("true", "false")
    elif isinstance(annotation, type) and issubclass(annotation, StrEnum):
        yield from (word.value for word in annotation)
    elif origin is Literal:
        yield from map(str, arguments)
    elif origin in {Union, UnionType}:
        yield from (word for part in arguments for word in _words(part))


def _kinds(annotation: object) -> set[object]:
    origin = get_origin(annotation)
    if origin in {Union, UnionType}:
        return {kind for part in get_args(annotation) for kind in _kinds(part)}
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    return {origin or annotation}
