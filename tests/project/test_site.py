"""The site of the documentation is built strictly, works from disk in a browser, and fits a phone."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.builder import staging
from docs.builder.html_links import broken_links
from docs.builder.navigation import sections
from docs.builder.repository import file_url
from docs.builder.site import build

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE = 390
SEEN = ("index", "install", "questions", "settings", "results", "hosts", "architecture", "reference/memento")

# Opened from disk: every page in a frame as wide as a phone, and a search in one of them.
DRIVER = """
<body><pre id="told"></pre>FRAMES<script>
const all = root => [...root.querySelectorAll("*")].flatMap(e => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])]);
onload = () => {
  const frames = [...document.querySelectorAll("iframe")];
  for (const frame of frames)
    told.textContent += "width " + frame.contentDocument.documentElement.scrollWidth + "\\n";
  const page = frames[0].contentDocument;
  page.querySelector(".md-search__button").click();
  setTimeout(() => {
    const box = all(page).find(e => e.tagName == "INPUT" && e.placeholder == "Search");
    box.value = "late feedback";
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }, 1500);
  setTimeout(() => {
    const found = all(page).filter(e => e.tagName == "A" && (e.href || "").includes("feedback.html"));
    told.textContent += "found " + found.length + "\\n";
  }, 6000);
};
</script></body>
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("out"))


@pytest.mark.slow
def test_the_site_is_built_strictly(site: Path) -> None:
    """A missing page, a broken link or anchor, or a load from another host would have failed the build."""
    pages = [staging.staged_name(page) for section in sections() for page in section.pages]
    assert [name for name in pages if not (site / name).with_suffix(".html").is_file()] == []
    told = (site / "llms.txt").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^- \[.+\]\((.+)\): .+$", told) == pages


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="there is no chromium or google-chrome")
def test_pages_show_and_search_without_errors_in_a_browser_without_a_network(site: Path, tmp_path: Path) -> None:
    frames = "".join(
        f'<iframe style="width:{PHONE}px;height:800px" src="{(site / name).as_uri()}.html"></iframe>' for name in SEEN
    )
    driver = tmp_path / "driver.html"
    driver.write_text(DRIVER.replace("FRAMES", frames), encoding="utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    offline = ["--host-resolver-rules=MAP * ~NOTFOUND", "--disable-web-security", "--allow-file-access-from-files"]
    read = ["--enable-logging=stderr", "--virtual-time-budget=8000", "--dump-dom", driver.as_uri()]
    done = subprocess.run(
        [str(BROWSER), *options, *offline, *read], check=True, capture_output=True, text=True, timeout=100
    )
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    widths = [int(width) for width in re.findall(r"(?m)^(?:.*>)?width (\d+)$", done.stdout)]
    assert len(widths) == len(SEEN)
    assert max(widths) <= PHONE
    assert re.search(r"found [1-9]", done.stdout)


def test_links_to_other_files_are_absolute_in_the_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "ROOT", tmp_path)
    monkeypatch.setattr(staging, "DOCS", tmp_path / "docs")
    page, other = tmp_path / "docs" / "page.md", tmp_path / "OTHER.md"
    page.parent.mkdir()
    (tmp_path / "code.py").touch()
    page.write_text("# P\n[a](../code.py) [b](../OTHER.md#x) [c](#p)\n```\n[d](nowhere.md)\n```\n", encoding="utf-8")
    other.write_text("# O\n[a](docs/page.md) [b](nowhere.md)\n", encoding="utf-8")
    names = {page: "page.md", other: "OTHER.md"}
    told = staging.relinked(page, names)
    assert told == f"# P\n[a]({file_url('code.py')}) [b](OTHER.md#x) [c](#p)\n```\n[d](nowhere.md)\n```\n"
    with pytest.raises(ValueError, match=r"OTHER\.md links nowhere\.md"):
        staging.relinked(other, names)


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#x">1</a><a href="c.html">2</a><img src="https://e.org/p.png">')
    (tmp_path / "b.html").write_text('<h1 id="y"></h1><a href="#y">3</a><a href="https://e.org">4</a>')
    assert broken_links(tmp_path) == ["a.html -> b.html#x", "a.html -> c.html", "a.html -> https://e.org/p.png"]
