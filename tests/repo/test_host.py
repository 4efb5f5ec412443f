"""What the repository's host and the hooks read is in the form that they read."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.repo.checkout import tracked

WORKFLOWS = ".github/workflows/*.yaml"
FORMS = ".github/ISSUE_TEMPLATE"
CHOICE = f"{FORMS}/config.yml"  # the one file beside the forms that is none


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        pytest.param("vendor.github-workflows", WORKFLOWS, id="workflows"),
        pytest.param(
            "custom.github-workflows-require-timeout", WORKFLOWS, id="time limits"
        ),
        pytest.param("vendor.github-issue-forms", f"{FORMS}/*.yml", id="forms"),
        pytest.param("vendor.github-issue-config", CHOICE, id="choice of forms"),
        pytest.param("vendor.dependabot", ".github/dependabot.yml", id="updates"),
        pytest.param("vendor.citation-file-format", "CITATION.cff", id="citation"),
    ],
)
def test_files_fit_the_schema_of_whoever_reads_them(schema: str, pattern: str) -> None:
    files = [file for file in tracked(pattern) if file != CHOICE or pattern == CHOICE]
    assert files

    done = run(
        *("check_jsonschema", "--builtin-schema", schema),
        *("--default-filetype", "yaml", *files),
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_hooks_are_what_pre_commit_reads() -> None:
    done = run("pre_commit", "validate-config")

    assert done.returncode == 0, done.stdout + done.stderr


def test_actions_are_pinned_by_commit() -> None:
    used = [
        line.partition("uses: ")[2]
        for file in tracked(WORKFLOWS)
        for line in (REPOSITORY / file).read_text().splitlines()
        if "uses: " in line
    ]

    assert used
    pinned = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v[\d.]+")
    assert [action for action in used if not pinned.fullmatch(action)] == []


def test_the_workflow_makes_what_make_ci_makes() -> None:
    (file,) = tracked(".github/workflows/ci.yaml")
    jobs = yaml.safe_load((REPOSITORY / file).read_text())["jobs"]
    makefile = (REPOSITORY / "Makefile").read_text()

    (wanted,) = re.findall(r"^ci: (.*?) *##", makefile, flags=re.MULTILINE)
    found = " ".join(jobs["ci"]["strategy"]["matrix"]["targets"])

    assert found == wanted
