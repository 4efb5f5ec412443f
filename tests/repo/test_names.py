"""What documents and docstrings name in backticks exists."""

from collections.abc import Iterator

import pytest

from tests.conftest import REPOSITORY
from tests.repo.checkout import Checkout, docstring_spans, markdown_spans, tracked

ALLOWED = {  # reason: names
    "of other programs": ("venv", "sslmode", "NO_COLOR", "--cascade=orphan"),
    "of libraries": (*("intersectConvexConvex", "Lambda", "Scheduler"),),
    "the API server's own word": ("v4.channel.k8s.io",),
    "a build argument of the Dockerfile": ("ACCELERATOR=cuda",),
    "column names that are read without their underscore": (
        *("file_path", "image_path", "class_name"),
    ),
}
DOCSTRINGS = ("lcc/*.py", "jobs/*.py")
CHECKOUT = Checkout(not_read=("tests/repo/test_names.py",))


def missing(*patterns: str) -> Iterator[tuple[str, str]]:
    """Yield (where, name) for each name that does not exist."""
    for file in tracked(*patterns):
        text = (REPOSITORY / file).read_text(encoding="utf-8")
        find = markdown_spans if file.endswith(".md") else docstring_spans
        for line, span in find(text):
            yield from ((f"{file}:{line}", name) for name in CHECKOUT.missing(span))


def faults(*patterns: str) -> str:
    allowed = {name for names in ALLOWED.values() for name in names}
    found = (item for item in missing(*patterns) if item[1] not in allowed)
    return "\n".join(f"{where}: {name} does not exist" for where, name in found)


def test_what_documents_name_exists() -> None:
    assert faults("*.md") == ""


def test_what_docstrings_name_exists() -> None:
    assert faults(*DOCSTRINGS) == ""


def test_no_name_is_allowed_in_vain() -> None:
    found = {name for _, name in missing("*.md", *DOCSTRINGS)}

    assert [n for names in ALLOWED.values() for n in names if n not in found] == []


@pytest.mark.parametrize(
    "span",
    [
        pytest.param("make study", id="target"),
        pytest.param("lcc-launch train --gpus 4", id="command"),
        pytest.param("lcc-launch status [RUN]", id="command with its argument"),
        pytest.param("--dry-run client", id="option"),
        pytest.param("lcc/cli/main.py", id="file"),
        pytest.param("cli/main.py", id="end of a path"),
        pytest.param("tests/chart/", id="folder"),
        pytest.param("runs/<run id>/cv_results.csv", id="file of a run"),
        pytest.param("lcc.storage.layout.input_digest", id="function of a module"),
        pytest.param("storage.layout", id="module of a room"),
        pytest.param("jobs.<step>", id="any module of a room"),
        pytest.param("launch.gpus", id="setting"),
        pytest.param("launch.gpus=4", id="setting with a value"),
        pytest.param("launch.gpus: must divide", id="setting in a message"),
        pytest.param("search.grid.train.epochs", id="setting in a grid"),
        pytest.param("serviceAccounts.*.annotations", id="values of the chart"),
        pytest.param("LCC_TRAIN_EPOCHS=3", id="variable"),
        pytest.param("setting_fields()", id="function"),
        pytest.param("candidate", id="word that the code knows"),
        pytest.param("tf.data", id="name of a library"),
        pytest.param("kubectl apply -f our/file.yaml", id="another program"),
        pytest.param("/dev/shm", id="path of a machine"),  # noqa: S108
    ],
)
def test_a_name_that_exists_is_found(span: str) -> None:
    assert CHECKOUT.missing(span) == []


@pytest.mark.parametrize(
    ("span", "name"),
    [
        pytest.param("make gone", "make gone", id="target"),
        pytest.param("lcc-launch gone", "lcc-launch gone", id="command"),
        pytest.param("lcc-launch list --gone", "lcc-launch list --gone", id="option"),
        pytest.param("--gone", "--gone", id="option alone"),
        pytest.param("lcc/cli/gone.py", "lcc/cli/gone.py", id="file"),
        pytest.param("pytest tests/gone.py", "tests/gone.py", id="file of a command"),
        pytest.param("runs/<run id>/gone.csv", "runs/*/gone.csv", id="file of a run"),
        pytest.param("lcc.storage.gone", "lcc.storage.gone", id="module"),
        pytest.param("launch.gone", "launch.gone", id="setting"),
        pytest.param("launch.gone: must", "launch.gone:", id="setting in a message"),
        pytest.param("search.grid.gone.it", "search.grid.gone.it", id="grid"),
        pytest.param("LCC_GONE", "LCC_GONE", id="variable"),
        pytest.param("gone_too()", "gone_too()", id="function"),
    ],
)
def test_a_name_that_does_not_exist_is_told(span: str, name: str) -> None:
    assert CHECKOUT.missing(span) == [name]


def test_a_name_is_told_with_its_line() -> None:
    page = "# A page\n\n```sh\nmake gone  # a block\n```\n\nA `name\nof two` lines.\n"
    module = '"""One.\n\nTwo: `three`.\n"""\n'

    assert list(markdown_spans(page)) == [(4, "make gone"), (7, "name of two")]
    assert list(docstring_spans(module)) == [(3, "three")]
