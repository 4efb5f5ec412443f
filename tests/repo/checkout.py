"""Names in backticks: where documents and docstrings have them, and what exists.

Reads the checkout; runs nothing of it but the command line's own list of options.
"""

import ast
import fnmatch
import keyword
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from lcc.cli.main import cli
from lcc.config.fields import environment_name, section_paths, setting_fields
from tests.conftest import REPOSITORY

SPAN = re.compile(r"(`+)([^`]+?)\1")
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", flags=re.DOTALL | re.MULTILINE)
HOLE = re.compile(r"<[^>]*>|…")  # what a reader fills in
FILE = re.compile(
    r"[\w.*-]*(/[\w.*-]*)+"  # a path, or a name with the ending of what we write:
    r"|[\w*-]+\.(py|md|ya?ml|toml|json|jsonl|csv|html|db|parquet|keras)"
)
DOTTED = re.compile(r"[A-Za-z_*][\w*]*(\.[\w*]+)+")
WORD = re.compile(r"[A-Za-z_]\w*")
GRID = "search.grid."  # any setting may follow
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

Spans = Iterator[tuple[int, str]]  # line, text


def markdown_spans(text: str) -> Spans:
    """Yield each span of a page, and each line of its shell blocks."""
    for block in BLOCK.finditer(text):
        first = text[: block.start(2)].count("\n") + 1
        lines = block[2].splitlines() if block[1] == "sh" else ()
        for number, line in enumerate(lines, start=first):
            if command := line.partition("#")[0].strip():
                yield number, command
    prose = BLOCK.sub(lambda block: "\n" * block[0].count("\n"), text)
    yield from _spans(prose, first=1)


def docstring_spans(text: str) -> Spans:
    """Yield each span of each docstring of a module."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, DOCUMENTED):
            docstring = ast.get_docstring(node, clean=False)
            yield from _spans(docstring or "", first=node.body[0].lineno)


def _spans(text: str, *, first: int) -> Spans:
    for found in SPAN.finditer(text):
        yield first + text[: found.start()].count("\n"), " ".join(found[2].split())


@dataclass(frozen=True)
class Checkout:
    """What exists in this checkout, and which names of a span do not.

    Attributes:
        not_read: Code whose words are no evidence.
    """

    not_read: tuple[str, ...] = ()

    def missing(self, span: str) -> list[str]:
        """Return the names of a span that look like ours and do not exist."""
        words = HOLE.sub("*", span).split()
        _, is_command, arguments = " ".join(words).partition("lcc-launch ")
        if is_command:
            return self._missing_of_command(arguments.rstrip(')"').split())
        if words[0] == "make":
            return [f"make {w}" for w in words[1:] if w not in self.targets]
        if len(words) > 1:
            return [word for word in words if self._is_missing_part(word)]
        is_missing = self._is_missing_part(words[0]) or self._is_missing_alone(words[0])
        return words if is_missing else []

    def _missing_of_command(self, words: list[str]) -> list[str]:
        name = words[0] if WORD.fullmatch(words[0]) else ""
        if name not in self.options:
            return [f"lcc-launch {name}"]
        flags = {word.partition("=")[0] for word in words if word.startswith("--")}
        unknown = sorted(flags - self.options[name])
        return [
            *(" ".join(["lcc-launch", *words[:1], flag]) for flag in unknown),
            *(word for word in words if self._is_missing_part(word)),
        ]

    def _is_missing_part(self, word: str) -> bool:
        """Judge what is ours wherever it stands: a path of the checkout, a setting."""
        name = word.partition("=")[0].rstrip(":,")
        if name.startswith("LCC_"):
            return "*" not in name and name not in self.words
        if FILE.fullmatch(name):
            is_ours = name.partition("/")[0] in self.files
            return is_ours and not self._has_file(name.rstrip("/"))
        is_ours = name.partition(".")[0] in {"lcc", "jobs", *self.sections}
        return is_ours and bool(DOTTED.fullmatch(name)) and not self._has_dotted(name)

    def _is_missing_alone(self, word: str) -> bool:
        """Judge what is ours only where nothing stands beside it."""
        name = word.partition("=")[0].removesuffix("()")
        if name.startswith("--"):
            return not any(name in flags for flags in self.options.values())
        if FILE.fullmatch(name):
            return not name.startswith("/") and not self._has_file(name.rstrip("/"))
        if DOTTED.fullmatch(name):
            return not self._has_dotted(name)
        return bool(WORD.fullmatch(name)) and name not in self.words

    def _has_file(self, name: str) -> bool:
        if fnmatch.filter(self.ends, name):
            return True
        first, *_ = parts = name.split("/")
        if first in self.files:
            return False
        return all("*" in part or part in self.texts for part in parts)  # a run's own

    def _has_dotted(self, name: str) -> bool:
        if name.startswith(GRID):
            return name.removeprefix(GRID) in self.settings
        if name in self.texts or fnmatch.filter(self.settings, name):
            return True
        first, *rest = name.split(".")
        if first in {"lcc", "jobs"}:
            return self._has_in_module(name)
        if first in self.sections:
            return self._has_in_module(f"lcc.{name}")
        return all("*" in part or part in self.words for part in (first, *rest))

    def _has_in_module(self, name: str) -> bool:
        """Return whether a module exists, and names what follows it."""
        path, members = name.replace(".", "/"), set[str]()
        while "*" not in path:
            if path in self.files and not members:
                return True
            for file in (f"{path}.py", f"{path}/__init__.py"):
                if file in self.trees:
                    return members <= set(_identifiers(self.trees[file]))
            path, _, member = path.rpartition("/")
            members.add(member)
        return True  # any module of a room

    @cached_property
    def files(self) -> set[str]:
        """Tracked files and their folders, from the root."""
        listed = set(tracked())
        folders = {str(folder) for file in listed for folder in Path(file).parents}
        return (listed | folders) - {"."}

    @cached_property
    def ends(self) -> set[str]:
        """Those paths, and what is left of them without their first folders."""
        parts = [file.split("/") for file in self.files]
        return {"/".join(path[n:]) for path in parts for n in range(len(path))}

    @cached_property
    def targets(self) -> set[str]:
        """What `make` can make."""
        makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
        return set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))

    @cached_property
    def options(self) -> dict[str, set[str]]:
        """The flags of each command; under no name, those of all and of no command."""
        others = {text for text in self.texts if text.startswith("--")}
        return {
            name: {*others, *(flag for one in parameters for flag in one.opts)}
            for name, parameters in _parameters()
        }

    @cached_property
    def sections(self) -> set[str]:
        """What a setting begins with."""
        return {path.partition(".")[0] for path in setting_fields()}

    @cached_property
    def settings(self) -> set[str]:
        """Paths of settings, and of values of the chart."""
        values = yaml.safe_load((REPOSITORY / "charts/lcc/values.yaml").read_text())
        return {*setting_fields(), *section_paths(), *_paths(values)}

    @cached_property
    def strings(self) -> set[str]:
        """Strings of the code that are no docstring."""
        return {text for tree in self.trees.values() for text in _strings(tree)}

    @cached_property
    def texts(self) -> set[str]:
        """Those strings, and their parts between spaces and slashes."""
        parts = {part for text in self.strings for part in re.split(r"[\s/]+", text)}
        return self.strings | parts

    @cached_property
    def words(self) -> set[str]:
        """Names of the code, and what its strings of one word are made of."""
        single = {text for text in self.strings if not re.search(r"\s", text)}
        return {
            *keyword.kwlist,
            *(name for tree in self.trees.values() for name in _identifiers(tree)),
            *(word for text in single for word in re.split(r"\W+", text)),
            *(part.partition(".")[0] for f in self.files for part in f.split("/")),
            *(word for path in self.settings for word in path.split(".")),
            *(environment_name(path) for path in setting_fields()),
            *(str(p.human_readable_name) for _, ps in _parameters() for p in ps),
        }

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """The code, by path."""
        paths = {f for f in self.files if f.endswith(".py")} - set(self.not_read)
        return {path: ast.parse((REPOSITORY / path).read_text()) for path in paths}


def tracked(*patterns: str) -> list[str]:
    """Return tracked files, as paths from the root, or skip."""
    command = ["git", "ls-files", *patterns]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout: clone the repository")
    return done.stdout.splitlines()


def _parameters() -> Iterator[tuple[str, list[click.Parameter]]]:
    context = click.Context(cli, info_name="lcc-launch", **cli.context_settings)
    shared = cli.get_params(context)
    yield "", shared
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        yield name, [*shared, *command.get_params(context)]


def _strings(tree: ast.Module) -> Iterator[str]:
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in prose:
            yield from [node.value] if isinstance(node.value, str) else ()


def _identifiers(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        for kind in ("id", "attr", "arg", "name", "asname"):
            name = getattr(node, kind, None)
            yield from name.split(".") if isinstance(name, str) else ()


def _paths(values: Any, prefix: str = "") -> Iterator[str]:
    for key, value in values.items() if isinstance(values, dict) else ():
        yield f"{prefix}{key}"
        yield from _paths(value, f"{prefix}{key}.")
