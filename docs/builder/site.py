"""Builds the site of the documentation into out/site: `python -m docs.builder.site`, or `make site`.

Strict: a page that is not there, a broken link or anchor, or a name of the reference that is not found fails the build.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from docs.builder.html_links import broken_links
from docs.builder.llms import llms_text
from docs.builder.navigation import Section, sections, title
from docs.builder.repository import ROOT
from docs.builder.staging import stage, staged_name

_CONFIG = ROOT / "docs" / "site.toml"
_SHIM = ROOT / "docs" / "builder" / "iframe-worker.js"
_SHIM_ELSEWHERE = "https://unpkg.com/iframe-worker/shim"
"""Where the generator's pages load it from. Without it a browser runs no search in pages that are opened from disk."""


def build(out: Path) -> Path:
    """Build the site.

    Args:
        out: folder for `site`, and for the pages that it is made from.

    Returns:
        Folder of the site.

    Raises:
        RuntimeError: the build fails, with what the generator said; or links are broken.
    """
    made, pages, site = sections(), out / "site-pages", out / "site"
    stage([page for section in made for page in section.pages], pages)
    config = pages.parent / "zensical.toml"
    config.write_text(_config(made), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", str(config)],
        capture_output=True,
        text=True,
        check=False,
        cwd=out,
        env={**os.environ, "NO_COLOR": "1"},
    )
    if done.returncode:
        raise RuntimeError(f"the site cannot be built:\n{done.stdout}{done.stderr}")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (site / "llms.txt").write_text(llms_text(made, project["description"]), encoding="utf-8")
    _bring_shim(site)
    for section in made:
        for page in section.pages:
            (site / staged_name(page)).write_bytes((pages / staged_name(page)).read_bytes())
    if broken := broken_links(site):
        raise RuntimeError("links that lead nowhere:\n" + "\n".join(broken))
    return site


def _bring_shim(site: Path) -> None:
    shim = site / "assets" / _SHIM.name
    shutil.copy(_SHIM, shim)
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace(_SHIM_ELSEWHERE, os.path.relpath(shim, page.parent)), encoding="utf-8")


def _config(made: list[Section]) -> str:
    """docs/site.toml with what depends on the repository: the navigation, and where the sources are."""
    nav: list[dict[str, Any]] = [
        {section.title: [{title(page): staged_name(page)} for page in section.pages]} for section in made
    ]
    told = _CONFIG.read_text(encoding="utf-8").replace("@SOURCES@", json.dumps(str(ROOT / ".typing")))
    return told.replace("@NAVIGATION@", _toml(nav))


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value)


if __name__ == "__main__":
    try:
        print(f"{build(ROOT / 'out')}/index.html")  # noqa: T201 - the command's answer
    except (RuntimeError, ValueError) as error:
        sys.exit(str(error))
