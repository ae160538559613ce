"""Links between the project's pages lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
LINK = re.compile(r"\]\(([^()\s]+)\)")


def anchors(page):
    """What a page's headings are called in links, as GitHub does it."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page):
    for link in LINK.findall(page.read_text()):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_readme_begins_with_what_a_student_does():
    titles = re.findall(r"^## (.+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    at = [titles.index(title) for title in ("Start", "What your system needs", "In a terminal")]
    assert at == sorted(at)
    assert at[0] == 0
    assert "virtual-machines.md" in (ROOT / "README.md").read_text()
