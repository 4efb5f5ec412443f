"""Patterns that read columns from a path: `{site}/{patient}/{slide}_{x}_{y}.png`.

Knows how such a pattern is written; not what its columns are used for.
"""

import re
from collections.abc import Iterator
from string import Formatter

WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
IN_ANY_FOLDER = WILDCARDS["**/"]


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return the expression that matches a whole path, with a group for each column.

    A column `{name}` is any text without a slash; the first takes as much as it can,
    then the second. One that stands twice must have the same text twice. `*` is any
    text without a slash, `**/` any folders or none; `{{` and `}}` are braces. A
    pattern without a slash is for the file name, whatever folders it lies in.

    Raises:
        ValueError: It is no such pattern; says what is wrong and what to do.

    Example:
        >>> found = compile_pattern("{patient}_{x}_{y}.png").fullmatch("n/a_b_1_2.png")
        >>> found.groupdict()
        {'patient': 'a_b', 'x': '1', 'y': '2'}
    """
    prefix = "" if "/" in pattern else IN_ANY_FOLDER
    expression = re.compile(prefix + "".join(_parts(pattern)), re.DOTALL)
    if not expression.groupindex:
        message = f"must name a column, got {pattern}. Write e.g. {{patient}}_*.png."
        raise ValueError(message)
    return expression


def _parts(pattern: str) -> Iterator[str]:
    names: set[str] = set()
    is_open = True  # whether a column may come next
    for literal, name, *rest in _parse(pattern):
        yield _literal(literal)
        if name is not None:
            _check_column(name, rest, is_open=is_open or bool(literal))
            yield f"(?P={name})" if name in names else f"(?P<{name}>[^/]+)"
            names.add(name)
        is_open = name is None


def _check_column(name: str, rest: list[str | None], *, is_open: bool) -> None:
    if not name.isidentifier() or any(rest):
        message = (
            f"must have letters, digits and _ between braces, got {{{name}}}. "
            "Write e.g. {patient}."
        )
        raise ValueError(message)
    if not is_open:
        message = f"must have text before {{{name}}}, got none. Add what parts them."
        raise ValueError(message)


def _parse(pattern: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(pattern))
    except ValueError as err:
        message = f"must have braces in pairs, got {pattern}. Close each {{name}}."
        raise ValueError(message) from err


def _literal(text: str) -> str:
    parts = re.split(r"(\*\*/|\*\*|\*)", text)
    return "".join(WILDCARDS.get(part) or re.escape(part) for part in parts)
