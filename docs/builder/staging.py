"""Pages as the site generator reads them: in one folder, with links to other files of the repository made absolute."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from docs.builder.navigation import DOCS
from docs.builder.repository import ROOT, file_url

_FENCED = re.compile(r"^(```.*?^```[ \t]*$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(\[[^\[\]]*\])\(([^()\s]+)\)")
_PICTURES = (".png", ".svg")
_COPIED = (*_PICTURES, ".css")


def staged_name(page: Path) -> str:
    """Path of a page below the folder that the generator reads: files of docs/ keep theirs, a README is an index."""
    path = page.relative_to(DOCS if page.is_relative_to(DOCS) else ROOT)
    return (path.with_name("index.md") if path.name == "README.md" else path).as_posix()


def stage(pages: list[Path], folder: Path) -> None:
    """Write all pages, pictures and the style sheet below a new folder.

    Raises:
        ValueError: a page links a file that is not there.
    """
    shutil.rmtree(folder, ignore_errors=True)
    names = {page: staged_name(page) for page in pages}
    for page, name in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(relinked(page, names), encoding="utf-8")
    for picture in (path for path in DOCS.rglob("*") if path.suffix in _COPIED):
        (folder / staged_name(picture)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, folder / staged_name(picture))


def relinked(page: Path, names: Mapping[Path, str]) -> str:
    """A page's text with links that hold in the site.

    Args:
        page: a file of the repository.
        names: of all staged pages.
    """
    pieces = _FENCED.split(page.read_text(encoding="utf-8"))
    texts = [
        piece if piece.startswith("```") else _LINK.sub(lambda one: _link(one, page, names), piece) for piece in pieces
    ]
    return "".join(texts)


def _link(found: re.Match[str], page: Path, names: Mapping[Path, str]) -> str:
    text, target = found[1], found[2]
    if target.startswith("#") or re.match(r"[a-z]+:", target):
        return found[0]
    path, _, anchor = target.partition("#")
    there = Path(os.path.normpath(page.parent / path))
    if not there.exists():
        raise ValueError(f"{page.relative_to(ROOT)} links {target}, which is not there")
    suffix = f"#{anchor}" if anchor else ""
    if there in names or (there.is_relative_to(DOCS) and there.suffix in _PICTURES):
        name = names.get(there) or staged_name(there)
        return f"{text}({os.path.relpath(name, Path(names[page]).parent)}{suffix})"
    return f"{text}({file_url(there.relative_to(ROOT).as_posix())}{suffix})"
