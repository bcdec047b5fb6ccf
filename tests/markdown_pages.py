"""Reads the project's pages for tests: links, the anchors that GitHub makes of headings, paths named as code."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
_FOLDERS = ("docs", "plugins", "examples", ".github")
_FENCED = re.compile(r"(?ms)^( *)(```+|~~~+).*?^\1\2[`~]*$")
_SPAN = re.compile(r"(?s)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_NAMED_PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
_FILE = re.compile(r".+\.(?:py|md|ya?ml|toml|json|txt|in|sql|xz|npy|onnx)")


class Link(NamedTuple):
    """A link to something of the project."""

    page: Path
    path: str
    """Relative to the page; empty for the page itself."""
    anchor: str


def pages() -> list[Path]:
    """Every page in Markdown that a reader may open."""
    below = [path for folder in _FOLDERS for path in sorted((ROOT / folder).rglob("*.md"))]
    return [*sorted(ROOT.glob("*.md")), *(path for path in below if "node_modules" not in path.parts)]


def links(page: Path) -> Iterator[Link]:
    """Links of a page that lead neither to another site nor to a mail program."""
    prose = _SPAN.sub("", _FENCED.sub("", page.read_text(encoding="utf-8")))
    for target in _LINK.findall(prose):
        if not re.match(r"[a-z][a-z0-9+.-]*:", target):
            path, _, anchor = target.partition("#")
            yield Link(page, path, anchor)


def anchors(text: str) -> set[str]:
    """Anchors of a page's headings, numbered where they repeat, and those that it sets itself."""
    found: set[str] = set(re.findall(r"<a\s+(?:id|name)=\"([^\"]+)\"", text))
    for heading in re.findall(r"(?m)^#{1,6}\s+(.+?)\s*#*$", _FENCED.sub("", text)):
        shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def spans(page: Path) -> list[str]:
    """What a page sets as code within its lines."""
    return [" ".join(found.split()) for _, found in _SPAN.findall(_FENCED.sub("", page.read_text(encoding="utf-8")))]


def named_paths(page: Path) -> Iterator[str]:
    """Paths of the repository that a page names as code.

    Those with a NAME to be filled in are left out, and those below a folder that git ignores: a command makes it.
    """
    made = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()}
    for span in spans(page):
        if _NAMED_PATH.fullmatch(span) and "NAME" not in span:
            first = span.partition("/")[0]
            is_below = "/" in span and first not in ("", ".", *made) and (ROOT / first).is_dir()
            if is_below or _FILE.fullmatch(span):
                yield span
