"""The site's pages in their order, from docs/navigation.toml."""

import tomllib
from pathlib import Path
from typing import NamedTuple

from docs.builder.repository import ROOT

DOCS = ROOT / "docs"
_FILE = DOCS / "navigation.toml"


class Section(NamedTuple):
    """A heading of the navigation and its pages."""

    title: str
    pages: list[Path]
    """Files of the repository."""


def sections() -> list[Section]:
    """Sections that have a page; pages of docs/ that are named nowhere are in the last one.

    Raises:
        ValueError: a page is named that is not there, or twice.
    """
    told = tomllib.loads(_FILE.read_text(encoding="utf-8"))["section"]
    made = [Section(one["title"], [page for name in one["pages"] for page in _pages(name)]) for one in told]
    named = [page for section in made for page in section.pages]
    if twice := sorted({page.name for page in named if named.count(page) > 1}):
        raise ValueError(f"{_FILE.name} names a page twice: {', '.join(twice)}")
    made[-1].pages.extend(page for page in sorted(DOCS.rglob("*.md")) if page not in named)
    return [section for section in made if section.pages]


def _pages(name: str) -> list[Path]:
    folder, pattern = (ROOT, name[1:]) if name.startswith("/") else (DOCS, name)
    found = sorted(folder.glob(pattern))
    if not found and "*" not in pattern:
        raise ValueError(f"{_FILE.name} names {name}, which is not there")
    return found


def title(page: Path) -> str:
    """A page's heading, without marks.

    Raises:
        ValueError: its first line is no heading.
    """
    first = page.read_text(encoding="utf-8").partition("\n")[0]
    if not first.startswith("# "):
        raise ValueError(f"{page.relative_to(ROOT)} does not begin with a heading: # ...")
    return first[2:].replace("`", "").strip()
