"""The pages for readers: the README stays a front door, and every link leads somewhere."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PAGES = [
    *(TOP / name for name in ("README.md", "CONTRIBUTING.md", "profiles/README.md")),
    *sorted((TOP / "docs").glob("*.md")),
]
LONGEST_README = 120  # lines


def anchors(page):
    """Anchors of a page's headings, as GitHub and MyST make them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", name.lower()).strip().replace(" ", "-") for name in headings}


def links(page):
    """Targets of a page's links and pictures that are not addresses."""
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [target for target in found if not re.match("https?:", target)]


def test_anchors_are_those_of_the_forge(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One, two: `three`\n\n```\n# no heading\n```\n\n## What's 4-fold?\n")
    assert anchors(page) == {"one-two-three", "whats-4-fold"}


def test_the_readme_is_a_front_door():
    assert len((TOP / "README.md").read_text(encoding="utf-8").splitlines()) <= LONGEST_README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(TOP).as_posix())
def test_every_link_leads_somewhere(page):
    for target in links(page):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{target}: no such file"
        if anchor:
            assert anchor in anchors(linked), f"{target}: no such heading"


def test_the_index_lists_every_page():
    listed = set(links(TOP / "docs" / "index.md"))
    pages = {page.name for page in (TOP / "docs").glob("*.md")} - {"index.md"}
    assert pages <= listed


def test_every_hyper_parameter_of_the_experiment_on_real_data_has_its_reason():
    text = (TOP / "experiments" / "macaque_harmonized.yaml").read_text(encoding="utf-8")
    block = text.partition("    recipe:\n")[2].partition("    recipes:\n")[0].splitlines()
    assert len(block) > 15
    assert [line.strip() for line in block if not re.search(r": .+ # .{10}", line)] == []
