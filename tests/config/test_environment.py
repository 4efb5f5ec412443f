"""Variables that are no settings: each is spelled once."""

import ast
from collections.abc import Iterator

from lcc.config import environment
from tests.conftest import REPOSITORY

MODULE = REPOSITORY / "lcc" / "config" / "environment.py"
NAMES = {
    value
    for name, value in vars(environment).items()
    if name.isupper() and isinstance(value, str)
}


def texts_of(code: str) -> Iterator[str]:
    """Return the texts of a module, without its docstrings."""
    tree = ast.parse(code)
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    plain = {id(statement.value) for statement in statements}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in plain:
            yield str(node.value)


def test_a_variable_is_spelled_in_one_module():
    files = [*REPOSITORY.glob("lcc/**/*.py"), *REPOSITORY.glob("jobs/*.py")]

    spelled = {
        (str(file.relative_to(REPOSITORY)), text)
        for file in files
        if file != MODULE
        for text in texts_of(file.read_text(encoding="utf-8"))
        if text in NAMES
    }

    assert spelled == set()
