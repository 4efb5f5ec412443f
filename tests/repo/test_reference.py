"""docs/reference/ and the index of benchmarks say what the code says."""

import ast
import re
import runpy

import pytest

from lcc import errors
from tests.conftest import REPOSITORY

REFERENCE = REPOSITORY / "docs" / "reference"
PRINTER = runpy.run_path(str(REPOSITORY / "docs" / "print.py"))


@pytest.mark.parametrize("name", ["settings.md", "commands.md"])
def test_printed_pages_are_current(name: str, request: pytest.FixtureRequest) -> None:
    wanted = PRINTER["pages"]()[name]
    if request.config.getoption("--update-goldens"):
        (REFERENCE / name).write_text(wanted, encoding="utf-8")

    text = (REFERENCE / name).read_text(encoding="utf-8")

    assert text == wanted, "repair: python docs/print.py"


def test_a_setting_has_its_bounds_default_variable_and_meaning() -> None:
    row = (
        "| `train.batch_size`<br>`LCC_TRAIN_BATCH_SIZE` | whole number, ≥ 1, ≤ 65,536 "
        "| `32` | Global batch, over all replicas. |\n"
    )

    assert row in PRINTER["pages"]()["settings.md"]


def test_every_file_that_the_layout_spells_is_listed() -> None:
    tree = ast.parse((REPOSITORY / "lcc" / "storage" / "layout.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    prose = {id(f.body[0].value) for f in functions if isinstance(f.body[0], ast.Expr)}
    texts = [
        node.value
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and id(node) not in prose
    ]
    names = {name for t in map(str, texts) for name in re.findall(r"\w+\.[a-z]+\b", t)}

    page = (REFERENCE / "files.md").read_text(encoding="utf-8")

    assert len(names) > 10
    assert {name for name in names if name not in page} == set()


def test_every_exit_code_is_told() -> None:
    classes = [e for e in vars(errors).values() if isinstance(e, type)]
    codes = {str(c.exit_code) for c in classes if issubclass(c, errors.LccError)}

    page = (REFERENCE / "exit-codes.md").read_text(encoding="utf-8")

    assert codes <= set(re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE))


def test_words_of_the_glossary_are_sorted_and_stand_once() -> None:
    page = (REFERENCE / "glossary.md").read_text(encoding="utf-8")

    words = re.findall(r"^\| ([\w ]+) \| [^|]+ \|$", page, flags=re.MULTILINE)[1:]

    assert words == sorted(set(words))


def test_every_benchmark_is_in_the_index() -> None:
    folder = REPOSITORY / "benchmarks"
    listed = re.findall(r"\]\((\w+\.py)\)", (folder / "README.md").read_text())

    assert sorted(listed) == sorted(path.name for path in folder.glob("*.py"))
