"""What must hold of the checkout as a whole."""

import ast
import tomllib

import yaml

import lcc
from tests.conftest import REPOSITORY
from tests.repo.checkout import tracked

ENTRY_LINES = 40  # of a container entry point: settings → objects → one call


def test_the_version_is_the_same_everywhere():
    document = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())

    assert document["project"]["version"] == lcc.__version__
    assert f"## {lcc.__version__}" in (REPOSITORY / "CHANGELOG.md").read_text()
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert citation["version"] == lcc.__version__


def test_locked_requirements_have_hashes_and_no_address():
    for name in ("launcher", "worker", "cuda", "dev"):
        text = (REPOSITORY / "requirements" / f"{name}.txt").read_text()

        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "index-url" not in text


def test_one_package_has_one_version_in_every_lock():
    versions: dict[str, set[str]] = {}
    for name in ("launcher", "worker", "cuda", "dev"):
        text = (REPOSITORY / "requirements" / f"{name}.txt").read_text()
        for line in text.splitlines():
            if "==" in line and not line.startswith((" ", "#")):
                package, _, rest = line.removesuffix("\\").strip().partition("==")
                marker = rest.partition(";")[2].strip()
                versions.setdefault(f"{package} {marker}", set()).add(rest.split()[0])

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_entry_points_are_short():
    for name in tracked("jobs/*.py"):
        text = (REPOSITORY / name).read_text()
        if "__main__" in text:
            assert len(text.splitlines()) <= ENTRY_LINES, name


def test_every_module_says_what_it_knows():
    for name in (*tracked("lcc/*.py"), *tracked("jobs/*.py")):
        tree = ast.parse((REPOSITORY / name).read_text())
        assert ast.get_docstring(tree), name
