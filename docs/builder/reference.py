"""Public names of the package, and those that the pages of the reference have."""

import ast
import re
from pathlib import Path

from docs.builder.navigation import DOCS
from docs.builder.repository import ROOT

ROOMS = ("memento", "graph", "nodes", "memory", "tools", "integrations", "service", "cli", "evals")


def public_names() -> list[str]:
    """Dotted names in `__all__` of the package and of every sub-package."""
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("__init__.py")):
            folders = path.parent.relative_to(ROOT).parts
            package = ".".join(folders if room == "memento" else ("memento", *folders))
            found += [f"{package}.{name}" for name in _exported(path)]
    return found


def documented_names() -> set[str]:
    """Dotted names that pages of the reference document: those behind `:::`."""
    pages = sorted((DOCS / "reference").glob("*.md"))
    return {name for page in pages for name in re.findall(r"(?m)^::: (\S+)$", page.read_text(encoding="utf-8"))}


def _exported(path: Path) -> list[str]:
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and any(getattr(one, "id", "") == "__all__" for one in statement.targets):
            return list(ast.literal_eval(statement.value))
    return []
