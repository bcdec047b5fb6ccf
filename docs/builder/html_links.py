"""Finds links, anchors and pictures of a built site that lead nowhere, and what it loads from other hosts."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """What a page links, and what can be linked in it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep links, ids, and what the browser loads by itself."""
        told = {name: value for name, value in attrs if value}
        self.anchors |= {told[name] for name in ("id", "name") if name in told}
        links = [told[name] for name in ("href", "src") if name in told and tag in ("a", "img", "script", "link")]
        self.links += links
        self.loaded += links if tag != "a" else []


def broken_links(site: Path) -> list[str]:
    """`page -> link` for each link within the site whose file or anchor is missing, and each load from another host.

    Args:
        site: folder of the built site.
    """
    pages = {path: _read(path) for path in site.rglob("*.html") if path.name != "404.html"}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link.startswith("#__"):
                broken += [f"{path.relative_to(site)} -> {link}"] if parts.netloc and link in page.loaded else []
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = there / "index.html" if there.is_dir() else there
            anchors = pages[there].anchors if there in pages else set()
            if not there.is_file() or (there in pages and parts.fragment and unquote(parts.fragment) not in anchors):
                broken.append(f"{path.relative_to(site)} -> {link}")
    return broken


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page
