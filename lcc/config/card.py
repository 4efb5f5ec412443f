"""What a person must say of a model and its data: the file that `evaluate.card` names.

Knows the questions, and which are answered; not what is known without a person.
Source of the questions: Mitchell et al., Model cards for model reporting, FAT* 2019,
section 4; Gebru et al., Datasheets for datasets, CACM 64 (2021), section 3.
"""

import textwrap
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import Field, ValidationError

from lcc.config.commands import command_line
from lcc.config.document import parse_yaml
from lcc.config.section import Section
from lcc.errors import ConfigError

FIELD = "evaluate.card"
# What people write where they mean to answer later; it is no answer.
PLACEHOLDERS = frozenset({"", "?", "-", "...", "…", "tbd", "todo", "fixme", "xxx"})
WIDTH = 84  # of a comment
HEAD = """\
# What no file says of a model and its data. "Not known" is an answer, an empty line is
# none: the cards mark it as missing, and `promote` refuses.
"""


class ModelAnswers(Section):
    """What a person says of a model."""

    intended_use: str = Field(default="", description="What is it for, and for whom?")
    out_of_scope_use: str = Field(
        default="", description="What must it not be used for?"
    )
    contact: str = Field(
        default="", description="Who answers for it, and how are they reached?"
    )
    licence: str = Field(default="", description="Under which licence may it be used?")
    ethical_considerations: str = Field(
        default="", description="Whom can a wrong answer harm, and what was done?"
    )
    caveats: str = Field(
        default="", description="What else should a user know or test first?"
    )


class DataAnswers(Section):
    """What a person says of a data set."""

    purpose: str = Field(
        default="", description="Why was the data set made, by whom, paid by whom?"
    )
    collection: str = Field(
        default="",
        description="How were slides collected: sites, years, stain, scanner, zoom?",
    )
    people: str = Field(
        default="",
        description="Whose tissue is it, did they consent, who approved the study?",
    )
    sampling: str = Field(
        default="", description="Which cases were chosen, and which are missing?"
    )
    labelling: str = Field(default="", description="Who labelled the images, and how?")
    uses: str = Field(
        default="", description="What was it used for, and what must it not be?"
    )
    licence: str = Field(
        default="", description="Under which licence may it be used and passed on?"
    )
    maintenance: str = Field(
        default="", description="Who keeps it, and how are faults reported?"
    )


class CardAnswers(Section):
    """All that a person says."""

    model: ModelAnswers = Field(default_factory=ModelAnswers)
    data: DataAnswers = Field(default_factory=DataAnswers)

    def missing(self) -> tuple[str, ...]:
        """Return the paths of the questions that have no answer.

        Example:
            >>> answers = CardAnswers(model=ModelAnswers(licence="MIT", contact="todo"))
            >>> (
            ...     "model.licence" in answers.missing(),
            ...     "model.contact" in answers.missing(),
            ... )
            (False, True)
        """
        return tuple(
            path
            for path in questions()
            if self.answer(path).strip().casefold() in PLACEHOLDERS
        )

    def answer(self, path: str) -> str:
        """Return the answer to a question, empty without one."""
        section, _, name = path.partition(".")
        return str(getattr(getattr(self, section), name))


def questions() -> dict[str, str]:
    """Return all questions by their path."""
    sections: dict[str, type[Section]] = {"model": ModelAnswers, "data": DataAnswers}
    return {
        f"{section}.{name}": str(field.description)
        for section, kind in sections.items()
        for name, field in kind.model_fields.items()
    }


def empty_card() -> str:
    """Return the file without answers, each question above its line."""
    lines = [HEAD]
    section = ""
    for path, question in questions().items():
        head, _, name = path.partition(".")
        if head != section:
            lines.append(f"{head}:\n")
            section = head
        asked = textwrap.fill(
            question, WIDTH, initial_indent="  # ", subsequent_indent="  # "
        )
        lines.append(f"{asked}\n  {name}:\n")
    return "".join(lines)


def parse_card(content: bytes, *, source: str) -> CardAnswers:
    """Return the answers of a file; an empty line is no answer.

    Args:
        content: YAML in UTF-8.
        source: Name of the file in messages.

    Raises:
        ConfigError: Lists every fault.

    Example:
        >>> parse_card(b"model: {licence: MIT}", source="card.yaml").model.licence
        'MIT'
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        message = (
            f"{FIELD}: {source}: must be text in UTF-8, got byte "
            f"{content[err.start]:#04x} at {err.start}. Save it as UTF-8."
        )
        raise ConfigError(message) from err
    document = parse_yaml(text, source=source)
    try:
        return CardAnswers.model_validate(_without_empty(document))
    except ValidationError as err:
        raise ConfigError(*_faults(err, source)) from err


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {n: _without_empty(v) for n, v in value.items() if v is not None}
    return {} if value is None else value


def _faults(err: ValidationError, source: str) -> Iterator[str]:
    for error in err.errors(include_url=False):
        words = [str(word) for word in error["loc"]]
        path = ".".join(words)
        where = f"{FIELD}: {source}: {path}" if path else f"{FIELD}: {source}"
        if error["type"] == "extra_forbidden":
            yield f"{where}: must be a question of the card, got it. {_near(path)}"
        elif path in {"", "model", "data"}:
            yield (
                f"{where}: must be a mapping of questions, got {error['input']!r}. "
                f"An empty one: {_print_empty()}"
            )
        else:
            yield (
                f"{where}: must be text, got {error['input']!r}. Write a sentence, in "
                "quotes where it is a number or a list."
            )


def _near(path: str) -> str:
    known = [*questions(), "model", "data"]
    last = path.rpartition(".")[2]
    same = [own for own in known if own.rpartition(".")[2] == last]
    near = same or get_close_matches(path, known, n=1)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"All of them: {_print_empty()}"


def _print_empty() -> str:
    return command_line("promote", "--empty-card")
