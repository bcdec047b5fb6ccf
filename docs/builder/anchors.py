"""Anchors of a page's headings, as GitHub makes them."""

import re
from pathlib import Path

_FENCED = re.compile(r"^```.*?^```[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\[\]]*\]\(([^()\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Anchors that can be linked in a page."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    return {_slug(heading) for heading in re.findall(r"(?m)^#{1,6} +(.+)$", text)}


def links(page: Path) -> list[str]:
    """Targets of a page's links, pictures included; not those in blocks of code."""
    return _LINK.findall(_FENCED.sub("", page.read_text(encoding="utf-8")))


def _slug(heading: str) -> str:
    plain = re.sub(r"\[([^\[\]]*)\]\([^()]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
