"""Links of the documents lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.repo.checkout import tracked

CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]+`", flags=re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", flags=re.MULTILINE)


def links(text: str) -> Iterator[str]:
    """Yield each link of a page that does not leave the checkout."""
    for target in LINK.findall(CODE.sub("", text)):
        if "://" not in target:
            yield target


def anchors(text: str) -> set[str]:
    """Return what a heading can be linked by, as the usual hosts make it."""
    blocks = re.compile(r"^ *```.*?^ *```$", flags=re.DOTALL | re.MULTILINE)
    titles = (title.lower() for title in HEADING.findall(blocks.sub("", text)))
    return {re.sub(r"[^\w -]", "", title).strip().replace(" ", "-") for title in titles}


def fault(page: Path, target: str) -> str | None:
    name, _, anchor = target.partition("#")
    file = (page.parent / name).resolve() if name else page
    if not file.exists():
        return f"{target} does not exist"
    if anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
        return f"{target} has no such heading"
    return None


@pytest.mark.parametrize("name", tracked("*.md"))
def test_links_lead_to_files_and_headings_that_exist(name: str) -> None:
    page = REPOSITORY / name
    targets = links(page.read_text(encoding="utf-8"))

    assert [found for target in targets if (found := fault(page, target))] == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title, `here`\n\n[x](gone.md) [y](#a-title-here) [z](#b)\n")

    found = [fault(page, target) for target in links(page.read_text())]

    assert found == ["gone.md does not exist", None, "#b has no such heading"]


def test_every_page_is_in_the_index() -> None:
    index = REPOSITORY / "docs" / "README.md"
    listed = {(index.parent / t).resolve() for t in links(index.read_text())}
    pages = {(REPOSITORY / name).resolve() for name in tracked("docs/**/*.md")}
    decisions = (REPOSITORY / "docs" / "decisions").resolve()

    missing = {page for page in pages - listed if decisions not in page.parents}

    assert missing - {index.resolve()} == set()
